"""Files that the site carries as they are, relative to the configuration directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, Guard, ended
from courier_compiler.origin import derived
from courier_schema.report import SitePath
from courier_schema.site.files import LiteralFile


def build(context: Context) -> Iterator[Artefact]:
    for name, said in sorted(context.site.files.items()):
        yield _made(context, name, said, ("files", name))


def _made(context: Context, name: str, said: LiteralFile, path: SitePath) -> Artefact:
    origin = derived(*path)
    if said.link is not None:
        return context.link(name, said.link, origin)
    if said.secret is not None:
        made = context.text(name, ended(context.reveal(said.secret, lines=True)), origin, Guard.MAIL, secret=True)
    elif said.from_file is not None:
        made = context.text(name, context.carried(said.from_file, (*path, "from_file")), origin)
    else:
        made = context.text(name, said.content or "", origin)
    mode = made.mode if said.mode is None else int(said.mode, 8)
    return replace(made, mode=mode, owner=said.owner or made.owner, group=said.group or made.group)


ARTEFACT = ArtefactSpec("files", build)
