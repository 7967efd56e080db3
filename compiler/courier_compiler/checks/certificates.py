"""Mistakes in certificates and keys, as far as their files can be seen: expired, for another name, unreadable, weak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import SMTP, decided, listeners, several, tls_of
from courier_compiler.host import FileFacts, HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.report import Severity, SitePath

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_SOON: Final = timedelta(days=14)
_RSA_BITS: Final = 2048
_CURVE_BITS: Final = 224
_WEAK_HASHES: Final = ("md5", "sha1")
_GROUP: Final = 0o040
_OTHERS: Final = 0o007
_OTHERS_READ: Final = 0o004
_ROOT: Final = 0
_SENDING: Final = ("tls_certfile", "tls_private_keyfile", "tls_trustcerts", "tls_trustsecuritycerts")
_ELSEWHERE: Final = ", if this machine's files are those of the mail host"


@dataclass(frozen=True, slots=True)
class _Pair:
    """A certificate file and the file with its key, as one or more listeners use them."""

    path: SitePath
    certificate: str
    key: str
    """Equal to the certificate's where the site names no other."""
    key_path: SitePath
    listeners: tuple[str, ...]


def _pairs(resolved: ResolvedSite) -> Iterator[_Pair]:
    """The certificates that the site names for its services, each once."""
    used: dict[tuple[SitePath, str, str, SitePath], list[str]] = {}
    for name in listeners(resolved):
        certificate, path = tls_of(resolved, name, "certificate")
        if certificate is not None:
            key, key_path = tls_of(resolved, name, "key")
            if key is None:
                key, key_path = certificate, path
            used.setdefault((path, certificate, key, key_path), []).append(name)
    for (path, certificate, key, key_path), names in used.items():
        yield _Pair(path, certificate, key, key_path, tuple(names))


def _loaded(resolved: ResolvedSite, host: HostView) -> Iterator[tuple[_Pair, Certificate]]:
    """The pairs whose certificate can be read, with it."""
    for pair in _pairs(resolved):
        certificate = _certificate(host.file(pair.certificate))
        if certificate is not None:
            yield pair, certificate


def _certificate(facts: FileFacts | None) -> Certificate | None:
    """The first certificate of a PEM file, which is the server's own."""
    if facts is None or facts.content is None or b"-----BEGIN CERTIFICATE-----" not in facts.content:
        return None
    from cryptography import x509  # milliseconds that sites without visible certificates should not pay

    try:
        return x509.load_pem_x509_certificate(facts.content[facts.content.index(b"-----BEGIN CERTIFICATE-----") :])
    except ValueError:
        return None


def _key_text(facts: FileFacts | None) -> bytes | None:
    """The private key of a PEM file as text; None where the file cannot be read, empty where it holds none."""
    if facts is None or facts.content is None:
        return None
    lines = facts.content.splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if line.startswith(b"-----BEGIN") and b"PRIVATE KEY-----" in line]
    ends = [at for at, line in enumerate(lines) if line.startswith(b"-----END") and b"PRIVATE KEY-----" in line]
    return b"".join(lines[starts[0] : ends[0] + 1]) if starts and ends else b""


def _named_files(resolved: ResolvedSite) -> Iterator[tuple[SitePath, str]]:
    """Every file that the site names for TLS."""
    seen: set[SitePath] = set()
    for name in listeners(resolved):
        for field in ("certificate", "key", "dh_parameters", "trust"):
            said, path = tls_of(resolved, name, field)
            if said is not None and path not in seen:
                seen.add(path)
                yield path, said
    for attribute in _SENDING:
        file, path = decided(resolved, "courierd", attribute)
        if file:
            yield path, str(file)


def _missing(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not host.strict:
        return
    for path, name in _named_files(resolved):
        if host.file(name) is None:
            yield Finding(path, f"there is no file {name}", "correct the path, or put the file there first")


def _exposed(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for pair in _pairs(resolved):
        facts = host.file(pair.key)
        if facts is not None and not facts.is_directory and facts.mode & _OTHERS and _key_text(facts) != b"":
            yield Finding(
                pair.key_path,
                f"everybody on the host may read the private key in {pair.key} (mode {facts.mode:04o})",
                f"run chmod 640 {pair.key} and chgrp {resolved.profile.layout.mailgroup} {pair.key}",
            )


def _unreadable(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for pair in _pairs(resolved):
        smtp = [name for name in pair.listeners if name in SMTP]
        for path, name in dict.fromkeys(((pair.path, pair.certificate), (pair.key_path, pair.key))) if smtp else ():
            facts = host.file(name)
            if facts is not None and facts.owner == _ROOT and not facts.mode & (_GROUP | _OTHERS_READ):
                group = resolved.profile.layout.mailgroup
                yield Finding(
                    path,
                    f"only root may read {name} (mode {facts.mode:04o}), and {several(smtp)} does not run as root",
                    f"run chgrp {group} {name} and chmod 640 {name}",
                )


def _malformed(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for pair in _pairs(resolved):
        facts = host.file(pair.certificate)
        if facts is not None and facts.content is not None and _certificate(facts) is None:
            yield Finding(
                pair.path,
                f"{pair.certificate} holds no certificate that can be read",
                "name a PEM file with the server's certificate first, then those of its authorities",
            )


def _keyless(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for pair in _pairs(resolved):
        if _key_text(host.file(pair.key)) == b"":
            yield Finding(
                pair.key_path,
                f"{pair.key} holds no private key",
                "append the key to the certificate's file, or name its own file with key:"
                if pair.key == pair.certificate
                else "name the PEM file with the private key",
            )


def _key_trouble(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for pair, certificate in _loaded(resolved, host):
        text = _key_text(host.file(pair.key))
        if not text:
            continue
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

        try:
            # proving that an RSA key's factors are prime takes longer than everything else together
            public = load_pem_private_key(text, None, unsafe_skip_rsa_key_validation=True).public_key()
        except TypeError:
            yield Finding(
                pair.key_path,
                f"the private key in {pair.key} is protected by a password, which Courier cannot enter",
                f"write it without one: openssl pkey -in {pair.key} -out NEW",
            )
            continue
        except ValueError:
            yield Finding(pair.key_path, f"the private key in {pair.key} cannot be read", "write it as PEM")
            continue
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if public.public_bytes(*form) != certificate.public_key().public_bytes(*form):
            yield Finding(
                pair.key_path,
                f"the private key in {pair.key} does not belong to the certificate in {pair.certificate}",
                "name the key with which the certificate was requested",
            )


def _expired(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for pair, certificate in _loaded(resolved, host):
        if certificate.not_valid_after_utc < host.now():
            yield Finding(
                pair.path,
                f"the certificate in {pair.certificate} expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
                "renew it",
            )


def _expiring(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for pair, certificate in _loaded(resolved, host):
        left = certificate.not_valid_after_utc - host.now()
        if timedelta() <= left < _SOON:
            yield Finding(
                pair.path,
                f"the certificate in {pair.certificate} expires on {certificate.not_valid_after_utc:%Y-%m-%d}, in "
                f"{left.days} days",
                "renew it, or see why it was not renewed by itself",
            )


def _too_early(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for pair, certificate in _loaded(resolved, host):
        if certificate.not_valid_before_utc > host.now():
            yield Finding(
                pair.path,
                f"the certificate in {pair.certificate} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} only",
                "use it from then on, or set the host's clock",
            )


def _other_name(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for pair, certificate in _loaded(resolved, host):
        found = sorted(_host_names(certificate))
        if not any(_covers(name, resolved.me) for name in found):
            yield Finding(
                pair.path,
                f"the certificate in {pair.certificate} is for {several(found) or 'no host'}, not for {resolved.me}",
                f"request one with the name {resolved.me}",
            )


def _host_names(certificate: Certificate) -> frozenset[str]:
    """Names that clients compare: the alternative ones, or where there are none the common name."""
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return frozenset(names.get_values_for_type(x509.DNSName))
    except (x509.ExtensionNotFound, ValueError):
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return frozenset(str(name.value) for name in common)


def _covers(name: str, host: str) -> bool:
    """Whether a name of a certificate is that of a host; an asterisk stands for one label."""
    pattern, wanted = normal_form(name), normal_form(host)
    return pattern == wanted or (pattern.startswith("*.") and pattern[2:] == wanted.partition(".")[2])


def _weak(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for pair, certificate in _loaded(resolved, host):
        for weakness in _weaknesses(certificate):
            yield Finding(pair.path, f"the certificate in {pair.certificate} {weakness}", "request a new one")


def _weaknesses(certificate: Certificate) -> Iterator[str]:
    key = certificate.public_key()
    bits: int | None = getattr(key, "key_size", None)
    kind = type(key).__name__.lstrip("_")
    least = _RSA_BITS if kind.startswith(("RSA", "DSA")) else _CURVE_BITS
    if bits is not None and bits < least:
        yield f"has a key of {bits} bits, which can be broken"
    signed = certificate.signature_hash_algorithm
    if signed is not None and signed.name in _WEAK_HASHES and certificate.issuer != certificate.subject:
        yield f"is signed with {signed.name.upper()}, which programs no longer accept"


def _as_seen(find: Callable[[ResolvedSite, HostView], Iterator[Finding]]) -> Callable[..., Iterator[Finding]]:
    """The same findings, which say so where the files of another machine may have been judged."""

    def found(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
        for finding in find(resolved, host):
            yield finding if host.strict else replace(finding, says=f"{finding.says}{_ELSEWHERE}")

    return found


CHECKS: Final = (
    Check(
        "tls-file-missing",
        "A file of TLS that is not there",
        "Without the certificate Courier does not offer TLS, or every handshake fails, and only the log says why. The "
        "check is made where the site is checked on the mail host itself.",
        _missing,
    ),
    Check(
        "certificate-exposed",
        "A private key that everybody may read",
        "Whoever has the key can pretend to be this server. The mail system needs to read it, and nobody else.",
        _as_seen(_exposed),
        Severity.WARNING,
    ),
    Check(
        "certificate-unreadable",
        "A certificate that the mail system may not read",
        "The SMTP server gives up the rights of root before it looks for its certificate. If it may not read the file "
        "STARTTLS disappears from its greeting, without a word in the log.",
        _as_seen(_unreadable),
        Severity.WARNING,
    ),
    Check(
        "certificate-malformed",
        "A file without a certificate",
        "The file exists but does not begin a certificate in PEM form, or the certificate is damaged. Every handshake "
        "would fail.",
        _as_seen(_malformed),
    ),
    Check(
        "certificate-without-key",
        "A certificate without its private key",
        "Courier reads the key from the certificate's file unless key names another. There is none, so every handshake "
        "would fail.",
        _as_seen(_keyless),
    ),
    Check(
        "certificate-key",
        "A private key that cannot be used",
        "The key belongs to another certificate, is damaged, or is protected by a password that nobody can type when a "
        "client connects. Every handshake would fail.",
        _as_seen(_key_trouble),
    ),
    Check(
        "certificate-expired",
        "An expired certificate",
        "Clients of people refuse to talk to the server, or show a warning that they should never get used to. Other "
        "servers mostly go on, except those that verify.",
        _as_seen(_expired),
        Severity.WARNING,
    ),
    Check(
        "certificate-expires-soon",
        "A certificate that expires soon",
        "Certificates that renew themselves do so weeks before their end. One that is this close to it may have lost "
        "its renewal.",
        _as_seen(_expiring),
        Severity.NOTE,
    ),
    Check(
        "certificate-too-early",
        "A certificate that is not yet valid",
        "Clients refuse a certificate before its time as they do after it. Often the clock of the host is wrong.",
        _as_seen(_too_early),
        Severity.WARNING,
    ),
    Check(
        "certificate-host-name",
        "A certificate for another name",
        "Clients compare the name they connect to with the names in the certificate, and refuse any other. The "
        "server's own name should be among them, and the names that people enter in their programs.",
        _as_seen(_other_name),
        Severity.WARNING,
    ),
    Check(
        "certificate-weak",
        "A certificate with a weak key or signature",
        "RSA keys below 2048 bits and signatures over MD5 or SHA-1 are no longer safe. Many programs refuse them.",
        _as_seen(_weak),
        Severity.WARNING,
    ),
)
