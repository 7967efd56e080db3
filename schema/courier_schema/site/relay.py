"""access: what clients may do by their network address; percent relaying."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from courier_schema.site.base import Section
from courier_schema.words import Bytes, Line, Name, Network, Positive


class AccessRule(Section):
    """What one network may do. A bare word says it all: relay, allow or deny."""

    short: ClassVar[str] = "action"

    action: Literal["allow", "relay", "deny"] = "allow"
    """allow: connect; relay: also send mail anywhere without a login; deny: refuse the connection."""
    block: Line | None = None
    """Text with which every recipient is refused."""
    fax: bool = False
    """May send faxes."""
    max_message_size: Bytes | None = None
    """Largest message accepted; 0 is unlimited."""
    max_per_address: Positive | None = None
    """Sessions at a time from one address."""
    require_tls: bool | None = None
    """Refuse everything before STARTTLS."""
    require_auth: bool | None = None
    """Refuse mail without a login."""
    relay_suffix: Line | None = None
    """Text appended to every recipient of a relaying client."""
    set: dict[Name, Line | int | bool | None] = Field(default={})
    """Other variables of esmtpd or bofh for these clients, under Courier's own names."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.action == "deny" and self.model_fields_set - {"action"}:
            raise ValueError(
                "a denied network has no session to which further settings could apply: remove all keys but action"
            )
        if self.relay_suffix is not None and self.action != "relay":
            raise ValueError("only relaying clients have a relay_suffix: write action: relay, or remove it")
        return self


Access = dict[Network, AccessRule]
