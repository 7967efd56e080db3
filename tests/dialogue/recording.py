"""What the server said, as a pattern: whatever differs each time becomes a placeholder."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_GENERAL: Final[tuple[tuple[str, Callable[[re.Match[str]], str]], ...]] = (
    (r"[0-9A-F]{16}\.[0-9A-F]{16}\.[0-9A-F]{8}", lambda _: "{ID}"),
    (r"[0-9A-F]{16}\.[0-9A-F]{8}", lambda _: "{TIME16}.{PID8}"),
    (r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+-][0-9]{4}", lambda _: "{DATE}"),
    (r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} [0-9]{4}", lambda _: "{CTIME}"),
    (r"=_[a-z0-9.]+-[0-9]+-[0-9]+-[0-9]{4}-[0-9]+", lambda _: "{BOUNDARY}"),
    (r"port=(\[?)[0-9]+", lambda found: f"port={found[1]}{{N}}"),
    (r"TLS1\.[23],[0-9]+bits,[A-Z0-9_]+", lambda _: "{TLS}"),
)


def generalised(text: str) -> str:
    """The pattern of a recorded line: what differs each time becomes a placeholder."""
    text = text.replace("{", "{{").replace("}", "}}")
    for expression, become in _GENERAL:
        text = re.sub(expression, become, text)
    return text
