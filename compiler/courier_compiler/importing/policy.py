"""Policy: the file bofh in the words of a site."""

from __future__ import annotations

import re
from typing import Any, Final

from courier_compiler.importing.draft import Draft, fits
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.tables import commented_lists
from courier_schema.legacy.formats import bofh
from courier_schema.legacy.table import rows_by_name
from courier_schema.legacy.tables.bofh import Bofh
from courier_schema.report import SitePath
from courier_schema.site.policy import SpfResult
from courier_schema.words import Domain, IpAddress, Positive, Recipient, SenderPattern

_SPF: Final = {
    "BOFHSPFHELO": "helo", "BOFHSPFMAILFROM": "mail_from", "BOFHSPFFROM": "header_from",
    "BOFHSPFHARDERROR": "hard_errors",
}  # fmt: skip
_SPF_FLAGS: Final = {"BOFHSPFTRUSTME": "trust_relay_clients", "BOFHSPFNOVERBOSE": "quiet"}
_WORDS: Final[dict[str, Any]] = {"badfrom": SenderPattern, "badmx": IpAddress, "spamtrap": Recipient}
_LISTS: Final[dict[str, SitePath]] = {
    "badfrom": ("policy", "deny_senders"), "badmx": ("policy", "deny_mx"), "spamtrap": ("policy", "spam_traps"),
}  # fmt: skip
_HELO: Final = {"0": "off", "1": "strict", "2": "soft"}
_NUMBER: Final = re.compile(r"([-+]?)0*([0-9]{0,20})")
_LEAST_HEADERS: Final = 1000
"""What lower values of BOFHHEADERLIMIT count as."""
_INT: Final = 1 << 31
_LONG: Final = 1 << 63


def take_policy(draft: Draft, installation: Installation) -> None:
    """Say every restriction."""
    if "bofh" not in installation.files:
        return
    draft.taken.add("bofh")
    found, problems = bofh.parse(installation.source("bofh"))
    where = installation.where("bofh")
    for problem in problems:
        draft.note(f"{draft.told(problem)}, so it is left out", problem.mark)
    _list(draft, _LISTS["badfrom"], found.badfrom, SenderPattern, where)
    _list(draft, _LISTS["badmx"], found.badmx, IpAddress, where)
    _list(draft, _LISTS["spamtrap"], found.spamtrap, Recipient, where)
    for domains in found.freemail:
        if fits(list[Domain], list(domains)):
            known = draft.said(("policy", "freemail", domains[0]))
            draft.say(("policy", "freemail", domains[0]), [*(known if isinstance(known, list) else ()), *domains[1:]])
    if found.maxrcpts is not None and fits(Positive, found.maxrcpts):
        limit: Any = {"count": found.maxrcpts, "hard": True} if found.is_hard else found.maxrcpts
        draft.say(("policy", "max_recipients"), limit)
    for name, text in found.options.items():
        draft.last = ()
        _option(draft, name, text, where)
        draft.places["bofh", name] = draft.last or ("policy",)
    _remark(draft, installation)


def header_limit(text: str) -> int:
    """Bytes that headers may take, as submit reads the option: what exceeds a C int wraps around, as in atoi."""
    found = _NUMBER.match(text)
    assert found is not None
    value = max(-_LONG, min(int(f"{found[1]}{found[2] or 0}"), _LONG - 1))
    return max((value + _INT) % (2 * _INT) - _INT, _LEAST_HEADERS)


def is_of_use(fact: str) -> bool:
    """Whether a directive, `badfrom @spam.example` or `option NAME`, does anything."""
    word, _, value = fact.partition(" ")
    if word == "option":
        row = rows_by_name(Bofh).get(value)
        return row is not None and not row.unread
    return word not in _WORDS or fits(_WORDS[word], value)


def _remark(draft: Draft, installation: Installation) -> None:
    """Put comments above what the line says that they are about."""
    for line, remarks in commented_lists(installation, "bofh"):
        word, *values = line.split()
        draft.remark(_place(draft, word.lower(), values[0] if values else ""), remarks)


def _place(draft: Draft, word: str, value: str) -> SitePath:
    if word in _LISTS:
        listed = draft.said(_LISTS[word])
        return (*_LISTS[word], *([listed.index(value)] if isinstance(listed, list) and value in listed else []))
    if word == "opt":
        return draft.places.get(("bofh", value.partition("=")[0]), ("policy",))
    return {"freemail": ("policy", "freemail", value), "maxrcpts": ("policy", "max_recipients")}.get(word, ("policy",))


def _list(draft: Draft, path: SitePath, values: tuple[str, ...], word: object, where: str) -> None:
    sound = [value for value in dict.fromkeys(values) if fits(word, value)]
    for value in values:
        if value not in sound:
            draft.note(f"{draft.quoted(value, where)} of bofh matches nothing, so it is left out")
    if sound:
        draft.say(path, sound)


def _option(draft: Draft, name: str, text: str, where: str) -> None:
    words = [word for word in re.split(r"[,\s]+", text) if word]
    if name in _SPF and fits(list[SpfResult], words):
        draft.say(("policy", "spf", _SPF[name]), words)
    elif name in _SPF_FLAGS and text in {"0", "1"}:
        draft.say(("policy", "spf", _SPF_FLAGS[name]), text == "1")
    elif name == "BOFHCHECKHELO" and text in _HELO:
        draft.say(("policy", "check_helo"), _HELO[text])
    elif name == "BOFHHEADERLIMIT":
        limit = header_limit(text)
        if str(limit) != text:
            draft.note(f"Courier reads {draft.quoted(text, where)} in {name} of bofh as {limit}")
        draft.say(("policy", "max_header_size"), limit)
    elif name == "BOFHSUPPRESSBACKSCATTER" and set(words) <= {"smtp", "authsmtp", "none"}:
        draft.say(("backscatter", "refuse_failing"), [word for word in words if word != "none"])
    else:
        _under_own_name(draft, name, text, where)


def _under_own_name(draft: Draft, name: str, text: str, where: str) -> None:
    row = rows_by_name(Bofh).get(name)
    if row is None or row.unread:
        draft.note(f"no program reads the option {name} of bofh, so it is left out")
        return
    try:
        value: Any = row.codec.decode(text)
        value = value if isinstance(value, (bool, int)) else text
        row.codec.accept(value)
    except ValueError as error:
        draft.note(f"{name} of bofh is {draft.quoted(text, where)}: {draft.reason(error, where)}", is_open=True)
        return
    draft.say(("settings", "bofh", name), value)
