"""routes: how mail leaves: fixed relays, smarthosts and their credentials."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from courier_schema.site.base import Secret, Section
from courier_schema.words import DomainPattern, HostName, Port, Relay, RouteDomain, Word

Security = Literal["starttls", "required", "smtps"]


class Login(Section):
    """Credentials of this server at another one."""

    user: Word
    """Login name."""
    password: Secret
    """Password; revealed only while building."""


class Route(Section):
    """Where mail for a destination goes. A bare name is the relay."""

    short: ClassVar[str] = "via"

    via: Relay | None = None
    """Host whose MX or address records are used, or an address in brackets; normal DNS routing when absent."""
    port: Port | None = None
    """Port of the relay."""
    security: Security | None = None
    """required: no clear text; smtps: TLS from the first byte (port 465); starttls: only between hosts of the
    private authority (the SECURITY extension)."""
    family: Literal["ipv4", "ipv6"] | None = None
    """Use only this kind of address."""
    login: Login | None = None
    """Credentials for the relay."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.login and not self.via:
            raise ValueError("a login needs a relay: name it with via")
        if self.port and not self.via:
            raise ValueError("a port needs a relay: name it with via")
        return self


class Smarthost(Section):
    """The host that takes all outgoing mail: short for the route '*'."""

    short: ClassVar[str] = "host"

    host: Relay
    """Host whose MX or address records are used, or an address in brackets."""
    port: Port | None = None
    """Port of the smarthost."""
    security: Security | None = None
    """As in routes."""
    login: Login | None = None
    """Credentials."""


class BackupRelay(Section):
    """A host that takes over mail which could not be delivered within `queue.warn_after`."""

    short: ClassVar[str] = "host"

    host: HostName
    """The host."""
    module: Word | None = None
    """Delivery module; esmtp when absent."""


class PercentRelay(Section):
    """Domains that may appear behind a percent sign: mail for user%domain@here is sent on to user@domain."""

    short: ClassVar[str] = "domains"

    domains: list[DomainPattern]
    """The domains, or with a leading dot the sub-domains of one."""
    excluding: list[DomainPattern] = Field(default=[])
    """Sub-domains that are not meant; with a leading dot those below one."""


Routes = dict[RouteDomain, Route]
Credentials = dict[HostName, Login]
