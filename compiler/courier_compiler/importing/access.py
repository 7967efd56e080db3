"""Access tables: what an installation lets clients do by their address, in the words of a site."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from courier_compiler.importing.draft import Draft, fits
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.remarks import Remark
from courier_compiler.importing.settings_files import SettingsFile
from courier_compiler.importing.tables import Found, read_table
from courier_schema.legacy.formats.access import Deny, parse_value
from courier_schema.legacy.formats.makedat import Kind
from courier_schema.legacy.formats.netblocks import key_for_network
from courier_schema.words import Line, Name, Network, Positive

_PREFIX: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){0,3}")
_GROUPS: Final = re.compile(r"(?::[0-9a-fA-F]{1,4}){1,8}")
_LOOPBACK: Final = ("127.0.0.1", "::1")
_FLAGS: Final = {"0": False, "1": True}


def access_places(installation: Installation, files: Mapping[str, SettingsFile]) -> dict[str, str]:
    """Section of the site to the source that the settings name, for those that lie in the directory."""
    found: dict[str, str] = {}
    for section, file, name, usual in (
        ("access", "esmtpd", "ACCESSFILE", "smtpaccess"),
        ("submission_access", "esmtpd-msa", "ACCESSFILE", "smtpaccess"),
        ("mailbox_access", "imapd", "IMAPACCESSFILE", "imapaccess"),
    ):
        if file not in files and section == "submission_access":
            continue
        path = files[file].values.get(name) if file in files else None
        place = installation.inside(path) if path else usual
        if place and place not in found.values():
            found[section] = place
    return found


def read_access(installation: Installation, place: str, section: str) -> Found | None:
    kind = Kind.IMAPACCESS if section == "mailbox_access" else Kind.SMTPACCESS
    return read_table(installation, place, kind)


def take_access(draft: Draft, installation: Installation, files: Mapping[str, SettingsFile]) -> None:
    """Say every table."""
    places = access_places(installation, files)
    for usual in {"smtpaccess", "imapaccess"} - set(places.values()):
        if usual in installation.files or installation.below(usual):
            draft.note(f"{usual} is not in the site: the settings name another table, so nothing reads it")
        draft.taken |= {usual, f"{usual}.dat"}
    for section, place in places.items():
        draft.taken |= {place, f"{place}.dat"}
        found = read_access(installation, place, section)
        if found is None:
            continue
        if found.problem:
            why = f"{found.problem.mark}: {draft.told(found.problem)}"
            draft.note(f"{place}.dat counts and not its source, which cannot be compiled: {why}")
        comments = found.comments()
        names = [source.name for source in found.sources] or [installation.where(f"{place}.dat")]
        rows = found.rows if not found.is_from_database else found.records
        if section == "submission_access":
            draft.say((section,), {})
        for key, value in rows.items():
            _take(draft, _Row(section, names, key.decode(errors="replace"), value), comments.get(key, ()))
        _leave_implied(draft, section)


def _leave_implied(draft: Draft, section: str) -> None:
    """This machine may relay in every site that does not say otherwise."""
    said = draft.tree.get(section, {})
    are_plain = all(said.get(address) == "relay" and (section, address) not in draft.comments for address in _LOOPBACK)
    if section != "mailbox_access" and are_plain:
        draft.say((section,), {network: rule for network, rule in said.items() if network not in _LOOPBACK})
    if draft.said((section,)) == {} and section != "submission_access":
        draft.unsay((section,))


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a table, which is in one of these files."""

    section: str
    files: Sequence[str]
    key: str
    value: bytes


def _take(draft: Draft, row: _Row, remarks: tuple[Remark, ...]) -> None:
    network = network_of(row.key)
    if network is None:
        says = f"{draft.quoted(row.key, *row.files)} of {row.section} matches no client, so it is left out"
        draft.note(says)
        return
    draft.say((row.section, network), _rule(draft, network, row), remarks)


def network_of(key: str) -> str | None:
    """The network that a key or netblock means; None for what matches nothing."""
    if key == "*":
        return key
    try:
        if _PREFIX.fullmatch(key) and all(part == str(int(part)) and int(part) < 256 for part in key.split(".")):
            parts = key.split(".")
            text = ".".join((*parts, *["0"] * (4 - len(parts))))
            return text if len(parts) == 4 else f"{text}/{8 * len(parts)}"
        if _GROUPS.fullmatch(key):
            groups = key[1:].split(":")
            if any(len(group) != 4 or group != group.lower() for group in groups):
                return None
            whole = ipaddress.ip_address(":".join((*groups, *["0"] * (8 - len(groups)))))
            return str(whole) if len(groups) == 8 else f"{whole}/{16 * len(groups)}"
        if re.search(r"[/-]", key) and fits(Network, key):
            key_for_network(key)
            return key
    except ValueError:
        return None
    return None


def _rule(draft: Draft, network: str, row: _Row) -> Any:
    action = parse_value(row.value)
    if isinstance(action, Deny):
        return "deny"
    said: dict[str, Any] = {}
    for raw_name, raw_text in action.environment.items():
        name, text = raw_name.decode(errors="replace"), raw_text.decode(errors="replace")
        if not fits(Name, name) or not fits(Line, text):
            shown = draft.quoted(name, *row.files)
            draft.note(f"{row.section} of {network} sets {shown}, which no program reads, so it is left out")
        else:
            _say_variable(said, name, text, row.section == "mailbox_access")
    return next(iter(said.values())) if said.keys() == {"action"} else said or "allow"


def _say_variable(said: dict[str, Any], name: str, text: str, mailbox: bool) -> None:
    match name:
        case "RELAYCLIENT":
            said["action"] = "relay"
            if text:
                said["relay_suffix"] = text
        case "FAXRELAYCLIENT" if not text:
            said["fax"] = True
        case "BLOCK" if text:
            said["block"] = text
        case "SIZELIMIT" if text.isdecimal() and str(int(text)) == text:
            said["max_message_size"] = int(text)
        case "MAXCPERIP" if text.isdecimal() and str(int(text)) == text and fits(Positive, int(text)):
            said["max_per_address"] = int(text)
        case "ESMTP_TLS_REQUIRED" if text in _FLAGS and not mailbox:
            said["require_tls"] = _FLAGS[text]
        case "IMAP_TLS_REQUIRED" if text in _FLAGS and mailbox:
            said["require_tls"] = _FLAGS[text]
        case "AUTH_REQUIRED" if text in _FLAGS:
            said["require_auth"] = _FLAGS[text]
        case _:
            said.setdefault("set", {})[name] = text or None
