"""What clients may do by their address: relay, connect, and the settings that are theirs alone.

Only one record counts for a client, the most particular; so what a changed record means is looked up on both sides, and
neighbours with the same fate are told together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Final

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.effects._services import is_set
from courier_compiler.planning.sides import Side, Sides, changed_keys
from courier_compiler.planning.spelling import readable, short
from courier_schema.legacy.formats.access import EVERYBODY, Allow, Deny, parse_value
from courier_schema.report import Severity

Network = IPv4Network | IPv6Network
Action = Deny | Allow

_TABLES: Final = {
    "smtpaccess.dat": "",
    "smtpaccess-msa.dat": " (submission)",
    "imapaccess.dat": " (IMAP)",
}
_FEW: Final = 4
"""Networks that are told one by one where a record speaks of its own network no longer as a whole."""
_LOOPBACK: Final = ("127.0.0.1/32", "::1/128")
_RELAY: Final = b"RELAYCLIENT"
_LISTENERS: Final = (("esmtpd",), ("esmtpd", "esmtpd-msa"), ("esmtpd", "esmtpd-ssl"))


def find(sides: Sides) -> Iterator[Finding]:
    for table, where in _TABLES.items():
        if table in sides.changed:
            yield from _clients(sides, table, where)
    for file in open_listeners(sides):
        says = f"every client of {file} may relay, because RELAYCLIENT is set for all of them"
        yield Finding(says, file, "RELAYCLIENT", Severity.WARNING)


def _clients(sides: Sides, table: str, where: str) -> Iterator[Finding]:
    known = sorted({*_records(sides.before, table), *_records(sides.after, table)})
    for (before, after), keys in _changes(sides, table).items():
        says, severity = _told(before, after)
        for network, key in _named(keys, known):
            yield Finding(f"{network} {says}{where}", table, key, Severity.NOTE if network in _LOOPBACK else severity)


def _changes(sides: Sides, table: str) -> Mapping[tuple[Action, Action], list[bytes]]:
    """The keys of clients whose fate changes, by what it was and what it becomes."""
    old, new = _records(sides.before, table), _records(sides.after, table)
    found: dict[tuple[Action, Action], list[bytes]] = {}
    for key in changed_keys(old, new):
        before, after = _effective(old, key), _effective(new, key)
        if before != after:
            found.setdefault((before, after), []).append(key)
    return found


def _records(side: Side, table: str) -> Mapping[bytes, bytes]:
    """The records of a table; submission shares that of port 25 where it has none of its own."""
    shared = table == "smtpaccess-msa.dat" and not side.has(table)
    return side.records("smtpaccess.dat" if shared else table)


def _effective(records: Mapping[bytes, bytes], key: bytes) -> Action:
    """What happens to the clients of a record's network: its own words, else those of the next larger network."""
    while key:
        if key in records:
            return parse_value(records[key])
        key = key[: max(key.rfind(b"."), key.rfind(b":"), 0)]
    return parse_value(records[EVERYBODY]) if EVERYBODY in records else Allow()


def _told(before: Action, after: Action) -> tuple[str, Severity]:
    if isinstance(after, Deny):
        return "can no longer connect", Severity.WARNING
    had = before.environment if isinstance(before, Allow) else {}
    has = after.environment
    if _RELAY in has and _RELAY not in had:
        return "may relay", Severity.WARNING
    if _RELAY in had and _RELAY not in has:
        return "may no longer relay", Severity.WARNING
    if isinstance(before, Deny):
        return "can connect", Severity.NOTE
    told = ", ".join(_variable(name, had.get(name), has.get(name)) for name in sorted(had.keys() | has.keys()))
    return f"has other settings: {short(told)}", Severity.NOTE


def _variable(name: bytes, before: bytes | None, after: bytes | None) -> str:
    if after is None:
        return f"{readable(name)} no longer {readable(before or b'')}".rstrip()
    return f"{readable(name)} {readable(after) or 'empty'}"


def _named(keys: list[bytes], known: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """Networks in words, with a key that each comes from; neighbours together. `known` are the keys of both tables."""
    networks: list[Network] = []
    firsts: dict[str, bytes] = {}
    for key in keys:
        network = network_of(key)
        if network is None:
            name = "every client without a word of its own" if key == EVERYBODY else readable(key)
            yield name, _text(key)
            continue
        left = [*_left(network, collapsed([one for one in map(network_of, _below(key, known)) if one is not None]))]
        if len(left) > _FEW:
            yield f"{network}, but for what has a word of its own,", _text(key)
            continue
        networks += left
        firsts |= {str(one.network_address): key for one in left}
    for network in collapsed(networks):
        yield str(network), _text(firsts[str(network.network_address)])


def _below(key: bytes, known: Sequence[bytes]) -> Iterator[bytes]:
    """The keys of more particular networks; `known` is sorted."""
    start = key + (b":" if key.startswith(b":") else b".")
    for at in range(bisect_left(known, start), len(known)):
        if not known[at].startswith(start):
            return
        yield known[at]


def _left(network: Network, taken: Sequence[Network]) -> Iterator[Network]:
    """What is left of a network without some that lie in it."""
    if not taken:
        yield network
    elif network not in taken:
        for half in network.subnets():
            yield from _left(half, [one for one in taken if one.overlaps(half)])


def _text(key: bytes) -> str:
    return key.decode(errors="surrogateescape")


def collapsed(networks: list[Network]) -> list[Network]:
    """The fewest networks with the same addresses."""
    four = [one for one in networks if isinstance(one, IPv4Network)]
    six = [one for one in networks if isinstance(one, IPv6Network)]
    return [*collapse_addresses(four), *collapse_addresses(six)]


def network_of(key: bytes) -> Network | None:
    """The network of a record's key; None for everybody, and for keys that no client has."""
    try:
        if key.startswith(b":"):
            groups = key[1:].decode().split(":")
            return IPv6Network((":".join(groups + ["0"] * (8 - len(groups))), 16 * len(groups)))
        octets = key.decode().split(".")
        return IPv4Network((".".join(octets + ["0"] * (4 - len(octets))), 8 * len(octets)))
    except ValueError:
        return None


def new_relays(sides: Sides) -> Iterator[tuple[str, bytes, list[Network] | None]]:
    """Per table, clients that may relay and could not before: a key, and their networks or None for everybody."""
    for table in _TABLES:
        keys = [
            key
            for (before, after), found in (_changes(sides, table).items() if table in sides.changed else ())
            for key in found
            if _relays(after) and not _relays(before)
        ]
        if EVERYBODY in keys:
            yield table, EVERYBODY, None
        networks = [network for key in keys if (network := network_of(key)) is not None]
        if networks:
            yield table, keys[0], collapsed(networks)


def _relays(action: Action) -> bool:
    return isinstance(action, Allow) and _RELAY in action.environment


def open_listeners(sides: Sides) -> Iterator[str]:
    """The files of listeners that let everybody relay, and did not before."""
    for files in _LISTENERS:
        if sides.changed & {*files} and _lets_relay(sides.after, files) and not _lets_relay(sides.before, files):
            yield files[-1]


def _lets_relay(side: Side, files: tuple[str, ...]) -> bool:
    settings = side.settings(*files)
    return "RELAYCLIENT" in settings and not is_set(settings, "AUTH_REQUIRED")


SUBJECT = Subject(4, "relaying", find)
