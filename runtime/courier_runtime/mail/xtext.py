"""xtext: how DSN parameters of SMTP spell what would not pass as it is (RFC 3461, 4)."""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(r"\+([0-9A-F]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def xtext(encoded: str) -> str:
    """Decode; what is no code stays as it is."""
    if "+" not in encoded:
        return encoded
    raw = _CODE.sub(lambda code: chr(int(code[1], 16)), encoded)
    try:
        return raw.encode("latin-1").decode(errors="surrogateescape")
    except UnicodeEncodeError:
        return raw


def shown(encoded: str) -> str:
    """Decode for a header; what would not be one line there stays encoded."""
    decoded = xtext(encoded)
    return encoded if _CONTROL.search(decoded) else decoded
