"""etc/courier/catch-all/DOMAIN/.courier-default: the instructions of a hosted domain's catch-all account.

The account itself stands in userdb. For local domains see `aliasdir`.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, Guard
from courier_compiler.origin import derived
from courier_compiler.parts.catchall import hosted_catch_alls
from courier_schema.site.aliases import Alias


def build(context: Context) -> Iterator[Artefact]:
    for name, entry in (*context.names.local.items(), *context.names.hosted.items()):
        catch_all, path = entry.domain.catch_all, (*entry.path, "catch_all")
        if isinstance(catch_all, Alias) and catch_all.include:
            context.problem(
                "catch-all-include", "a catch-all cannot include a file", "name an alias that includes it", path
            )
        if catch_all is not None and entry.domain.alias_of is not None:
            context.problem(
                "catch-all-of-alias-domain",
                f"names that do not exist in {name} are looked up in {entry.known_as}, whose catch-all decides",
                f"move the catch_all to {entry.known_as}",
                path,
            )
    for found in hosted_catch_alls(context):
        name = f"catch-all/{found.domain}/{context.dot_file('default')}"
        yield context.text(name, found.instructions, derived(*found.path), Guard.WORLD)


ARTEFACT = ArtefactSpec("catch-all", build)
