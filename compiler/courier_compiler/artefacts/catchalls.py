"""etc/courier/catch-all/DOMAIN/.courier-default: the instructions of a hosted domain's catch-all account.

The account itself stands in userdb. For local domains see `aliasdir`.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, Guard
from courier_compiler.origin import derived
from courier_compiler.parts.catchall import hosted_catch_alls


def build(context: Context) -> Iterator[Artefact]:
    for found in hosted_catch_alls(context.names, context.profile.layout.sysconfdir):
        name = f"catch-all/{found.domain}/{context.dot_file('default')}"
        yield context.text(name, found.instructions, derived(*found.path), Guard.WORLD)


ARTEFACT = ArtefactSpec("catch-all", build)
