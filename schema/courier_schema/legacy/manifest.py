"""Manifest: the commit record of a compiled tree, written last and read first.

It lists every file with hash, mode and owner, so a reader knows a whole generation from a mixture of two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

NAME = "manifest.json"
"""File name of the manifest at the top of a compiled tree."""

FORMAT = 1


class MalformedManifest(ValueError):
    """The text is not a manifest of a format that this version reads."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: SHA-256 of its content (of the target's path for a link), permission bits and owners by name."""

    sha256: str
    mode: str
    owner: str
    group: str
    secret: bool = False
    link: bool = False


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
        facts = json.dumps({path: asdict(entry) for path, entry in sorted(self.files.items())}, sort_keys=True)
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
            "files": {path: asdict(entry) for path, entry in sorted(self.files.items())},
        }
        return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()


def load_manifest(text: bytes) -> Manifest:
    """The manifest in a JSON text; MalformedManifest when it is none."""
    try:
        record = json.loads(text)
        if record["format"] != FORMAT:
            raise MalformedManifest(f"manifest format {record['format']} is not known here")
        files = {path: Entry(**entry) for path, entry in record["files"].items()}
        return Manifest(record["site"], record["host"], record["profile"], record["layout"], files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedManifest(f"not a manifest: {error}") from error
