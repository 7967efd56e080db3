"""TLS settings shared by the files of every service: what is negotiated, with which certificate, whom to trust."""

from typing import Annotated, Literal

from courier_schema.legacy.codecs import Octets, Path, Positive, Seconds, Text, TextCodec
from courier_schema.legacy.table import Absent, Library, Since, Table, Unread

Protocol = Literal["TLSv1", "TLS1", "TLSv1.1", "TLSv1.1+", "TLSv1.1++", "TLSv1.2", "TLSv1.2+", "TLSv1.2++"]
SubjectField = Annotated[
    str, TextCodec(r"[A-Za-z][\w.-]*", "name a subject field, such as emailaddress", noun="a certificate field")
]


class Negotiation(Table):
    """What both ends of a connection agree on."""

    tls_priority: Annotated[Text, Absent("the library's default"), Since("0.69"), Library("gnutls")] | None = None
    """GnuTLS priority string: protocol versions, ciphers and key exchanges in one expression."""
    tls_protocol: Annotated[Protocol, Absent("TLSv1"), Since("1.0.15"), Library("openssl")] | None = None
    """Lowest TLS version accepted; two plus signs also refuse renegotiation asked for by the client."""
    tls_cipher_list: Annotated[Text, Absent("a built-in list of strong ciphers"), Library("openssl")] | None = None
    """OpenSSL cipher list."""
    tls_min_dh_bits: Annotated[Positive, Absent("the library's minimum"), Since("0.58")] | None = None
    """Shortest Diffie-Hellman prime, in bits, that is accepted from the other side."""
    tls_timeout: Annotated[Seconds, Absent("no limit"), Unread()] | None = None
    """Set aside for an idle limit on TLS connections; no release applies it."""


class Certificate(Table):
    """The certificate that this side shows."""

    tls_certfile: Annotated[Path, Absent("no certificate is shown")] | None = None
    """PEM file with this side's certificate, and with its private key unless that has a file of its own."""


class PrivateKey(Table):
    """The key of the certificate, kept apart from it."""

    tls_private_keyfile: Annotated[Path, Absent("the key is read from TLS_CERTFILE"), Since("1.0")] | None = None
    """PEM file with the private key that belongs to TLS_CERTFILE."""


class Trust(Table):
    """Whom this side believes."""

    tls_trustcerts: Annotated[Path, Absent("no certificate can be verified")] | None = "${cacerts}"
    """Authorities whose certificates are trusted: one PEM bundle, or a directory of hashed certificates."""
    tls_verifypeer: Annotated[Literal["NONE", "PEER", "REQUIREPEER"], Absent("PEER")] | None = "NONE"
    """Whether the other side's certificate is checked: never, when it shows one, or always."""


class SessionCache(Table):
    """Sessions that are remembered, so that a returning client skips the costly part of the handshake."""

    tls_cachefile: Annotated[Path, Absent("sessions are not remembered")] | None = None
    """File of remembered sessions; the start script makes it anew each time."""
    tls_cachesize: Annotated[Octets, Absent("524288")] | None = 524288
    """Size of the file of remembered sessions; below 16384 it is of no use."""


class Server(Negotiation, PrivateKey, Trust):
    """TLS as a server offers it."""

    couriertls: Annotated[Path, Absent("TLS is not offered, without a word in the log")] | None = "${bindir}/couriertls"
    """Program that speaks TLS for the service; it has to exist and be executable."""
    tls_certfile: Annotated[Path, Absent("no certificate is shown, so TLS is not offered")] | None = None
    """PEM file with the server's certificate, and with its private key unless that has a file of its own."""
    tls_dhparams: Annotated[Path, Absent("looked for in TLS_CERTFILE"), Since("0.73")] | None = (
        "${certsdir}/dhparams.pem"
    )
    """PEM file with Diffie-Hellman parameters, as mkdhparams makes it."""
    tls_external: Annotated[SubjectField, Absent("nobody logs in by certificate")] | None = None
    """Subject field of a verified client certificate that is taken as the login name."""


class MailboxServer(Server, SessionCache):
    """TLS of the IMAP and POP3 servers, which also remember sessions."""

    tls_starttls_protocol: (
        Annotated[Protocol, Absent("TLS_PROTOCOL applies"), Since("0.76.4"), Library("openssl")] | None
    ) = None
    """Lowest TLS version for connections that turn to TLS in mid-session; the full server ignores it."""
    tls_alpn: Annotated[Text, Absent("no application protocol is negotiated"), Since("1.1.0")] | None = None
    """Application protocol name that the TLS handshake offers or accepts."""
