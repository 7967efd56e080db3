"""virtual_hosts and files: files for one address or domain, and files that are carried as they are."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from courier_schema.site.base import Secret, Section
from courier_schema.words import (
    AddressOrDomain,
    Banner,
    Bytes,
    Domain,
    FileMode,
    HostName,
    IpAddress,
    Lines,
    Path,
    RelativePath,
    Word,
)


class VirtualHost(Section):
    """What differs for connections to one address, or for users of one domain (`vhost.NAME` and `FILE.NAME`)."""

    name: HostName | None = None
    """Name of the server (`me`)."""
    default_domain: Domain | None = None
    """Domain added to addresses that have none."""
    message_id_domain: Domain | None = None
    """Right-hand side of generated Message-ID headers."""
    helo: HostName | None = None
    """Name announced when sending."""
    greeting: Banner | None = None
    """Text of the SMTP banner."""
    source_ipv4: IpAddress | None = None
    """Address that outgoing IPv4 connections come from."""
    source_ipv6: IpAddress | None = None
    """Address that outgoing IPv6 connections come from."""
    max_message_size: Bytes | None = None
    """Largest message accepted."""
    local_domains: list[Domain] | None = None
    """Local domains instead of the site's (`locals`)."""
    accept: list[Domain] | None = None
    """Domains accepted from everybody instead of the site's (`esmtpacceptmailfor`)."""
    files: dict[RelativePath, Lines] = Field(default={})
    """Other control files with this host's suffix, verbatim."""


class LiteralFile(Section):
    """A file that is carried as it is."""

    one_of: ClassVar[tuple[str, ...]] = ("content", "from_file", "secret", "link")

    content: Lines | None = None
    """The text."""
    from_file: RelativePath | None = None
    """File with the content, relative to the site."""
    secret: Secret | None = None
    """Content that must not be shown."""
    link: Path | None = None
    """Make a symbolic link to this path instead."""
    mode: FileMode | None = None
    """Permission bits; 0644, or 0640 for secrets, when absent."""
    owner: Word | None = None
    """Owner; root when absent."""
    group: Word | None = None
    """Group; root, or the mail group for secrets, when absent."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        return self._give_one()


VirtualHosts = dict[AddressOrDomain, VirtualHost]
LiteralFiles = dict[RelativePath, LiteralFile]
