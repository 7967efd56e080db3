"""Mistakes about encryption that show without looking at any file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import (
    TLS_FILES,
    decided,
    dotted,
    in_force,
    is_put_back,
    listeners,
    several,
    shown,
    tls_of,
    value_in_force,
)
from courier_compiler.host import HostView
from courier_compiler.origin import Kind
from courier_compiler.profile import Profile
from courier_compiler.resolved import ResolvedSite, Settings
from courier_schema.legacy.table import Row, rows, rows_by_attribute
from courier_schema.report import Severity, SitePath
from courier_schema.site.tls import SendingTls, Tls

_OLD_NAMES: Final = {
    "1.0": {"TLS1.0", "TLSV1", "TLS1"},
    "1.1": {"TLS1.1", "TLSV1.1", "TLS1_1"},
}  # fmt: skip
"""What TLS libraries and Courier call them."""
_UNVERIFIED: Final = (None, "", "NONE")
_REQUIRED: Final = {
    "smtp": ("esmtpd", "esmtp_tls_required"), "submission": ("esmtpd-msa", "esmtp_tls_required"),
    "imap": ("imapd-ssl", "imap_tls_required"), "pop3": ("pop3d-ssl", "pop3_tls_required"),
}  # fmt: skip
_STARTTLS: Final = {"imap": "imapdstarttls", "pop3": "pop3_starttls"}
_USERS: Final = ("submission", "smtps", "imap", "imaps", "pop3", "pop3s")
_LIBRARIES: Final = {"gnutls": "GnuTLS", "openssl": "OpenSSL"}


def _required_unavailable(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name in listeners(resolved).keys() & _REQUIRED.keys():
        file, attribute = _REQUIRED[name]
        required = in_force(resolved, file, attribute)
        if required is None or not required[0]:
            continue
        lacking = _lacking(resolved, name)
        if lacking:
            yield Finding(
                required[1] or ("listeners", name),
                f"{name} requires TLS, but {lacking}, so every client is turned away",
                "name a certificate under tls, or do not require TLS",
            )


def _lacking(resolved: ResolvedSite, name: str) -> str:
    """Why a listener that begins in clear text cannot turn to TLS; empty if it can."""
    file = TLS_FILES[name]
    if not value_in_force(resolved, file, "tls_certfile", "unknown"):
        return "it has no certificate"
    if not value_in_force(resolved, file, "couriertls", "unknown"):
        return "COURIERTLS is not set"
    if name in _STARTTLS and not value_in_force(resolved, file, _STARTTLS[name], True):
        return "it does not offer STARTTLS"
    return ""


def _no_certificate(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    lacking = [name for name in _USERS if name in listeners(resolved) and _uses_stock(resolved, name)]
    if lacking:
        yield Finding(
            ("listeners", lacking[0]),
            f"{several(lacking)}: no certificate is named, so clients are shown the one that the package made for "
            "itself, if any",
            "name it: tls: {certificate: /path/to/chain-and-key.pem}",
        )


def _uses_stock(resolved: ResolvedSite, name: str) -> bool:
    found = in_force(resolved, TLS_FILES[name], "tls_certfile")
    return found is not None and not tls_of(resolved, name, "certificate")[1]


def _verify_without_trust(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: set[SitePath] = set()
    for name in listeners(resolved):
        verify, path = tls_of(resolved, name, "verify_clients")
        if verify in _UNVERIFIED or tls_of(resolved, name, "trust")[0] is not None or path in seen:
            continue
        seen.add(path)
        where = dotted(path[:-1]) if path[0] != "settings" else "tls"
        yield Finding(
            path,
            "client certificates are checked against every authority of the system, anybody's certificate passes",
            f"name the authority that signs your clients' certificates: {where}: {{trust: /path/to/ca.pem}}",
        )


def _login_unverified(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: set[SitePath] = set()
    for name in listeners(resolved):
        login, path = tls_of(resolved, name, "login_field")
        if login is None or path in seen:
            continue
        seen.add(path)
        if tls_of(resolved, name, "verify_clients")[0] in _UNVERIFIED:
            yield Finding(
                path,
                "logins by certificate need certificates that are checked, and nothing asks clients for one",
                "add verify_clients: optional, and trust: with your authority",
            )


def _sections(resolved: ResolvedSite) -> Iterator[tuple[SitePath, Tls | SendingTls]]:
    site = resolved.site
    yield ("tls",), site.tls
    yield ("sending_tls",), site.sending_tls
    for name, listener in listeners(resolved).items():
        if listener.tls is not None:
            yield ("listeners", name, "tls"), listener.tls


def _key_alone(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: set[SitePath] = set()
    for file in dict.fromkeys((*TLS_FILES.values(), "courierd")):
        key, path = decided(resolved, file, "tls_private_keyfile")
        certificate = decided(resolved, file, "tls_certfile")[0]
        if key and not is_put_back(path) and not certificate and path not in seen:
            seen.add(path)
            yield Finding(
                path,
                f"the key {key} has no certificate that belongs to it",
                "name the certificate beside the key",
            )


def _old_protocols(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    attribute = "tls_priority" if resolved.profile.tls_library == "gnutls" else "tls_protocol"
    seen: set[SitePath] = set()
    for file in dict.fromkeys((*TLS_FILES.values(), "courierd")):
        value, path = decided(resolved, file, attribute)
        old = _oldest(str(value or ""))
        is_off = path[:1] == ("listeners",) and path[1] not in listeners(resolved)
        if old and path not in seen and not is_off and not is_put_back(path):
            seen.add(path)
            yield Finding(
                path,
                f"TLS {old} is no longer considered safe",
                'write minimum: "1.2"' if path[-1] == "minimum" else f"leave it out of {shown(path)}",
            )


def _oldest(versions: str) -> str:
    """The first outdated version that a priority string of GnuTLS or a list of OpenSSL asks for; empty without one."""
    words = re.split(r"[:\s]+", versions.upper())
    asked = {word.removeprefix("+VERS-").rstrip("+") for word in words}
    return next((old for old, names in _OLD_NAMES.items() if names & asked), "")


def _other_library(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    ours = resolved.profile.tls_library
    theirs, field = ("openssl", "ciphers") if ours == "gnutls" else ("gnutls", "priority")
    remedy = "write priority: with a GnuTLS priority string" if ours == "gnutls" else "write ciphers: or minimum:"
    places = [((*path, field), field) for path, section in _sections(resolved) if getattr(section, field, None)]
    for settings in resolved.settings.values():
        known = rows_by_attribute(type(settings.table))
        said = (attribute for attribute, origin in settings.origins.items() if origin.kind is Kind.SAID)
        rows_said = (known[attribute] for attribute in said if attribute in known)
        places += [(settings.origin(row.attribute).path, row.name) for row in rows_said if row.library == theirs]
    for path, name in places:
        yield Finding(
            path,
            f"{name} is for {_LIBRARIES[theirs]}, but {resolved.profile.title} uses {_LIBRARIES[ours]} and ignores it",
            remedy,
        )


def _verify_without_tls(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    verified, path = decided(resolved, "courierd", "tls_verifypeer")
    enabled, off = in_force(resolved, "courierd", "esmtp_use_starttls") or (True, ())
    if verified not in _UNVERIFIED and not enabled:
        switch = "enabled: false" if off[:1] == ("sending_tls",) else shown(off)
        yield Finding(
            path,
            "certificates of other servers are to be verified, but TLS is switched off",
            f"remove {switch}, or {path[-1]}",
        )


def _session_cache(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for file, settings in resolved.settings.items():
        for row in rows(type(settings.table)):
            if row.attribute == "tls_cachesize" and _is_small(settings, row, resolved.profile):
                path = settings.origin(row.attribute).path
                yield Finding(
                    path,
                    f"TLS_CACHESIZE of {file} is too small to remember a session",
                    "write 16384 bytes at least, or remove it for the default of 524288",
                )


def _is_small(settings: Settings, row: Row, profile: Profile) -> bool:
    value = getattr(settings.table, row.attribute)
    said = settings.origin(row.attribute).kind is Kind.SAID
    return said and profile.reads(type(settings.table), row) and isinstance(value, int) and value < 16384


CHECKS: Final = (
    Check(
        "tls-required-unavailable",
        "Required TLS that is not available",
        "The service takes nothing before TLS, and has no certificate or no program to do TLS with. Courier does not "
        "refuse to start: it refuses every client, one by one.",
        _required_unavailable,
    ),
    Check(
        "tls-certificate-unnamed",
        "A service for people without a certificate of its own",
        "Programs that read and send mail check the server's certificate. Without one in the site the file of the "
        "distribution is used, which is self-signed where it exists at all, so people learn to click warnings away.",
        _no_certificate,
        Severity.WARNING,
    ),
    Check(
        "tls-verify-without-trust",
        "Client certificates without an authority of your own",
        "Which certificates are good is decided by the authorities that are trusted. Without trust these are all "
        "public authorities of the system, so a certificate that anybody can have passes the check.",
        _verify_without_trust,
        Severity.WARNING,
    ),
    Check(
        "tls-login-unverified",
        "Logins by certificate without verification",
        "login_field takes the login from a field of the client's certificate, but only from a verified one. Unless "
        "verify_clients is optional or required, clients are not asked for certificates and the setting does "
        "nothing.",
        _login_unverified,
    ),
    Check(
        "tls-key-without-certificate",
        "A private key without a certificate",
        "A key is used together with the certificate that names it. Alone it is not used, or worse, it is paired "
        "with the certificate that the distribution ships, and every handshake fails.",
        _key_alone,
    ),
    Check(
        "tls-old-protocol",
        "An outdated TLS version",
        "TLS 1.0 and 1.1 have known weaknesses and are no longer to be used (RFC 8996). Programs of the last ten "
        "years speak TLS 1.2 or later.",
        _old_protocols,
        Severity.WARNING,
    ),
    Check(
        "tls-other-library",
        "A cipher setting of the other TLS library",
        "Courier is built with GnuTLS or with OpenSSL, and each has its own way to name ciphers: a priority string, or "
        "a cipher list. The one that is not for the target's library is ignored without a word, and with it the "
        "restriction.",
        _other_library,
        Severity.WARNING,
    ),
    Check(
        "tls-verify-without-tls",
        "Verification without encryption",
        "Certificates are exchanged in TLS only. With sending_tls.enabled off, mail leaves in clear text and nothing "
        "is verified, whatever verify says.",
        _verify_without_tls,
        Severity.WARNING,
    ),
    Check(
        "tls-cache-small",
        "A session cache that holds nothing",
        "The file of remembered TLS sessions begins with a table of its own. Below 16384 bytes no session fits, so the "
        "cache costs time and saves none.",
        _session_cache,
        Severity.WARNING,
    ),
)
