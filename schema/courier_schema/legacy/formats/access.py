"""Access tables (smtpaccess, imapaccess): what their values say, and which record a client gets.

`lookup_access` and `parse_value` answer as couriertcpd does; `format_value` writes only what it reads back the
same; `inspect` names what couriertcpd accepts without a word and cannot be meant.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import filterfalse
from typing import Final

from courier_schema.legacy.formats.citation import cite
from courier_schema.legacy.formats.netblocks import key_for_network
from courier_schema.report import Problem, Severity

Get = Callable[[bytes], bytes | None]
"""Reads one record of a database; None if there is none. `mapping.get` is one."""

Variable = tuple[bytes, bytes]
"""Name and value of an environment variable."""

EVERYBODY: Final = b"*"

_ITEM: Final = re.compile(rb"""((?:[^,'"]|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))*),?""")
_QUOTED: Final = re.compile(rb""""([^"]*)(?:"|\Z)|'([^']*)(?:'|\Z)""")
_SPACES: Final = b" \t\n\v\f\r"
_NEEDS_QUOTES: Final = re.compile(rb"[,'\"]")
_QUOTE_RUNS: Final = re.compile(rb'[^"]+|"+')

_OCTET: Final = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PORT: Final = rb"\.[1-9][0-9]{0,4}"
_GROUP: Final = rb":[0-9a-f]{4}"
_PARTS: Final = {b"o": _OCTET, b"g": _GROUP, b"p": _PORT}
# compiled at the first inspection, because that takes longer than the whole import
_MATCHABLE: Final = (
    rb"%(o)b(?:\.%(o)b){0,3}|(?:%(o)b\.){3}%(o)b%(p)b|(?:%(g)b){1,8}|(?:%(g)b){8}%(p)b|\*(?:%(p)b)?" % _PARTS
)
_MAPPED_KEY: Final = re.compile(rb"(?::0000){5}:ffff")
_SOUND: Final = rb"%b(?:\.%b){0,3}/[0-9]{1,2}|(?!%b)(?:%b)" % (_OCTET, _OCTET, _MAPPED_KEY.pattern, _MATCHABLE)
_BLOCK: Final = re.compile(rb"([0-9a-fA-F:.]+)[-/][0-9a-fA-F:.]+")
_LEADING_ZERO: Final = re.compile(rb"(?:[^:]*[.-])?0[0-9][^:]*")
_GROUPS: Final = re.compile(rb":?[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,7}:?")
_MAPPED_BLOCK: Final = re.compile(rb"(?:0{0,4}:)*:?ffff:[^/-]*(?:-.*|/(?:9[6-9]|1[0-9]{2}))", re.IGNORECASE)
_VARIABLE_NAME: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Deny:
    """The connection is closed."""


@dataclass(frozen=True, slots=True)
class Allow:
    """The connection is accepted with these variables set, in order; a later one replaces an earlier."""

    variables: tuple[Variable, ...] = ()

    @property
    def environment(self) -> dict[bytes, bytes]:
        """What the variables come to."""
        return dict(self.variables)


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """What couriertcpd does with a client, and why."""

    action: Deny | Allow
    key: bytes | None
    """The key of the record that decided; None if nothing was found, which accepts."""
    tried: tuple[bytes, ...]
    """All keys that were looked up, in order."""

    @property
    def is_denied(self) -> bool:
        """True when the connection is closed."""
        return isinstance(self.action, Deny)

    @property
    def environment(self) -> Mapping[bytes, bytes]:
        """The variables that were set; none if the connection is closed."""
        return self.action.environment if isinstance(self.action, Allow) else {}


def parse_value(value: bytes) -> Deny | Allow:
    """Read the value of a record as couriertcpd does. Every value means something, `1` a variable of that name."""
    if value.startswith(b"deny"):
        return Deny()
    if value.startswith(b"allow"):
        value = value[len(b"allow") :].removeprefix(b",")
    return Allow(tuple(_variable(item) for item in _items(value)))


def format_value(action: Deny | Allow) -> bytes:
    """The shortest value that parse_value reads as this action.

    Raises ValueError for what a value cannot say: a name that is not one of an environment variable or comes
    twice, and text that ends in white space or holds a line end or NUL.
    """
    if isinstance(action, Deny):
        return b"deny"
    names = [name for name, _ in action.variables]
    if len(set(names)) != len(names):
        raise ValueError(f"a variable is set twice: {', '.join(map(cite, names))}")
    return b",".join((b"allow", *(_format_variable(name, text) for name, text in action.variables)))


def lookup_access(
    get: Get, remote: str, local: str | None = None, port: int | None = None, accesslocal: bool = False
) -> AccessAnswer:
    """What becomes of a connection from `remote`; with `accesslocal` the `local` address and `port` count first.

    Addresses are in text form, IPv6 or mapped IPv4 as well. Raises ValueError for text that is no address, and
    when `accesslocal` lacks the local address or port.
    """
    answer = _decide(get, remote_keys(remote))
    if not accesslocal:
        return answer
    if local is None or port is None:
        raise ValueError("the local address and port are looked up, so both are needed")
    return _followed_by(_decide(get, local_keys(local, port)), answer)


def remote_keys(address: str) -> Iterator[bytes]:
    """The keys under which a client is looked up, the longest first, `*` last. Raises ValueError."""
    yield from _shortened(_search_string(address))
    yield EVERYBODY


def local_keys(address: str, port: int) -> Iterator[bytes]:
    """The keys under which a listening address is looked up for `-accesslocal`. Raises ValueError."""
    suffix = b".%d" % port
    yield from _shortened(_search_string(address) + suffix)
    yield EVERYBODY + suffix
    yield EVERYBODY


def inspect(rows: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, Problem]]:
    """What is wrong with the rows of an access source: keys nothing looks up, values that mean something else.

    A row is a key or a netblock. Rows with blanks in the key are left to makedat's own checks.
    """
    for row in filterfalse(re.compile(_SOUND).fullmatch, rows):
        if b" " not in row and not re.fullmatch(_MATCHABLE, row):
            yield from ((row, problem) for problem in _row_problems(row))
        elif _MAPPED_KEY.match(row):
            yield row, _mapped(row)
    faults = {value: problems for value in set(rows.values()) if (problems := list(_value_problems(value)))}
    if faults:
        yield from ((row, problem) for row, value in rows.items() for problem in faults.get(value, ()))


def _items(text: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(text):
        match = _ITEM.match(text, at)
        assert match is not None, "the pattern matches the empty string"
        yield match[1]
        at = match.end()


def _variable(item: bytes) -> Variable:
    bare = _QUOTED.sub(lambda quoted: quoted[1] or quoted[2] or b"", item)
    name, _, value = (bare if b"=" in bare else bare + b"=").strip(_SPACES).partition(b"=")
    return name, value


def _format_variable(name: bytes, text: bytes) -> bytes:
    if not _VARIABLE_NAME.fullmatch(name):
        raise ValueError(f"{cite(name)} is not a name of an environment variable")
    if text != text.rstrip(_SPACES) or b"\n" in text or b"\0" in text:
        raise ValueError(f"{cite(text)} ends in white space or holds a line end, which {cite(name)} cannot")
    return b"%b=%b" % (name, _quoted(text)) if text else name


def _quoted(text: bytes) -> bytes:
    if not _NEEDS_QUOTES.search(text):
        return text
    if b'"' not in text:
        return b'"%b"' % text
    if b"'" not in text:
        return b"'%b'" % text
    runs = _QUOTE_RUNS.findall(text)
    return b"".join(b"'%b'" % run if run.startswith(b'"') else b'"%b"' % run for run in runs)


def _decide(get: Get, keys: Iterable[bytes]) -> AccessAnswer:
    tried: list[bytes] = []
    for key in keys:
        tried.append(key)
        value = get(key)
        if value is not None:
            return AccessAnswer(parse_value(value), key, tuple(tried))
    return AccessAnswer(Allow(), None, tuple(tried))


def _followed_by(local: AccessAnswer, remote: AccessAnswer) -> AccessAnswer:
    if isinstance(local.action, Deny):
        return local
    action = remote.action
    if isinstance(action, Allow):
        action = Allow(local.action.variables + action.variables)
    return AccessAnswer(action, remote.key or local.key, local.tried + remote.tried)


def _search_string(address: str) -> bytes:
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed).encode()
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped).encode()
    return b":" + parsed.exploded.partition("%")[0].encode()


def _shortened(text: bytes) -> Iterator[bytes]:
    while text:
        yield text
        cut = text.rfind(b".")
        text = text[: cut if cut >= 0 else max(text.rfind(b":"), 0)]


def _row_problems(row: bytes) -> Iterator[Problem]:
    if _LEADING_ZERO.fullmatch(row):
        yield _warning(
            "access-leading-zero",
            f"{cite(row)} has an octet with a leading zero; stored like that it matches no address",
            "write the octets without leading zeros",
        )
    elif not _BLOCK.fullmatch(row):
        yield _unmatchable(row)
    elif _MAPPED_BLOCK.fullmatch(row):
        yield _mapped(row)


def _unmatchable(row: bytes) -> Problem:
    stored = _stored_form(row.lower())
    problem = "access-ipv6-form" if stored and b":" in stored else "access-key-never-matches"
    return _warning(
        problem,
        f"{cite(row)} is stored as typed, and couriertcpd looks up no such key",
        f"write {cite(stored)}" if stored else "write an IPv4 prefix of whole octets, a netblock, or `*`",
    )


def _stored_form(row: bytes) -> bytes | None:
    """The key that was probably meant: without a final dot, or with the groups written out."""
    if re.fullmatch(_MATCHABLE, row.rstrip(b".")):
        return row.rstrip(b".")
    if b":" in row and _GROUPS.fullmatch(row):
        return b"".join(b":" + group.zfill(4) for group in row.split(b":") if group)
    try:
        return key_for_network(row.decode("latin-1"))[0]
    except ValueError:
        return None


def _mapped(row: bytes) -> Problem:
    return _warning(
        "access-mapped-address",
        f"{cite(row)} names IPv4 addresses mapped into IPv6, but couriertcpd looks those up as IPv4",
        "write the IPv4 addresses",
    )


def _value_problems(value: bytes) -> Iterator[Problem]:
    if value == b"1":
        yield _warning(
            "access-no-value",
            "a line without an action accepts the client and sets a variable named `1`",
            "put a tab and `allow` or `deny` behind the network",
        )
        return
    if value.startswith(b"deny"):
        if value.rstrip(b"\r") != b"deny" and not value.startswith(b"deny,"):
            yield _warning(
                "access-deny-prefix",
                f"{cite(value)} closes the connection, as everything does that starts with `deny`",
                "write `deny`, or start with `allow,`",
            )
        return
    yield from _allow_problems(value)


def _allow_problems(value: bytes) -> Iterator[Problem]:
    if re.match(rb"\s*(?:deny|denied|reject|refuse|drop|block)\b(?!\s*=)", value, re.IGNORECASE):
        yield _warning(
            "access-deny-spelling",
            f"{cite(value)} accepts the client: only a value that starts with `deny`, in lower case, refuses",
            "write `deny`",
        )
        return
    if _QUOTED.sub(_unclosed, value).endswith(b"\0"):
        yield _warning(
            "access-unbalanced-quotes",
            f"a quote in {cite(value)} is not closed and so runs to the end of the line",
            "close the quote",
        )
    if re.match(rb"allow[^,\r]", value):
        yield _warning(
            "access-allow-separator",
            f"in {cite(value)} no comma follows `allow`; what follows becomes part of a variable's name",
            "separate `allow` and each variable with a comma",
        )
        return
    yield from _variable_problems(value)


def _unclosed(quoted: re.Match[bytes]) -> bytes:
    return b"" if len(quoted[0]) > 1 and quoted[0].endswith(quoted[0][:1]) else b"\0"


def _variable_problems(value: bytes) -> Iterator[Problem]:
    action = parse_value(value.rstrip(_SPACES))
    assert isinstance(action, Allow), "values that deny were dealt with"
    odd = [name for name, _ in action.variables if not _VARIABLE_NAME.fullmatch(name)]
    if odd:
        yield _warning(
            "access-variable-name",
            f"{cite(value)} sets a variable named {cite(odd[0])}, which no program reads",
            "write NAME=VALUE pairs separated by commas, without blanks around the equals sign",
        )
    names = [name for name, _ in action.variables]
    if len(set(names)) < len(names):
        yield _warning(
            "access-variable-repeated",
            f"{cite(value)} sets a variable twice; the last setting counts",
            "keep one of the settings",
        )


def _warning(problem: str, says: str, remedy: str) -> Problem:
    return Problem(problem, says, remedy, severity=Severity.WARNING)
