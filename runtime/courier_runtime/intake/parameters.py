"""What MAIL and RCPT may say besides the address, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from courier_runtime.mail.envelope import Notify, Return, Security

LARGEST: Final = 2**63 - 1
"""A size that is no number of bytes any more."""


@dataclass(frozen=True, slots=True)
class MailParameters:
    """Of MAIL: RFC 1870, RFC 3461, RFC 6531, and Courier's own VERP and SECURITY."""

    size: int = 0
    returns: Return = ""
    envelope_id: str = ""
    """Still encoded as xtext."""
    verp: bool = False
    security: Security = ""
    smtputf8: bool = False

    def exceeds(self, limit: int) -> bool:
        """Whether the message says to be larger than it may be; 0 allows any size that is a number."""
        return self.size >= (limit + 1 if limit else LARGEST)


@dataclass(frozen=True, slots=True)
class RcptParameters:
    """Of RCPT: RFC 3461."""

    notify: Notify = Notify.UNSAID
    original: str = ""
    """ORCPT decoded, without its type."""
