"""Passwords against every form in which Courier stores them: `{SCHEME}hash` and the system's crypt strings.

A scheme is recognised without case. Comparisons take the same time whether the first or the last byte differs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import sys
from collections.abc import Callable, Mapping
from typing import Final

if sys.version_info < (3, 13):
    from crypt import crypt
else:  # the standard library has dropped it; the package crypt-r is the same module
    from crypt_r import crypt

_DIGESTS: Final[Mapping[str, tuple[str, Callable[[bytes], str]]]] = {
    "{MD5RAW}": ("md5", bytes.hex),
    "{MD5}": ("md5", lambda digest: base64.b64encode(digest).decode()),
    "{SHA}": ("sha1", lambda digest: base64.b64encode(digest).decode()),
    "{SHA256}": ("sha256", lambda digest: base64.b64encode(digest).decode()),
    "{SHA512}": ("sha512", lambda digest: base64.b64encode(digest).decode()),
}
_SALT: Final = 4


def is_right(password: bytes, stored: str) -> bool:
    """Whether this is the password that the stored form was made of. An unknown or malformed form has none."""
    if not stored:
        return False
    scheme, rest = _divide(stored)
    if scheme == "{SSHA}":
        return _is_right_salted(password, rest)
    if scheme in _DIGESTS:
        name, spell = _DIGESTS[scheme]
        made = spell(hashlib.new(name, password, usedforsecurity=False).digest())
        expected = rest.lower() if scheme == "{MD5RAW}" else rest
        return hmac.compare_digest(made.encode(), expected.encode(errors="surrogateescape"))
    return _is_right_crypt(password, rest if scheme == "{CRYPT}" else stored)


def _divide(stored: str) -> tuple[str, str]:
    end = stored.find("}")
    if not stored.startswith("{") or end < 0:
        return "", stored
    return stored[: end + 1].upper(), stored[end + 1 :]


def _is_right_salted(password: bytes, text: str) -> bool:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    digest, salt = raw[:-_SALT], raw[-_SALT:]
    made = hashlib.sha1(password + salt, usedforsecurity=False).digest()
    return hmac.compare_digest(made, digest)


def _is_right_crypt(password: bytes, stored: str) -> bool:
    if b"\0" in password:
        return False
    try:
        made = crypt(password.decode(errors="surrogateescape"), stored)
    except (OSError, ValueError):
        return False
    return bool(made) and hmac.compare_digest(made.encode(), stored.encode(errors="surrogateescape"))
