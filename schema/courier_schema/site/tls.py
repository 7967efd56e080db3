"""tls: certificates and rules of encryption, for all listeners and for sending; listeners may differ."""

from typing import Literal

from courier_schema.site.base import Section
from courier_schema.words import Line, Path

Verify = Literal["none", "optional", "required"]
Minimum = Literal["1.0", "1.1", "1.2", "1.3"]


class Tls(Section):
    """Encryption towards clients."""

    certificate: Path | None = None
    """PEM file with the certificate chain, and with the key unless `key` names another file."""
    key: Path | None = None
    """PEM file with the private key."""
    dh_parameters: Path | None = None
    """PEM file with Diffie-Hellman parameters."""
    minimum: Minimum | None = None
    """Oldest protocol version that is spoken."""
    priority: Line | None = None
    """Priority string for GnuTLS builds; wins over `minimum`."""
    ciphers: Line | None = None
    """Cipher list for OpenSSL builds."""
    trust: Path | None = None
    """PEM bundle or hashed directory of the authorities that client certificates are checked against."""
    verify_clients: Verify | None = None
    """Whether clients must show a certificate."""
    login_field: Line | None = None
    """Certificate subject field that holds a login name, for logins by certificate."""


class SendingTls(Section):
    """Encryption when this server sends mail."""

    enabled: bool = True
    """Use TLS whenever the other side offers it."""
    verify: bool = False
    """Refuse servers whose certificate does not match their host name."""
    trust: Path | None = None
    """PEM bundle or hashed directory of trusted authorities; the system's when absent."""
    security_trust: Path | None = None
    """Authorities of the private network that SECURITY=STARTTLS mail may travel in."""
    certificate: Path | None = None
    """Client certificate for smarthosts that ask for one."""
    key: Path | None = None
    """Private key of the client certificate."""
    minimum: Minimum | None = None
    """Oldest protocol version that is spoken."""
    priority: Line | None = None
    """Priority string for GnuTLS builds."""
