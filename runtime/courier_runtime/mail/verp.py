"""VERP: a return address of its own for every recipient, so that a bounce says by itself which address failed."""

from __future__ import annotations

import re
from typing import Final

_ESCAPED: Final = re.compile(r"[@:%!+\-\[\]]")


def verp(sender: str, recipient: str) -> str:
    """`LOCAL-RECIPIENT=DOMAIN@SENDERDOMAIN`; the null sender and one without a domain stay as they are.

    In the recipient the last at sign becomes `=`; characters with a meaning in addresses are written `+HEX`.
    """
    local_part, at, domain = sender.rpartition("@")
    if not at:
        return sender
    name, _, host = recipient.rpartition("@")
    encoded = "=".join(_ESCAPED.sub(lambda found: f"+{ord(found[0]):02X}", part) for part in (name, host) if part)
    return f"{local_part}-{encoded}@{domain}"
