"""A message that is being offered: what is known of it when a check is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from courier_runtime.policy.client import Client
from courier_runtime.policy.rules import Rules
from courier_runtime.seams import Drafts, Resolver


@dataclass(slots=True, eq=False)
class Offer:
    """One transaction from MAIL on. Checks read it, and fill in what they find out."""

    client: Client
    rules: Rules
    resolver: Resolver
    spool: Drafts
    now: float = 0.0
    """When it began."""
    sender: str = ""
    """As the client spelt it, until it has been parsed; canonical then."""
    spelt_sender: str = ""
    """As the client wrote it, which is what refusals call it."""
    recipient: str = ""
    """The latest one: as spelt, then canonical."""
    spelt: str = ""
    """The latest recipient as the client wrote it, which is what receipts call it."""
    attempts: int = 0
    """RCPT commands, refused ones included."""
    has_hit_trap: bool = False
    has_asked_spf: bool = False
    """Whether any sender policy was asked for, so that a header tells of it."""
    has_passing_helo: bool = False
    """Whether the client's name for itself is vouched for by that name's sender policy."""
    spf_of_sender: str = ""
    """Result of the sender's own policy, if that was asked for."""
    headers: list[bytes] = field(default_factory=list)
    """Lines that checks want above the trace header, with their line ends."""
