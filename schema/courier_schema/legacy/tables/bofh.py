"""The file bofh: what submit refuses. These are its options; its directives are lines of their own.

The file is not shipped, so the defaults are what the programs assume, and only what was said is written.
"""

from typing import Annotated, Final, Literal

from courier_schema.legacy.codecs import Flag, NumberCodec, WordsCodec
from courier_schema.legacy.table import Since, Table, Unread

RESULTS: Final = ("off", "none", "neutral", "pass", "fail", "softfail", "error", "unknown", "all", "allowok")
SpfResults = Annotated[tuple[str, ...], WordsCodec(",", RESULTS)]
HeaderSize = Annotated[int, NumberCodec("bytes", least=1000)]


class Bofh(Table, file="bofh", format="bofh"):
    """Options of the file bofh; the same names in esmtpd or the access file win over them."""

    bofhcheckdns: Flag = False
    """Refuse a return address whose domain has neither mail servers nor addresses; usually said in esmtpd."""
    bofhcheckhelo: Annotated[Literal["0", "1", "2"], Since("0.43.2")] = "0"
    """Check that the HELO name leads back to the client: not (0), strictly (1), or leniently when DNS fails (2)."""
    bofhheaderlimit: Annotated[HeaderSize, Since("0.57.1")] = 100000
    """Bytes that the headers of a message may take."""
    bofhspfhelo: SpfResults = ("off",)
    """SPF results that the HELO name may have."""
    bofhspfmailfrom: SpfResults = ("off",)
    """SPF results that the envelope sender may have."""
    bofhspffrom: Annotated[tuple[str, ...], WordsCodec(",", (*RESULTS, "mailfromok"))] = ("off",)
    """SPF results that the From header may have; mailfromok asks nothing when the envelope sender passed."""
    bofhspfharderror: SpfResults = ("fail", "softfail")
    """SPF results that are refused for good; the others are refused for now."""
    bofhspftrustme: Flag = False
    """Ask nothing about clients that may relay."""
    bofhspfnoverbose: Annotated[Flag, Since("0.47.0")] = False
    """Refuse with a fixed text instead of the explanation that the sender's domain publishes."""
    bofhsuppressbackscatter: Annotated[
        tuple[str, ...], WordsCodec(",", ("smtp", "authsmtp", "none")), Since("0.49")
    ] = ("smtp",)
    """Sources whose mail is refused at once for a recipient that lately could not be delivered to."""
    bofhnobase64text: Annotated[Flag, Unread()] = False
    """Meant to refuse plain text in base64; no release looks."""
    bofhnoexpn: Annotated[Flag, Unread()] = False
    """Has its effect in esmtpd only, because the server does not read this file."""
    bofhnovrfy: Annotated[Flag, Unread()] = False
    """Has its effect in esmtpd only, because the server does not read this file."""
