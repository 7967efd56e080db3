"""Rows of the access tables: networks in the form in which couriertcpd looks them up, and what their clients get.

Networks are expanded here into whole-octet and whole-group prefixes, so the tables mean the same with every makedat
and without Net::CIDR. Where two networks share a prefix the smaller one has it, as the longest prefix would anywhere
else. Only one row counts for a client; nothing is inherited from a larger network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.context import Context
from courier_compiler.origin import Origin, derived
from courier_compiler.parts.tables import Rows
from courier_schema.legacy.formats.access import EVERYBODY, Allow, Deny, Variable, format_value, remote_keys
from courier_schema.legacy.formats.netblocks import key_for_network
from courier_schema.report import Severity, SitePath
from courier_schema.site.relay import Access, AccessRule
from courier_schema.words import octets

_LOOPBACK: Final = ("127.0.0.1", "::1")
_MANY: Final = 4096
"""Rows of one network from which on it is worth a warning."""


def client_rows(
    context: Context, access: Access, section: str, *, loopback_relays: bool = False, mailbox: bool = False
) -> Rows:
    """The rows of one table, sorted by key; what a row cannot hold is a problem of the context."""
    expanded = [(network, keys) for network in access if (keys := _keys(context, network, (section, network)))]
    rows: dict[bytes, tuple[bytes, Origin]] = {}
    for network, keys in sorted(expanded, key=_breadth, reverse=True):
        value = _value(context, access[network], (section, network), mailbox)
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


def _keys(context: Context, network: str, path: SitePath) -> list[bytes]:
    if network == "*":
        return [EVERYBODY]
    try:
        keys = key_for_network(network)
    except ValueError as error:
        context.problem("network", f"{network} is not a network: {error}", "write ADDRESS/LENGTH or FIRST-LAST", path)
        return []
    if len(keys) > _MANY:
        context.problem(
            "network-many-keys",
            f"{network} becomes {len(keys)} rows, because rows end at whole octets or groups",
            "write it as networks whose length is a multiple of 8 (IPv4) or 16 (IPv6)",
            path,
            Severity.WARNING,
        )
    return keys


def _value(context: Context, rule: AccessRule, path: SitePath, mailbox: bool) -> bytes:
    if rule.action == "deny":
        return format_value(Deny())
    variables: dict[bytes, bytes] = {}
    for (name, text), field in _variables(rule, mailbox):
        if name in variables:
            context.problem(
                "access-variable-twice",
                f"{name.decode()} is already set by another key of this rule",
                "say it once",
                (*path, *field),
            )
        variables[name] = text
    try:
        return format_value(Allow(tuple(variables.items())))
    except ValueError as error:
        context.problem("access-value", f"the access table cannot say this: {error}", "change the text", path)
        return format_value(Deny())


def _variables(rule: AccessRule, mailbox: bool) -> Iterator[tuple[Variable, tuple[str, ...]]]:
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
