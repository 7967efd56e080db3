"""The other side of a session, as far as it is known: what checks judge and what the trace header tells."""

from __future__ import annotations

from dataclasses import dataclass, field

from courier_runtime.policy.conduct import Conduct

TEMPORARY_NAME = "softdnserr"
"""The name of a client whose name could not be looked up for now."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A hit in a DNS list of friends."""

    variable: str
    display: str
    answer: str
    text: str


@dataclass(slots=True, eq=False)
class Client:
    """Who is talking, from where, and what that entitles them to. Changes as the session goes on."""

    ip: str
    """IPv6 form: IPv4 appears as `::ffff:192.0.2.1`."""
    port: int
    local_ip: str
    conduct: Conduct
    name: str = ""
    """Verified host name; empty without one, TEMPORARY_NAME after a failed lookup."""
    info: str = ""
    """Who connects on whose behalf, as ident or a proxy says."""
    owner: int = 0
    """User id of whoever talks on this host, 0 for clients from outside: the owner of what is sent."""
    helo: str = ""
    is_extended: bool = False
    login: str = ""
    mechanism: str = ""
    is_tls_from_start: bool = False
    tls: str = ""
    """Protocol, strength and cipher, `TLS1.3,256bits,TLS_AES_256_GCM_SHA384`; empty in the clear."""
    relay: str | None = None
    may_fax: bool = False
    block: str | None = None
    recommendations: list[Recommendation] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    """What DNS lists have set, for filters."""

    def __post_init__(self) -> None:
        self.relay, self.may_fax, self.block = self.conduct.relay, self.conduct.fax, self.conduct.block

    @property
    def plain_ip(self) -> str:
        """The address as people write it."""
        return self.ip.removeprefix("::ffff:") if "." in self.ip else self.ip

    @property
    def verified_name(self) -> str:
        """The host name, where there is one; empty otherwise."""
        return "" if self.name == TEMPORARY_NAME else self.name

    @property
    def origin(self) -> str:
        """`HELO (NAME [ADDRESS])`, as the trace header and the log show it."""
        name = f"{self.name} " if self.name and self.name != TEMPORARY_NAME else ""
        return f"{self.helo} ({name}[{self.ip}])"

    @property
    def source(self) -> str:
        """What the queue calls this kind of sender."""
        return "smtp" if self.relay is None else "authsmtp"

    def has_authenticated(self, login: str, mechanism: str) -> None:
        """Grant what a proven login brings."""
        self.login, self.mechanism = login, mechanism
        self.relay, self.may_fax, self.block = self.conduct.auth_relay, True, ""
