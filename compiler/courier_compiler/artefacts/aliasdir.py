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
from courier_schema.legacy.formats.domains import lower, normal_form
from courier_schema.report import Severity, SitePath
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
        path = ("delivery", "dotfiles", name)
        if name != "default":
            _check_account(context, name, path)
        yield _file(context, name, ended(said.lines), derived(*path))
    yield from _catch_all(context)
    lists = context.site.mailing_lists
    for name, mailing_list in sorted(lists.lists.items()) if lists else ():
        yield from _mailing_list(context, mailing_list, ("mailing_lists", "lists", name))


def _file(context: Context, name: str, content: str, origin: Origin) -> Artefact:
    extension = (lower(name) if context.locality.lowercase else name).replace(".", ":")
    return context.text(f"aliasdir/{context.dot_file(extension)}", content, origin)


def _catch_all(context: Context) -> Iterator[Artefact]:
    found = list(local_catch_alls(context))
    if not found:
        return
    first, *others = found
    for other in others:
        if other.instructions != first.instructions:
            context.problem(
                "catch-all-several",
                f"local domains have their names in common, so {other.domain} cannot have another catch-all than"
                f" {first.domain}",
                "give both the same, or make one of the domains kind: hosted",
                other.path,
            )
    bare = [name for name, entry in context.names.hosted.items() if entry.domain.catch_all is None]
    reached = [name for name in bare if context.names.hosted[name].domain.alias_of is None]
    if reached:
        context.problem(
            "catch-all-reaches-hosted",
            f"the catch-all of local domains also takes mail for names that do not exist in {', '.join(reached)}",
            "give these domains a catch_all of their own, or make the local domain kind: hosted, too",
            first.path,
        )
    yield _file(context, "default", first.instructions, derived(*first.path))


def _mailing_list(context: Context, mailing_list: MailingList, path: SitePath) -> Iterator[Artefact]:
    """The three instruction files that lead to couriermlm, and the options of the list."""
    name, _, domain = mailing_list.address.rpartition("@")
    if name and normal_form(domain) not in context.names.local:
        context.problem(
            "list-not-local",
            f"{mailing_list.address} is not in a local domain, and a list needs all addresses that begin with its name",
            "give the list an address in a local domain, and make an alias of the other one",
            (*path, "address"),
        )
        return
    name = name or domain
    _check_account(context, name, (*path, "address"))
    command = f"|{context.profile.layout.bindir}/couriermlm"
    origin = derived(*path)
    yield _file(context, name, f"{command} msg {mailing_list.directory}\n", origin)
    yield _file(context, f"{name}-default", f"{command} ctlmsg {mailing_list.directory}\n", origin)
    yield _file(context, f"{name}-owner", f"&{mailing_list.owner}\n", derived(*path, "owner"))


def _check_account(context: Context, name: str, path: SitePath) -> None:
    """An account of the same name, or of a beginning of it that ends at a hyphen, takes the mail."""
    for mailbox in context.resolved.mailboxes:
        if "@" not in mailbox.login and f"{name}-".startswith(f"{mailbox.login}-"):
            context.problem(
                "address-is-account",
                f"mail for {name} goes to the account {mailbox.login}, so nothing else is done for it",
                "choose another name, or rename the account",
                path,
                Severity.WARNING,
            )


ARTEFACT = ArtefactSpec("aliasdir", build)
