"""The envelope: everything that is known of a message besides its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Flag
from typing import Final, Literal


class Notify(Flag):
    """When a recipient's fate is to be reported (RFC 3461, 4.1). No flag: the sender did not say."""

    UNSAID = 0
    NEVER = 1
    SUCCESS = 2
    FAILURE = 4
    DELAY = 8

    @property
    def letters(self) -> str:
        """Courier's letters, as in its control files: a subset of `SFDN`."""
        return "".join(letter for letter, flag in _LETTERS.items() if flag in self)

    @classmethod
    def of_letters(cls, text: str) -> Notify:
        """Read first letters of words; others mean nothing, and NEVER wins."""
        found = cls.UNSAID
        for letter in text.upper():
            found |= _LETTERS.get(letter, cls.UNSAID)
        return cls.NEVER if cls.NEVER in found else found


_LETTERS: Final = {"S": Notify.SUCCESS, "F": Notify.FAILURE, "D": Notify.DELAY, "N": Notify.NEVER}

Return = Literal["", "full", "headers"]
"""How much of the message a failure notice brings back; empty if the sender did not say."""

Security = Literal["", "none", "starttls"]
"""The least that a channel onward must offer (Courier's SECURITY extension)."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address that the message goes to."""

    address: str
    """In canonical form, aliases already replaced."""
    original: str = ""
    """What the sender called it (ORCPT without its type, or the alias); empty if that is `address`."""
    notify: Notify = Notify.UNSAID


@dataclass(frozen=True, slots=True)
class ByHeaders:
    """What the sender wants of the recipients whom only the headers name."""

    notify: Notify = Notify.UNSAID
    is_blind: bool = False
    """Only Bcc names recipients, To and Cc do not."""


BY_HEADERS: Final = ByHeaders()


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message on its way. Immutable: what happens to it later is the queue's record, not the envelope's."""

    sender: str
    """Return address; empty for notices, `#@[]` for notices about notices."""
    recipients: tuple[Recipient, ...]
    """Their place in this tuple is their number."""
    source: str = "local"
    """Where it came from: `smtp`, `authsmtp` (from a client that may relay), `local`, `uucp`, or `X/dsn` for
    notices about mail from X: `X/dsn/dsn` about notices."""
    origin: str = ""
    """Type and name of the sending host, `dns; HELO (NAME [ADDRESS])`."""
    login: str = ""
    """Who had authenticated."""
    owner: int = 0
    """User id of whoever handed it in on this host, and so may list and cancel it; 0 for the mail system itself."""
    envelope_id: str = ""
    """ENVID, still encoded as xtext."""
    returns: Return = ""
    verp: bool = False
    smtputf8: bool = False
    """The headers hold 8-bit text, or the addresses do, so the way onward must allow that."""
    eight_bit: bool = False
    security: Security = ""
    virtual_host: str = ""
    """Suffix of the configuration files that apply (`vhost.SUFFIX`)."""
    is_tracked: bool = False
    """Whether failures are remembered and suppress later mail to the same address."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Settings of the session that later hops need: RELAYCLIENT, TCPREMOTEIP."""
    delivered_to_alias: tuple[Recipient, ...] = ()
    """Aliases of several targets, which count as delivered at once (their receipt says so)."""
    submit_delay: float | None = None
    """Seconds before the first attempt; None for the configured ones."""
    by_headers: ByHeaders = BY_HEADERS
    """For a message whose headers name the recipients; forgotten once these are in the envelope."""
