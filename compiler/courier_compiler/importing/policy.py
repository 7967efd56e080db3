"""Policy: the file bofh in the words of a site."""

from __future__ import annotations

import re
from typing import Any, Final

from courier_compiler.importing.draft import Draft, fits
from courier_compiler.importing.installation import Installation
from courier_schema.legacy.formats import bofh
from courier_schema.legacy.table import rows_by_name
from courier_schema.legacy.tables.bofh import Bofh
from courier_schema.report import SitePath
from courier_schema.site.policy import SpfResult
from courier_schema.words import Domain, IpAddress, Octets, Positive, Recipient, SenderPattern

_SPF: Final = {
    "BOFHSPFHELO": "helo", "BOFHSPFMAILFROM": "mail_from", "BOFHSPFFROM": "header_from",
    "BOFHSPFHARDERROR": "hard_errors",
}  # fmt: skip
_SPF_FLAGS: Final = {"BOFHSPFTRUSTME": "trust_relay_clients", "BOFHSPFNOVERBOSE": "quiet"}
_WORDS: Final[dict[str, Any]] = {"badfrom": SenderPattern, "badmx": IpAddress, "spamtrap": Recipient}
_HELO: Final = {"0": "off", "1": "strict", "2": "soft"}


def take_policy(draft: Draft, installation: Installation) -> None:
    """Say every restriction."""
    if "bofh" not in installation.files:
        return
    draft.taken.add("bofh")
    found, problems = bofh.parse(installation.source("bofh"))
    for problem in problems:
        draft.note(f"{problem.says}, so it is left out", problem.mark)
    _list(draft, ("policy", "deny_senders"), found.badfrom, SenderPattern)
    _list(draft, ("policy", "deny_mx"), found.badmx, IpAddress)
    _list(draft, ("policy", "spam_traps"), found.spamtrap, Recipient)
    for domains in found.freemail:
        if fits(list[Domain], list(domains)):
            known = draft.said(("policy", "freemail", domains[0]))
            draft.say(("policy", "freemail", domains[0]), [*(known if isinstance(known, list) else ()), *domains[1:]])
    if found.maxrcpts is not None and fits(Positive, found.maxrcpts):
        limit: Any = {"count": found.maxrcpts, "hard": True} if found.is_hard else found.maxrcpts
        draft.say(("policy", "max_recipients"), limit)
    for name, text in found.options.items():
        _option(draft, name, text)


def is_of_use(fact: str) -> bool:
    """Whether a directive, `badfrom @spam.example` or `option NAME`, does anything."""
    word, _, value = fact.partition(" ")
    if word == "option":
        row = rows_by_name(Bofh).get(value)
        return row is not None and not row.unread
    return word not in _WORDS or fits(_WORDS[word], value)


def _list(draft: Draft, path: SitePath, values: tuple[str, ...], word: object) -> None:
    sound = [value for value in dict.fromkeys(values) if fits(word, value)]
    for value in values:
        if value not in sound:
            draft.note(f"{value!r} of bofh matches nothing, so it is left out")
    if sound:
        draft.say(path, sound)


def _option(draft: Draft, name: str, text: str) -> None:
    words = [word for word in re.split(r"[,\s]+", text) if word]
    if name in _SPF and fits(list[SpfResult], words):
        draft.say(("policy", "spf", _SPF[name]), words)
    elif name in _SPF_FLAGS and text in {"0", "1"}:
        draft.say(("policy", "spf", _SPF_FLAGS[name]), text == "1")
    elif name == "BOFHCHECKHELO" and text in _HELO:
        draft.say(("policy", "check_helo"), _HELO[text])
    elif name == "BOFHHEADERLIMIT" and text.isdecimal() and fits(Octets, int(text)):
        draft.say(("policy", "max_header_size"), int(text))
    elif name == "BOFHSUPPRESSBACKSCATTER" and set(words) <= {"smtp", "authsmtp", "none"}:
        draft.say(("backscatter", "refuse_failing"), [word for word in words if word != "none"])
    else:
        _under_own_name(draft, name, text)


def _under_own_name(draft: Draft, name: str, text: str) -> None:
    row = rows_by_name(Bofh).get(name)
    if row is None or row.unread:
        draft.note(f"no program reads the option {name} of bofh, so it is left out")
        return
    try:
        value: Any = row.codec.decode(text)
        value = value if isinstance(value, (bool, int)) else text
        row.codec.accept(value)
    except ValueError as error:
        draft.note(f"{name} of bofh is {text!r}: {error}", is_open=True)
        return
    draft.say(("settings", "bofh", name), value)
