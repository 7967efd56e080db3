"""The `options` file in the directory of a mailing list that couriermlm keeps.

couriermlm does not create a list in a directory that exists: the list is made first, with `couriermlm create`.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, Guard
from courier_compiler.origin import derived


def build(context: Context) -> Iterator[Artefact]:
    lists = context.site.mailing_lists
    for name, mailing_list in sorted(lists.lists.items()) if lists else ():
        if not mailing_list.options:
            continue
        path = ("mailing_lists", "lists", name)
        address = (
            mailing_list.address if "@" in mailing_list.address else f"{mailing_list.address}@{context.names.default}"
        )
        lines = {f"ADDRESS={address}": derived(*path, "address")}
        for option, value in sorted(mailing_list.options.items()):
            lines[f"{option}={value}"] = derived(*path, "options", option)
        secret = "LISTPW" in mailing_list.options
        yield context.lines(f"{mailing_list.directory}/options", lines, Guard.MAIL_OWNER, secret=secret)


ARTEFACT = ArtefactSpec("lists", build)
