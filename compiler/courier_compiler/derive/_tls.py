"""TLS intents shared by all files: certificates, trust and protocol versions as the target's library spells them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from courier_compiler.derive import Intent, copy, said, translate
from courier_compiler.profile import Profile
from courier_schema.legacy.table import Table
from courier_schema.report import SitePath
from courier_schema.site.tls import SendingTls, Tls

_SERVER: Final = {
    "certificate": "tls_certfile",
    "key": "tls_private_keyfile",
    "dh_parameters": "tls_dhparams",
    "ciphers": "tls_cipher_list",
    "trust": "tls_trustcerts",
    "login_field": "tls_external",
}
_VERIFY: Final = {"none": "NONE", "optional": "PEER", "required": "REQUIREPEER"}
_VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3")
_OPENSSL: Final = {"1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.2"}


def server_tls(table: type[Table], tls: Tls | None, path: SitePath, profile: Profile) -> Iterator[Intent]:
    """A section about encryption towards clients, in the rows of a server's file."""
    yield from copy(table, tls, path, _SERVER)
    yield from translate(table, tls, path, {"verify_clients": "tls_verifypeer"}, _VERIFY.__getitem__)
    yield from negotiation(table, tls, path, profile)


def negotiation(table: type[Table], tls: Tls | SendingTls | None, path: SitePath, profile: Profile) -> Iterator[Intent]:
    """Protocol versions, in the one setting that the target's TLS library looks at."""
    for field, value in said(tls, ("minimum",)):
        oldest = cast(str, value)
        if profile.tls_library == "gnutls":
            yield Intent(table(tls_priority=gnutls_priority(oldest)), (*path, field), "as a GnuTLS priority string")
        else:
            yield Intent(
                table(tls_protocol=_OPENSSL[oldest]),
                (*path, field),
                "as the lowest version for OpenSSL",
                shortfall="refuse TLS 1.2, the newest that TLS_PROTOCOL can ask for" if oldest == "1.3" else "",
            )
    yield from copy(table, tls, path, {"priority": "tls_priority"})


def gnutls_priority(oldest: str) -> str:
    """GnuTLS's normal choices with no protocol older than the given one."""
    versions = (f"+VERS-TLS{version}" for version in reversed(_VERSIONS) if version >= oldest)
    return ":".join(("NORMAL", "-VERS-ALL", *versions))
