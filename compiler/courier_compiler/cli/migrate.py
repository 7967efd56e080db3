"""migrate: write a site in the present version of its language, in place; comments and layout stay as they are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from courier_compiler.cli import Verb
from courier_compiler.cli._common import wants_colour
from courier_compiler.migrating import rewriting, write
from courier_compiler.render import render
from courier_schema.site.migrations import CURRENT


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "site", nargs="?", type=Path, default=Path("site.yaml"), metavar="SITE", help="site file or its directory"
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where something would be changed")


def run(options: argparse.Namespace) -> int:
    found = rewriting(options.site)
    if found.problems:
        sys.stdout.write(render(sorted(set(found.problems), key=str), "text", wants_colour(sys.stdout)))
        print(f"{options.site} is left as it is: correct these first", file=sys.stderr)
        return 1
    if not found.edits:
        print(f"{options.site} is written in version {CURRENT}: nothing to do")
        return 0
    for edit in found.edits:
        print(edit)
    if options.check:
        return 1
    write(found)
    print(f"{options.site} is written in version {CURRENT} now: {', '.join(found.after)}")
    return 0


VERB = Verb("rewrite a site in the present version of its language", configure, run)
