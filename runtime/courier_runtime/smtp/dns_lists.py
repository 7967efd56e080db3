"""Asking DNS lists about a client: friends first or last, as they are listed (RFC 5782)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address

from courier_runtime.policy.client import Client, Recommendation
from courier_runtime.seams import BadRecords, LookupFailed, NoSuchName, Resolver
from courier_runtime.smtp.options import DEFAULT_VARIABLE, DnsList


async def ask_lists(client: Client, lists: Iterable[DnsList], resolver: Resolver) -> None:
    """Set the variables of every list that has something to say. A list whose variable is set is not asked."""
    for listed in lists:
        if _value(client, listed.variable) is None:
            await _ask(client, listed, resolver)


def _value(client: Client, variable: str) -> str | None:
    if variable == DEFAULT_VARIABLE:
        return client.block
    return client.variables.get(variable, client.conduct.variables.get(variable))


async def _ask(client: Client, listed: DnsList, resolver: Resolver) -> None:
    for name in query_names(client.plain_ip, listed.zone):
        answers = await _addresses(name, resolver)
        text = await _text(name, resolver) if listed.wants_text else ""
        hit = next((answer for answer in answers if listed.answer in ("", answer)), None)
        if hit is None and (listed.answer or not text):
            continue
        _note(client, listed, hit or "", text)
        return


def query_names(ip: str, zone: str) -> tuple[str, ...]:
    """The names under which a list has an address; one of IPv4 also in its IPv6 form."""
    address = ip_address(ip)
    if isinstance(address, IPv4Address):
        octets = ".".join(reversed(str(address).split(".")))
        nibbles = ".".join(reversed(f"{0xFFFF:024x}{int(address):08x}"))
        return f"{octets}.{zone}", f"{nibbles}.{zone}"
    return (f"{'.'.join(reversed(f'{int(address):032x}'))}.{zone}",)


def _note(client: Client, listed: DnsList, answer: str, text: str) -> None:
    variable = listed.variable
    if listed.is_friendly:
        _set(client, variable, "")
        client.variables[f"ALLOW_{len(client.recommendations)}"] = variable
        client.recommendations.append(Recommendation(variable, listed.display, answer, text))
    else:
        _set(client, variable, _message(client, listed, text))
    client.variables[f"{variable}_ZONE"] = listed.display
    client.variables[f"{variable}_IP"] = answer
    if text:
        client.variables[f"{variable}_TXT"] = text


def _set(client: Client, variable: str, value: str) -> None:
    client.variables[variable] = value
    if variable == DEFAULT_VARIABLE:
        client.block = value


def _message(client: Client, listed: DnsList, text: str) -> str:
    if listed.message == "*":
        return text or f"Blacklisted by {listed.zone}"
    return listed.message.replace("@", client.ip, 1) or f"Blacklisted by {listed.zone}"


async def _addresses(name: str, resolver: Resolver) -> tuple[str, ...]:
    try:
        return await resolver.addresses(name)
    except (NoSuchName, LookupFailed, BadRecords):
        return ()


async def _text(name: str, resolver: Resolver) -> str:
    try:
        return next(iter(await resolver.texts(name)), "")
    except (NoSuchName, LookupFailed, BadRecords):
        return ""
