"""authProg in the directory of the account library: the program behind the back-end `pipe`."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.origin import derived


def build(context: Context) -> Iterator[Artefact]:
    pipe = context.site.auth.pipe
    if pipe is not None:
        yield context.link(context.auth_name("authProg"), pipe.program, derived("auth", "pipe", "program"))


ARTEFACT = ArtefactSpec("authProg", build)
