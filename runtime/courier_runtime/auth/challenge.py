"""Challenge and response: what a client must answer to CRAM-MD5, CRAM-SHA1 or CRAM-SHA256 (RFC 2195)."""

from __future__ import annotations

import hmac
from typing import Final

from courier_schema.legacy.formats.cram import cram_answer

HASHES: Final = {"CRAM-MD5": "md5", "CRAM-SHA1": "sha1", "CRAM-SHA256": "sha256"}
"""The hash function of each mechanism, as userdb's fields name it."""


def is_right(function: str, secret: bytes | None, challenge: bytes, response: bytes) -> bool:
    """Whether a response proves the password behind a stored secret. A missing or malformed secret proves nothing."""
    if not secret:
        return False
    try:
        expected = cram_answer(function, secret.decode("ascii"), challenge)
    except (ValueError, UnicodeDecodeError):
        return False
    return hmac.compare_digest(expected.encode(), response.lower())
