"""etc/courier/aliases and its database: names that are delivered elsewhere, and accounts that forward.

An alias hides an account of its name. `@domain: account` sends all mail for a domain to `account-NAME`, accounts of
the domain included: that is Courier's own notion of a whole domain and stays what it is. The `catch_all` of a domain
takes only what nobody else does, and is therefore not an alias (see `catchall`).

makealiases keeps the programs of aliases in a directory whose name begins with `.courier`, and Courier looks for them
where `dotextension` says. With another extension a link leads from the one to the other, so that both agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.parts.alias_files import AliasFile, host_files, protocol_file
from courier_compiler.parts.alias_names import AliasNames
from courier_compiler.parts.alias_table import make_alias_table


def build(context: Context) -> Iterator[Artefact]:
    names = AliasNames(context.locality)
    yield from _make(context, "aliases", host_files(context, names))
    for protocol in context.site.protocol_aliases:
        yield from _make(context, f"aliases-{protocol}", [protocol_file(context, names, protocol)], protocol)


def _make(context: Context, name: str, files: Sequence[AliasFile], protocol: str | None = None) -> Iterator[Artefact]:
    """Sources, database and program files of one table."""
    table = make_alias_table(context, files, context.locality, protocol)
    for file in files:
        yield context.text(f"{name}/{file.name}", file.source.content, file.origins)
    yield context.database(f"{name}.dat", table.records, table.origins)
    shelf = f":xalias-{protocol}" if protocol else ":xalias"
    directory = f".courier-{shelf}"
    for file_name, content, origin in table.program_files():
        yield context.text(f"aliasdir/{directory}/{file_name}", content, origin)
    link = f"aliasdir/{context.dot_file(shelf)}"
    if table.programs and link != f"aliasdir/{directory}" and link not in context.site.files:
        rule = "where makealiases puts the programs of aliases"
        yield context.link(link, directory, context.dot_origin._replace(rule=rule))


ARTEFACT = ArtefactSpec("aliases", build)
