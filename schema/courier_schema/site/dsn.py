"""bounces: the texts and rules of delivery status notifications."""

from courier_schema.site.base import Section
from courier_schema.words import Bytes, Line, Lines


class Texts(Section):
    """Text blocks; [#ME#], [#FROMTIME#] and [#FROMMTA#] are replaced. Our own wording when absent."""

    header: Lines | None = None
    """MIME header of the text part, an empty line, and the introduction."""
    footer: Lines | None = None
    """Last words."""
    delayed: Lines | None = None
    """Before recipients that are still being tried."""
    delivered: Lines | None = None
    """Before recipients that were reached."""
    failed: Lines | None = None
    """Before recipients that could not be reached."""
    relayed: Lines | None = None
    """Before recipients that were handed to a server which sends no receipts."""
    subject_warning: Line | None = None
    """Subject of delay warnings."""
    subject_notice: Line | None = None
    """Subject of final notices."""


class Bounces(Section):
    """Delivery status notifications."""

    sender: Line | None = None
    """Complete From header of notifications (`dsnfrom`)."""
    return_whole_below: Bytes | None = None
    """Messages below this size are returned whole, larger ones as headers (`dsnlimit`)."""
    texts: Texts = Texts.unsaid()
    """Wording."""
