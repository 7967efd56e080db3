"""The file cone: the text-mode mail client, as every user of the host starts with it."""

from typing import Annotated

from courier_schema.legacy.codecs import Flag, TextCodec
from courier_schema.legacy.table import Absent
from courier_schema.legacy.tables.tls import Certificate, Negotiation, SessionCache, Trust

AddressBook = Annotated[str, TextCodec(r"[^=]+=[^/\s]+(/.*)?", "write name=host/suffix", noun="an LDAP address book")]


class Cone(Negotiation, Certificate, Trust, SessionCache, file="cone"):
    """The mail client. Its shipped session cache lies in each user's home, which no literal value can say."""

    cone_autoldap: Annotated[AddressBook, Absent("none")] | None = None
    """LDAP address book that users find set up: name=host/suffix."""
    underline_hack: Annotated[Flag, Absent("off")] | None = False
    """Draw underlined blanks as non-breaking spaces, for terminals that underline no blank."""
