"""Rows of the access tables: networks in the form in which couriertcpd looks them up, and what their clients get.

Networks are expanded here into whole-octet and whole-group prefixes, so the tables mean the same with every makedat
and without Net::CIDR. Where two networks share a prefix the smaller one has it, as the longest prefix would anywhere
else. Only one row counts for a client; nothing is inherited from a larger network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from courier_compiler.origin import Origin, derived
from courier_schema.legacy.formats.access import EVERYBODY, Allow, Deny, Variable, format_value, remote_keys
from courier_schema.legacy.formats.netblocks import key_for_network
from courier_schema.site.relay import Access, AccessRule
from courier_schema.words import octets

if TYPE_CHECKING:
    from courier_compiler.parts.tables import Rows

_LOOPBACK: Final = ("127.0.0.1", "::1")


def client_rows(access: Access, section: str, *, loopback_relays: bool = False, mailbox: bool = False) -> Rows:
    """The rows of one table, sorted by key."""
    expanded = [(network, _keys(network)) for network in access]
    rows: dict[bytes, tuple[bytes, Origin]] = {}
    for network, keys in sorted(expanded, key=_breadth, reverse=True):
        value = _value(access[network], mailbox)
        rows.update(dict.fromkeys(keys, (value, derived(section, network))))
    if loopback_relays:
        rows |= _loopback(rows)
    return dict(sorted(rows.items()))


def _breadth(expanded: tuple[str, list[bytes]]) -> tuple[int, str]:
    """Addresses in a network, by which the more particular one prevails; the text settles ties."""
    network, keys = expanded
    if keys == [EVERYBODY]:
        return (2**128, network)
    return (sum(_addresses(key) for key in keys), network)


def _addresses(key: bytes) -> int:
    if key.startswith(b":"):
        return 1 << 16 * (8 - key.count(b":"))
    return 1 << 8 * (3 - key.count(b"."))


def _keys(network: str) -> list[bytes]:
    try:
        return [EVERYBODY] if network == "*" else key_for_network(network)
    except ValueError:
        return []  # the checks refuse it


def _value(rule: AccessRule, mailbox: bool) -> bytes:
    try:
        return rule_value(rule, mailbox=mailbox)
    except ValueError:
        return format_value(Deny())  # the checks refuse it; who builds it nevertheless opens nothing by that


def rule_value(rule: AccessRule, *, mailbox: bool = False) -> bytes:
    """What the table says about the clients of a rule. ValueError for what it cannot say."""
    if rule.action == "deny":
        return format_value(Deny())
    return format_value(Allow(tuple(variable for variable, _ in variables(rule, mailbox=mailbox))))


def variables(rule: AccessRule, *, mailbox: bool = False) -> Iterator[tuple[Variable, tuple[str, ...]]]:
    """Variables of a session and the keys of the rule that set them."""
    if rule.action == "relay":
        yield (b"RELAYCLIENT", (rule.relay_suffix or "").encode()), ("action",)
    if rule.fax:
        yield (b"FAXRELAYCLIENT", b""), ("fax",)
    if rule.block is not None:
        yield (b"BLOCK", rule.block.encode()), ("block",)
    if rule.max_message_size is not None:
        yield (b"SIZELIMIT", b"%d" % octets(rule.max_message_size)), ("max_message_size",)
    if rule.max_per_address is not None:
        yield (b"MAXCPERIP", b"%d" % rule.max_per_address), ("max_per_address",)
    if rule.require_tls is not None:
        yield (b"IMAP_TLS_REQUIRED" if mailbox else b"ESMTP_TLS_REQUIRED", _flag(rule.require_tls)), ("require_tls",)
    if rule.require_auth is not None:
        yield (b"AUTH_REQUIRED", _flag(rule.require_auth)), ("require_auth",)
    for name, value in rule.set.items():
        yield (name.encode(), _spelt(value)), ("set", name)


def _flag(value: bool) -> bytes:
    return b"1" if value else b"0"


def _spelt(value: str | int | bool | None) -> bytes:
    if value is None:
        return b""
    return _flag(value) if isinstance(value, bool) else str(value).encode()


def _loopback(rows: Rows) -> dict[bytes, tuple[bytes, Origin]]:
    relay = format_value(Allow(((b"RELAYCLIENT", b""),)))
    origin = derived(rule="this machine may relay")
    own: dict[bytes, tuple[bytes, Origin]] = {}
    for address in _LOOPBACK:
        keys = list(remote_keys(address))
        if not any(key in rows for key in keys if key != EVERYBODY):
            own[keys[0]] = (relay, origin)
    return own
