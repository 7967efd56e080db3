"""A certificate for a server that nobody gave one: made once, signed by itself, kept with the server's state.

It lets a newcomer try TLS. Clients that verify do not believe it, and only a server without root uses it.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Final

_NAME: Final = "own-certificate.pem"
_DAYS: Final = 3650


def own_certificate(state: Path, host: str) -> Path:
    """The file with certificate and key. Raises OSError if it cannot be written."""
    path = state / _NAME
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_made(host))
        draft.replace(path)
    return path


def _made(host: str) -> bytes:
    """Certificate and key in PEM; cryptography is imported only where one is made."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host[:64])])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host), x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    unencrypted = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, unencrypted)
    return certificate.public_bytes(serialization.Encoding.PEM) + private
