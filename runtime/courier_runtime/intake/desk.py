"""The tools of those who take mail in: everything that a transaction asks of other rooms."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from courier_runtime.mail.reply import Reply
from courier_runtime.policy.pipeline import STANDARD, Pipeline
from courier_runtime.seams import Clock, Counters, Drafts, Filter, Hop, Resolver, Suppression
from courier_runtime.snapshot.model import Snapshot


class Routes(Protocol):
    """Says where an address goes."""

    def route(self, address: str, snapshot: Snapshot) -> Hop | Reply | Awaitable[Hop | Reply]:
        """The next hop of a canonical address, or why there is none. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """One for all transactions."""

    spool: Drafts
    router: Routes
    suppression: Suppression
    resolver: Resolver
    metrics: Counters
    clock: Clock
    filters: Sequence[Filter] = ()
    pipeline: Pipeline = STANDARD
