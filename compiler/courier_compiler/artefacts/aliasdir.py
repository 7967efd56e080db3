"""etc/courier/aliasdir: delivery instructions for addresses that are neither accounts nor aliases.

Instructions of the site by address, those of mailing lists, and `default`, which is the catch-all of local domains.
They run as the mail user. A dot of an address is a colon in the name of its file. makealiases fails where the
directory does not exist, even if no alias runs a program, so a file stands in it that no address leads to.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, ended
from courier_compiler.origin import Kind, Origin, derived
from courier_compiler.parts.catchall import local_catch_alls
from courier_schema.legacy.formats.domains import lower
from courier_schema.report import SitePath
from courier_schema.site.lists import MailingList

README = "aliasdir/README"
NOTE = """\
Delivery instructions for addresses that are neither accounts nor aliases: one file for
each, a dot of the address being a colon in its name. Instructions run as the mail user.
Courier looks here only for names that begin with a dot, and so never for this file; it
keeps the directory in being, without which makealiases fails.
"""
_KEPT = Origin(Kind.DERIVED, (), "makealiases fails where the directory does not exist")


def build(context: Context) -> Iterator[Artefact]:
    if README not in context.site.files:
        yield context.text(README, NOTE, _KEPT)
    for name, said in sorted(context.site.delivery.dotfiles.items()):
        yield _file(context, name, ended(said.lines), derived("delivery", "dotfiles", name))
    yield from _catch_all(context)
    lists = context.site.mailing_lists
    for name, mailing_list in sorted(lists.lists.items()) if lists else ():
        yield from _mailing_list(context, mailing_list, ("mailing_lists", "lists", name))


def _file(context: Context, name: str, content: str, origin: Origin) -> Artefact:
    extension = (lower(name) if context.locality.lowercase else name).replace(".", ":")
    return context.text(f"aliasdir/{context.dot_file(extension)}", content, origin)


def _catch_all(context: Context) -> Iterator[Artefact]:
    """That of local domains, which all have the same: they share the names that do not exist."""
    first = next(local_catch_alls(context.names), None)
    if first is not None:
        yield _file(context, "default", first.instructions, derived(*first.path))


def _mailing_list(context: Context, mailing_list: MailingList, path: SitePath) -> Iterator[Artefact]:
    """The three instruction files that lead to couriermlm, and the options of the list."""
    name, _, domain = mailing_list.address.rpartition("@")
    name = name or domain
    command = f"|{context.profile.layout.bindir}/couriermlm"
    origin = derived(*path)
    yield _file(context, name, f"{command} msg {mailing_list.directory}\n", origin)
    yield _file(context, f"{name}-default", f"{command} ctlmsg {mailing_list.directory}\n", origin)
    yield _file(context, f"{name}-owner", f"&{mailing_list.owner}\n", derived(*path, "owner"))


ARTEFACT = ArtefactSpec("aliasdir", build)
