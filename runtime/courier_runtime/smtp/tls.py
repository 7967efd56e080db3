"""What TLS tells of a client: how strong it is, and who a certificate says that it is."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

_NAMES: Final = {"TLSv1": "TLS1.0", "TLSv1.1": "TLS1.1", "TLSv1.2": "TLS1.2", "TLSv1.3": "TLS1.3"}


def describe(secured: ssl.SSLObject) -> str:
    """Protocol, strength and cipher as the trace header shows them."""
    cipher = secured.cipher()
    version = secured.version() or ""
    if cipher is None:
        return _NAMES.get(version, version)
    name, _, bits = cipher
    return f"{_NAMES.get(version, version)},{bits}bits,{name}"


def subject(secured: ssl.SSLObject, field: str) -> str:
    """A field of the subject of a verified client certificate; empty without one (TLS_EXTERNAL)."""
    certificate: Mapping[str, Any] = secured.getpeercert() or {}
    relative_names: Any = certificate.get("subject", ())
    names = {str(name).lower(): str(value) for relative in relative_names for name, value in relative}
    return names.get(field.lower(), "")
