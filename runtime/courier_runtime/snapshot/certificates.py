"""TLS contexts from Courier's TLS_* settings. A server without a usable certificate has none, and offers no TLS.

What cannot be used does not keep mail from flowing, as with Courier; unlike Courier it is spoken of, as a doubt.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from courier_runtime.snapshot.model import Ground, Stamp
from courier_runtime.snapshot.own_certificate import own_certificate
from courier_schema.legacy.tables.courierd import Courierd
from courier_schema.legacy.tables.esmtpd import Esmtpd
from courier_schema.legacy.tables.tls import Negotiation

Doubt = Callable[[str], None]
"""Takes a sentence about something that is wrong but does not keep the server from serving."""

_VERSION: Final = re.compile(r"([+-])VERS-(ALL|TLS-ALL|TLS1\.[0-3])")
_GNUTLS: Final = {
    "TLS1.0": ssl.TLSVersion.TLSv1,
    "TLS1.1": ssl.TLSVersion.TLSv1_1,
    "TLS1.2": ssl.TLSVersion.TLSv1_2,
    "TLS1.3": ssl.TLSVersion.TLSv1_3,
}
_OPENSSL: Final = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLS1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
}


def stamps(settings: Esmtpd | Courierd, ground: Ground) -> dict[Path, Stamp]:
    """The files that TLS is set up from, each with what changes when it is replaced.

    They are no part of a generation, as certificates are renewed without an edit. Ask before they are read, so that one
    that is replaced meanwhile differs at the next look.
    """
    shown = (
        settings.tls_certfile,
        settings.tls_private_keyfile,
        settings.tls_dhparams if isinstance(settings, Esmtpd) else None,
    )
    trusted = (settings.tls_trustcerts, settings.tls_trustsecuritycerts if isinstance(settings, Courierd) else None)
    paths = [ground.place(path) for path in shown if path] + [ground.find(path) for path in trusted if path]
    return {path: _stamp(path) for path in paths}


def is_replaced(known: Mapping[Path, Stamp]) -> bool:
    """Whether one of these files is another one now."""
    return any(_stamp(path) != stamp for path, stamp in known.items())


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def server_context(settings: Esmtpd, ground: Ground, host: str, doubt: Doubt) -> ssl.SSLContext | None:
    """What a listener offers; None when COURIERTLS is not set or the certificate cannot be used.

    A server without root whose certificate is missing shows one of its own making, for this host name.
    """
    if not settings.couriertls or not settings.tls_certfile:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _negotiate(context, settings, doubt)
    if ground.is_embedded and not ground.place(settings.tls_certfile).exists():
        context.load_cert_chain(own_certificate(ground.state, host))
    elif not _show(context, settings.tls_certfile, settings.tls_private_keyfile, ground, doubt):
        return None
    _exchange(context, settings.tls_dhparams, settings.tls_certfile, ground, doubt)
    if settings.tls_verifypeer in ("PEER", "REQUIREPEER") and settings.tls_trustcerts:
        _trust(context, ground.find(settings.tls_trustcerts), doubt)
        context.verify_mode = ssl.CERT_OPTIONAL if settings.tls_verifypeer == "PEER" else ssl.CERT_REQUIRED
    return context


def client_context(courierd: Courierd, ground: Ground, doubt: Doubt) -> ssl.SSLContext | None:
    """For mail that only wants encryption; None when STARTTLS is switched off."""
    if not courierd.esmtp_use_starttls or not courierd.couriertls:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _negotiate(context, courierd, doubt)
    if courierd.tls_certfile:
        _show(context, courierd.tls_certfile, courierd.tls_private_keyfile, ground, doubt)
    return context


def verifying_context(
    courierd: Courierd, authorities: str | None, ground: Ground, doubt: Doubt
) -> ssl.SSLContext | None:
    """The same, with certificate and host name checked against these authorities; None where none are named.

    Where they cannot be read nobody is trusted, so mail that must be verified waits.
    """
    if not authorities:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _negotiate(context, courierd, doubt)
    _trust(context, ground.find(authorities), doubt)
    return context


def oldest_version(settings: Negotiation) -> ssl.TLSVersion | None:
    """The oldest version that TLS_PRIORITY (GnuTLS) or TLS_PROTOCOL (OpenSSL) allows; None: the library's default."""
    if settings.tls_protocol:
        return _OPENSSL[settings.tls_protocol.rstrip("+")]
    allowed = set(_GNUTLS)
    found = _VERSION.findall(settings.tls_priority or "")
    for sign, version in found:
        named = set(_GNUTLS) if version.endswith("ALL") else {version}
        allowed = allowed | named if sign == "+" else allowed - named
    return min((_GNUTLS[version] for version in allowed), default=None) if found else None


def _show(context: ssl.SSLContext, certificate: str, key: str | None, ground: Ground, doubt: Doubt) -> bool:
    """Load a certificate; False if that cannot be done."""
    try:
        context.load_cert_chain(ground.place(certificate), ground.place(key) if key else None)
    except (OSError, ssl.SSLError) as error:
        doubt(f"the certificate {certificate} cannot be used, so it is not shown: {error}")
        return False
    return True


def _exchange(context: ssl.SSLContext, named: str | None, certificate: str, ground: Ground, doubt: Doubt) -> None:
    """Offer Diffie-Hellman over a group of one's own to clients of TLS 1.2 that know no named one.

    The parameters are in the file that is named, which may never have been made, or beside the certificate.
    """
    try:
        context.load_dh_params(str(ground.place(named or certificate)))
    except FileNotFoundError:
        return
    except OSError as error:
        if named:
            doubt(f"the Diffie-Hellman parameters in {named} cannot be used, so they are not offered: {error}")


def _negotiate(context: ssl.SSLContext, settings: Negotiation, doubt: Doubt) -> None:
    oldest = oldest_version(settings)
    if oldest is not None:
        context.minimum_version = oldest
    if settings.tls_cipher_list:
        try:
            context.set_ciphers(settings.tls_cipher_list)
        except ssl.SSLError as error:
            doubt(f"TLS_CIPHER_LIST names no cipher that this server has, so it is not applied: {error}")


def _trust(context: ssl.SSLContext, authorities: Path, doubt: Doubt) -> None:
    try:
        if authorities.is_dir():
            context.load_verify_locations(capath=str(authorities))
        else:
            context.load_verify_locations(cafile=str(authorities))
    except (OSError, ssl.SSLError) as error:
        doubt(f"the authorities in {authorities} cannot be read, so nobody is verified by them: {error}")
