"""The file faxnotifyrc: how received faxes are mailed."""

from typing import Annotated

from courier_schema.legacy.codecs import Flag, Text
from courier_schema.legacy.table import Absent, Table


class Faxnotifyrc(Table, file="faxnotifyrc"):
    """The script that mails a received fax."""

    dodelete: Annotated[Flag, Absent("off")] | None = True
    """Remove the fax once it was mailed."""
    mailfrom: Annotated[Text, Absent("the empty sender")] | None = ""
    """Envelope sender of the message."""
    rcptto: Text = "postmaster"
    """Recipient of the message."""
    fromhdr: Annotated[Text, Absent("an empty header")] | None = '"Fax Administrator" <postmaster>'
    """From header of the message."""
    tohdr: Annotated[Text, Absent("an empty header")] | None = '"Fax Administrator" <postmaster>'
    """To header of the message."""
    subjecthdr: Annotated[Text, Absent("an empty header")] | None = "New fax received"
    """Subject of the message."""
