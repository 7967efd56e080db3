"""Forms: how the entries of each kind of file are told apart, shown and kept secret.

Entries are compared as bytes, and only those that differ are decoded. A form knows which of its values are secret;
where a whole file is secret and its form cannot know, all values are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from courier_compiler.planning.sides import Content
from courier_compiler.planning.spelling import printable, readable, short
from courier_schema.legacy.codecs import PairsCodec, TextCodec
from courier_schema.legacy.formats.access import Deny, parse_value
from courier_schema.legacy.formats.aliases.records import split
from courier_schema.legacy.formats.makedat import DEFAULT_VALUE
from courier_schema.legacy.formats.userdb import parse_fields
from courier_schema.legacy.table import Row, rows, rows_by_name
from courier_schema.legacy.tables import FILES, table
from courier_schema.source.secrets import MASK

Entries = Mapping[bytes, bytes]
Parts = Mapping[str, str]

_WORD_END: Final = re.compile(rb"[ |=]")
_TELLING: Final = re.compile(r"(pw|passwd|password|secret|token)$", re.IGNORECASE)
"""Ends of names that speak of secrets, whoever made them up."""


def _no_doubt(content: Content) -> str:
    return ""


def _no_order(content: Content) -> object:
    return None


def _no_secret(name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of file: what one entry of it is called, how they are found, and what stands between key and value."""

    noun: str
    entries: Callable[[Content], Entries]
    joint: str = " "
    plural: str = ""
    parts: Callable[[bytes], Parts] | None = None
    """What a value consists of, where a change is told part by part; a part without a name is a member of a set."""
    is_secret: Callable[[str], bool] = _no_secret
    """Whether the value of a key is a secret; of a part, where values have parts."""
    order: Callable[[Content], object] = _no_order
    """What besides the entries counts of a file: their order, where that means something."""
    doubt: Callable[[Content], str] = _no_doubt
    """What of a file is beyond us; empty where nothing is."""

    def shown(self, key: str, value: bytes | None) -> str | None:
        """A value as people may see it."""
        if value is None:
            return None
        if self.parts is not None:
            return ", ".join(_part(*part, self.is_secret) for part in self.parts(value).items())
        return MASK if self.is_secret(key) else readable(value)

    def says(self, key: str, before: bytes | None, after: bytes | None) -> str:
        """A difference in a few words; never a secret."""
        name = printable(key)
        old, new = self.shown(key, before), self.shown(key, after)
        if old is None or new is None:
            sign, value = ("+", new) if old is None else ("-", old)
            return f"{sign} {name}{self.joint}{short(value)}" if value and value != MASK else f"{sign} {name}"
        if self.parts is not None and before is not None and after is not None:
            changed = _changed_parts(self.parts(before), self.parts(after), self.is_secret)
            return f"{name}: {short(', '.join(changed))}"
        if self.is_secret(key):
            return f"{name} changed"
        return f"{name} {short(old) or 'empty'} -> {short(new) or 'empty'}".lstrip()


def _is_telling(name: str) -> bool:
    return _TELLING.search(name) is not None


def _part(name: str, value: str, is_secret: Callable[[str], bool]) -> str:
    if is_secret(name):
        return f"{name}={MASK}"
    return f"{name}={value}" if value else name


def _changed_parts(before: Parts, after: Parts, is_secret: Callable[[str], bool]) -> Iterable[str]:
    for name in dict.fromkeys((*after, *before)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if is_secret(name):
            yield f"{name} {'removed' if new is None else 'changed' if old is not None else 'added'}"
        elif old is None or new is None:
            yield short(f"{'+' if old is None else '-'} {_part(name, old or new or '', is_secret)}")
        else:
            yield f"{name} {short(old) or 'empty'} -> {short(new) or 'empty'}"
    if before == after:
        yield "another order" if list(before) != list(after) else "another spelling"


# settings


def _pairs(said: Mapping[str, str]) -> Entries:
    return {
        name.encode(errors="surrogateescape"): value.encode(errors="surrogateescape") for name, value in said.items()
    }


def _shell(content: Content) -> Entries:
    includes = {f". {path}": "" for path in content.shell.includes}
    return _pairs({**content.shell.assignments, **includes})


@cache
def _settings_form(file: str) -> Form:
    kind = table(file)
    entries, doubt = _SETTINGS[kind.format]
    secret = {row.name for row in rows(kind) if row.secret}
    known = rows_by_name(kind)

    def is_secret(name: str) -> bool:
        return name in secret or (name not in known and (bool(secret) or _is_telling(name)))

    return Form("setting", entries, "=", is_secret=is_secret, doubt=doubt)


def _shell_doubt(content: Content) -> str:
    lines = [str(problem.mark.line) for problem in content.shell.problems if problem.mark]
    return f"the installed file has lines that only a shell understands: {', '.join(lines[:5])}" if lines else ""


def _rc_doubt(content: Content) -> str:
    return "" if content.rc.is_complete else "the installed file lacks its last group, and counts as incomplete"


def _module_doubt(content: Content) -> str:
    return "the installed file has lines that its reader cannot bear" if content.module.problems else ""


_SETTINGS: Final[Mapping[str, tuple[Callable[[Content], Entries], Callable[[Content], str]]]] = {
    "shell": (_shell, _shell_doubt),
    "rc": (lambda content: _pairs(content.rc.entries), _rc_doubt),
    "module": (lambda content: _pairs(content.module.values), _module_doubt),
}


def _bofh(content: Content) -> Entries:
    said = content.bofh
    lines = {
        **{f"badfrom {one}": "" for one in said.badfrom},
        **{f"badmx {one}": "" for one in said.badmx},
        **{f"freemail {words[0]}": " ".join(words[1:]) for words in said.freemail},
        **{f"spamtrap {one}": "" for one in said.spamtrap},
        **({"maxrcpts": f"{said.maxrcpts}{' hard' if said.is_hard else ''}"} if said.maxrcpts is not None else {}),
        **said.options,
    }
    return _pairs(lines)


def _value(content: Content) -> Entries:
    return {content.name.encode(): content.value.encode(errors="surrogateescape")}


# lists and sources


def _list(content: Content) -> Entries:
    return {entry.encode(errors="surrogateescape"): b"" for entry in content.entries}


def _order_of_exclusions(content: Content) -> object:
    """The order of a list that excludes something: the first entry that matches decides."""
    return content.entries if any(entry.startswith("!") for entry in content.entries) else None


def _routes(content: Content) -> Entries:
    """Destination to its relay, of the first line that has it; blanks around a relay say nothing."""
    found: dict[bytes, bytes] = {}
    for entry in content.entries:
        destination, _, relay = entry.encode(errors="surrogateescape").partition(b":")
        found.setdefault(destination, b":" + relay.strip())
    return found


def _lines(content: Content) -> list[bytes]:
    return [line for line in content.data.split(b"\n") if line and not line.startswith(b"#")]


def _table(content: Content) -> Entries:
    rows_found = (line.partition(b"\t") for line in _lines(content))
    return {key: value or DEFAULT_VALUE for key, _, value in rows_found}


def _alias_source(content: Content) -> Entries:
    """Name to recipients, one a line, of the sources that are made here: a definition a line."""
    found: dict[bytes, bytes] = {}
    for line in _lines(content):
        name, _, recipients = line.partition(b": ")
        listed = b"".join(one.strip() + b"\n" for one in recipients.split(b","))
        found[name] = found[name] + listed if name in found else listed
    return found


def _logins(content: Content) -> Entries:
    """Relay to user and password; of a line that has not both, all is taken for a password."""
    words = (line.split() for line in _lines(content))
    return {one[0]: b" ".join(one[1:3]) if len(one) > 2 else b" ".join((b"", *one[1:])) for one in words if one}


def _accounts_source(content: Content) -> Entries:
    return _discreet({key: value for key, _, value in (line.partition(b"\t") for line in _lines(content))})


def _discreet(records: Entries) -> Entries:
    """Records whose names hold no password: a line that lacks its tab is a name as a whole."""
    if not any(b"pw=" in key for key in records):
        return records
    return {_WORD_END.split(key)[0] if b"pw=" in key else key: value for key, value in records.items()}


def _has_lines(row: Row) -> bool:
    """Whether a control file has more than one line that counts."""
    codec = row.codec
    return (isinstance(codec, TextCodec) and codec.lines) or (isinstance(codec, PairsCodec) and codec.separator == "\n")


# values in parts


def _recipients(value: bytes) -> Parts:
    return {readable(address): "" for address in split(value)}


def _access(value: bytes) -> Parts:
    action = parse_value(value)
    if isinstance(action, Deny):
        return {"deny": ""}
    return {"allow": "", **{readable(name): readable(text) for name, text in action.variables}}


def _fields(value: bytes) -> Parts:
    fields = parse_fields(value)
    return {readable(name): readable(text) for name, text in fields.items() if name and name != b"_"}


def _login(value: bytes) -> Parts:
    user, _, password = value.partition(b" ")
    return {"user": readable(user), "password": readable(password)}


def _key_only(content: Content) -> Entries:
    return dict.fromkeys(content.records, b"")


def _hosted(entries: Callable[[Content], Entries]) -> Callable[[Content], Entries]:
    return lambda content: {key: b"" if value == DEFAULT_VALUE else value for key, value in entries(content).items()}


TEXT: Final = Form("line", lambda content: {}, "")
"""Files whose lines are compared as they stand."""
_LIST: Final = Form("entry", _list, "", "entries", order=_order_of_exclusions)
_ALIASES: Final = Form("alias", lambda content: content.aliases, " -> ", "aliases", _recipients)
_ALIAS_SOURCE: Final = Form("alias", _alias_source, " -> ", "aliases", _recipients)
_ACCESS: Final = Form("network", lambda content: content.records, parts=_access)
_ACCESS_SOURCE: Final = Form("network", _table, parts=_access)
_ACCOUNTS: Final = Form("account", lambda content: _discreet(content.records), parts=_fields, is_secret=_is_telling)
_ACCOUNTS_SOURCE: Final = Form("account", _accounts_source, parts=_fields, is_secret=_is_telling)
_DOMAINS: Final = Form("domain", _key_only)
_DOMAINS_SOURCE: Final = Form("domain", lambda content: dict.fromkeys(_table(content), b""))
_HOSTED: Final = Form("domain", _hosted(lambda content: content.records), " as ")
_HOSTED_SOURCE: Final = Form("domain", _hosted(_table), " as ")
_RECORDS: Final = Form("record", lambda content: content.records)
_RECORDS_SOURCE: Final = Form("record", _table)

_CONTROL: Final = {row.name: row for row in rows(table("control"))}
_SECRET_VALUES: Final[frozenset[str]] = frozenset(name for name, row in _CONTROL.items() if row.secret)
_VALUE: Final = Form("value", _value, is_secret=_SECRET_VALUES.__contains__)
_BY_NAME: Final[Mapping[str, Form]] = {
    "bofh": Form("directive", _bofh, "="),
    "locals": _LIST,
    "esmtpacceptmailfor": _LIST,
    "esmtppercentrelay": _LIST,
    "logindomainlist": _LIST,
    "esmtproutes": Form("route", _routes, "", order=lambda content: tuple(_routes(content))),
    "esmtpauthclient": Form("login", _logins, parts=_login, is_secret=_is_telling),
    "hosteddomains.dat": _HOSTED,
    "esmtpacceptmailfor.dat": _DOMAINS,
    "esmtppercentrelay.dat": _DOMAINS,
    "userdb": _ACCOUNTS_SOURCE,
    "userdb.dat": _ACCOUNTS,
    "userdbshadow.dat": _ACCOUNTS,
    "uucpneighbors": _RECORDS_SOURCE,
    **{name: _VALUE for name, row in _CONTROL.items() if not _has_lines(row)},
}
_BY_PATTERN: Final = (
    (re.compile(r"aliases(-\w+)?\.dat"), _ALIASES),
    (re.compile(r"aliases(-\w+)?/.+"), _ALIAS_SOURCE),
    (re.compile(r"(smtpaccess(-msa)?|imapaccess)\.dat"), _ACCESS),
    (re.compile(r"(smtpaccess(-msa)?|imapaccess)/.+"), _ACCESS_SOURCE),
    (re.compile(r"hosteddomains/.+"), _HOSTED_SOURCE),
    (re.compile(r"(esmtpacceptmailfor|esmtppercentrelay)\.dir/.+"), _DOMAINS_SOURCE),
    (re.compile(r".+\.dat"), _RECORDS),
)
_SUFFIXED: Final = re.compile(r"([\w-]+(?:\.dat)?)\..+")
_SOURCES: Final = re.compile(
    r"(aliases(?:-\w+)?|smtpaccess(?:-msa)?|imapaccess|hosteddomains)/.+|(userdb|uucpneighbors)"
)
_LIST_SOURCES: Final = re.compile(r"(esmtpacceptmailfor|esmtppercentrelay)\.dir/.+")


def form_of(name: str) -> Form:
    """The form of a file, by its name in the configuration directory; those of virtual hosts are as the plain ones."""
    if name in FILES and name not in _BY_NAME and name != "control":
        return _settings_form(name)
    suffixed = _SUFFIXED.fullmatch(name)
    for known in (name, suffixed[1] if suffixed else name):
        if known in _BY_NAME:
            return _BY_NAME[known]
        for pattern, form in _BY_PATTERN:
            if pattern.fullmatch(known):
                return form
    return TEXT


def database_of(name: str) -> str | None:
    """The database that a text source is compiled into; None for other files."""
    found = _SOURCES.fullmatch(name) or _LIST_SOURCES.fullmatch(name)
    return f"{next(filter(None, found.groups()))}.dat" if found else None
