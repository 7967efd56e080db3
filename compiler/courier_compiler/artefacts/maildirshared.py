"""etc/courier/maildirshared: shared maildirs that every account sees, by name."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.origin import derived


def build(context: Context) -> Iterator[Artefact]:
    folders = context.site.delivery.shared_folders
    lines = {f"{name}\t{path}": derived("delivery", "shared_folders", name) for name, path in sorted(folders.items())}
    if lines:
        yield context.lines("maildirshared", lines)


ARTEFACT = ArtefactSpec("maildirshared", build)
