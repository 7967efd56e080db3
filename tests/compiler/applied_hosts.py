"""Hosts for tests of apply: builds made of a few words, and everything that is below a root."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from courier_compiler.applying.installed import STATE, Place, entry_of
from courier_compiler.applying.staging import Options
from courier_compiler.artefact import Artefact, Daemon
from courier_compiler.profile import load_profile
from courier_schema.legacy.manifest import Manifest

FREE = Options(owners=False)
"""Options of whoever is not root."""

ETC = "etc/courier"


def file(name: str, text: str = "", mode: int = 0o644, touches: frozenset[Daemon] = frozenset()) -> Artefact:
    """A file of the configuration directory."""
    return Artefact(f"{ETC}/{name}", text.encode(), mode, touches=touches)


def link(name: str, target: str) -> Artefact:
    """A symbolic link in the configuration directory."""
    return Artefact(f"{ETC}/{name}", target.encode(), 0o777, link=True)


def manifest(*artefacts: Artefact) -> Manifest:
    """The commit record of a build of these files."""
    files = {artefact.path: entry_of(artefact) for artefact in artefacts}
    return Manifest("example.org", "mx.example.org", "debian-12", load_profile("debian-12").layout.values(), files)


def everything(place: Place) -> Mapping[str, tuple[str, int, bytes]]:
    """Kind, mode and content of all that is below a root, our own records left out."""
    found: dict[str, tuple[str, int, bytes]] = {}
    for directory, directories, names in os.walk(place.root):
        if STATE in directories:
            directories.remove(STATE)
        for name in (*directories, *names):
            path = Path(directory, name)
            status = path.lstat()
            if path.is_symlink():
                found[place.name(path)] = ("link", 0, os.fsencode(path.readlink()))
            elif stat.S_ISDIR(status.st_mode):
                found[place.name(path)] = ("directory", stat.S_IMODE(status.st_mode), b"")
            else:
                found[place.name(path)] = ("file", stat.S_IMODE(status.st_mode), path.read_bytes())
    return found
