"""mailing_lists: couriermlm lists and their web administration."""

from pydantic import Field

from courier_schema.site.base import Section
from courier_schema.words import Address, Identifier, Line, Path, Positive, Recipient


class MailingList(Section):
    """One list, kept by couriermlm in a directory."""

    directory: Path
    """Directory made by `couriermlm create`."""
    address: Address
    """Posting address, in a local domain."""
    owner: Recipient
    """Who answers for the list."""
    options: dict[Identifier, Line | int] = Field(default={})
    """Options of couriermlm under its own names (POST, SUBSCRIBE, DIGEST...), for the list's `options` file."""
    web: bool = False
    """Offer the list in the web administration."""


class MailingLists(Section):
    """Mailing lists."""

    lists: dict[Identifier, MailingList] = Field(default={})
    """The lists by name."""
    socket: Path | None = None
    """Socket of the web administration daemon."""
    processes: Positive | None = None
    """Processes of the web administration daemon."""
