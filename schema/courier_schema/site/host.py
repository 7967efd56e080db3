"""host: the identity of the server and of the addresses that it completes."""

from courier_schema.site.base import Section
from courier_schema.words import Address, Banner, Bytes, Domain, HostName, IpAddress, Path, Word


class Host(Section):
    """Who this server is."""

    name: HostName
    """Name of this mail server (`me`), base of many defaults."""
    postmaster: Address | None = None
    """Where mail for postmaster goes: an account or an outside address, never root."""
    default_domain: Domain | None = None
    """Domain added to addresses that have none; the site's domain when absent."""
    message_id_domain: Domain | None = None
    """Right-hand side of generated Message-ID headers; the host name when absent."""
    helo: HostName | None = None
    """Name announced when sending; the host name when absent."""
    greeting: Banner | None = None
    """Text of the SMTP banner; must begin with a host name."""
    source_ipv4: IpAddress | None = None
    """Address that outgoing IPv4 connections come from."""
    source_ipv6: IpAddress | None = None
    """Address that outgoing IPv6 connections come from."""
    fold_case: bool = True
    """Treat upper and lower case in local addresses alike (`locallowercase`)."""
    dot_extension: Word | None = None
    """Suffix of delivery instruction files; `courier` when absent, `qmail` reads .qmail files."""
    separators: Word | None = None
    """Characters that separate an account from its address extension, in addition to the minus sign."""
    max_message_size: Bytes | None = None
    """Largest message accepted, in bytes or with K, M, G; 0 is unlimited."""
    archive: Path | None = None
    """Directory that receives a copy of every message."""
