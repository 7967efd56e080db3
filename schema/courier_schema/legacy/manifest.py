"""Manifest: the commit record of a compiled tree, written last and read first.

It lists every file with hash, mode and owner, so a reader knows a whole generation from a mixture of two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAME = "manifest.json"
"""File name of the manifest at the top of a compiled tree."""

FORMAT = 2
_WITHOUT_TOUCHES = 1
"""The format before, which did not say which daemons keep what they read of a file."""


class MalformedManifest(ValueError):
    """The text is not a manifest of a format that this version reads."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: SHA-256 of its content (of the target's path for a link), permission bits and owners by name.

    `touches` are the daemons that keep what they read of it, by name; None where the writer did not say.
    """

    sha256: str
    mode: str
    owner: str
    group: str
    secret: bool = False
    link: bool = False
    touches: tuple[str, ...] | None = None

    def fields(self) -> dict[str, object]:
        """All of it by name."""
        return {name: getattr(self, name) for name in Entry.__slots__}


@dataclass(frozen=True, slots=True)
class Manifest:
    """One generation of one host."""

    site: str
    host: str
    profile: str
    layout: Mapping[str, str]
    files: Mapping[str, Entry]

    @property
    def generation(self) -> str:
        """A name for exactly these contents, modes and owners: equal trees have equal generations."""
        entries = {path: entry.fields() for path, entry in sorted(self.files.items())}
        for entry in entries.values():
            del entry["touches"]
        facts = json.dumps(entries, sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    def dump(self) -> bytes:
        """JSON text, stable from build to build."""
        record = {
            "format": FORMAT,
            "generation": self.generation,
            "site": self.site,
            "host": self.host,
            "profile": self.profile,
            "layout": dict(sorted(self.layout.items())),
            "files": {path: entry.fields() for path, entry in sorted(self.files.items())},
        }
        return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()


def load_manifest(text: bytes) -> Manifest:
    """The manifest in a JSON text; MalformedManifest when it is none."""
    try:
        record = json.loads(text)
        if record["format"] not in (FORMAT, _WITHOUT_TOUCHES):
            raise MalformedManifest(f"manifest format {record['format']} is not known here")
        files = {path: _entry(**entry) for path, entry in record["files"].items()}
        return Manifest(record["site"], record["host"], record["profile"], record["layout"], files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedManifest(f"not a manifest: {error}") from error


def _entry(touches: list[str] | None = None, **others: Any) -> Entry:
    return Entry(**others, touches=None if touches is None else tuple(touches))
