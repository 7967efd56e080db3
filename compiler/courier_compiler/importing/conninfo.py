"""Conninfo: the connection strings of PostgreSQL's client library, as words or as an address.

Words are NAME=value in any order, the value in quotes where it has to be; the last of two words of one name counts
(PostgreSQL, libpq, "Connection Strings").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

_WORD: Final = re.compile(r"\s*([^\s=]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(?=\s|\Z)", re.DOTALL)
_PLAIN: Final = re.compile(r"[^\s'\\]+")
_ADDRESS: Final = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[^:@/?]*)(?::(?P<password>[^@/?]*))?@)?(?P<hosts>[^/?]*)"
    r"(?:/(?P<dbname>[^?]*))?(?:\?(?P<others>.*))?"
)
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(.*))?")


def parse(text: str) -> dict[str, str] | None:
    """The words of a connection string; None for a text that is none."""
    if address := _ADDRESS.fullmatch(text.strip()):
        return _of_address(address)
    words: dict[str, str] = {}
    at = 0
    while text[at:].strip():
        found = _WORD.match(text, at)
        if found is None:
            return None
        words[found[1]] = _unquoted(found[2])
        at = found.end()
    return words


def write(words: Mapping[str, str]) -> str:
    """The words as a connection string."""
    return " ".join(f"{name}={_quoted(value)}" for name, value in words.items())


def _of_address(address: re.Match[str]) -> dict[str, str]:
    hosts = [found for host in address["hosts"].split(",") if (found := _HOST.fullmatch(host))]
    words = {
        "host": ",".join(unquote(host[1].strip("[]")) for host in hosts),
        "port": ",".join(host[2] or "" for host in hosts) if any(host[2] for host in hosts) else "",
        **{name: unquote(address[name] or "") for name in ("user", "password", "dbname")},
    }
    others = (pair.partition("=") for pair in (address["others"] or "").split("&") if pair)
    words |= {unquote(name): unquote(value) for name, _, value in others}
    return {name: value for name, value in words.items() if value}


def _unquoted(value: str) -> str:
    inner = value[1:-1] if value.startswith("'") else value
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"
