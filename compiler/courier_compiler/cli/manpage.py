"""manpage: the manual pages of the command, of every verb and of the site language, in roff.

Packages bring them along, so `man courier-compile-apply` finds them; this prints one where they are not installed, for
`man -l -`, or writes all of them below a directory.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from courier_compiler.cli import Verb


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "page", nargs="?", default="courier-compile", metavar="PAGE", help="verb, or courier-site (courier-compile)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="write all pages into man1 and man5 of this directory"
    )


def run(options: argparse.Namespace) -> int:
    # imported here: it loads every verb, this one among them
    from courier_compiler.command_pages import page, page_names
    from courier_schema.report import CourierSiteError

    if options.output is not None:
        for name in page_names():
            path = options.output / f"man{name[-1]}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in page(name)))
        return 0
    meant = [f"{options.page}.1", f"courier-compile-{options.page}.1", f"{options.page}.5"]
    found = next((name for name in page_names() if name in meant), None)
    if found is None:
        raise CourierSiteError(f"there is no page {options.page}: name a verb, courier-compile or courier-site")
    print("\n".join(page(found)))
    return 0


VERB = Verb("print a manual page (roff)", configure, run)
