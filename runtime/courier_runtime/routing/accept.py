"""Whose mail is taken from strangers."""

from __future__ import annotations

from dataclasses import dataclass

from courier_runtime.routing.addresses import place, split
from courier_runtime.snapshot.model import Snapshot
from courier_schema.legacy.formats.accept import lookup_accept, relay_percent
from courier_schema.legacy.formats.hosted import Place


@dataclass(frozen=True, slots=True)
class Accepted:
    """An address that is taken, as it goes on: percent relays are resolved."""

    address: str


def accept(address: str, snapshot: Snapshot) -> Accepted | None:
    """Whether a stranger may send here: the domain is in the accept lists, or behind a percent sign that we relay."""
    lists, host_name = snapshot.accept, snapshot.locality.host_name
    domain = split(address)[1]
    if not lookup_accept(domain, lists.accepted, lists.accepted_database, host_name).is_accepted:
        return None
    if "%" not in address:
        return Accepted(address)
    answer = relay_percent(
        address,
        lambda ours: place(ours, snapshot).place is not Place.REMOTE,
        lambda inner: lookup_accept(inner, lists.percent, lists.percent_database, host_name),
    )
    return Accepted(answer.address)
