"""dump: the records of a compiled database as text, sorted, one a line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from courier_compiler.cli import Verb
from courier_compiler.legacy_tables.directory import blamed_on, open_database
from courier_schema.legacy.formats.dump import dump


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.dat", help="database in GDBM or Berkeley DB format")


def run(options: argparse.Namespace) -> int:
    database = open_database(options.file)
    with blamed_on(options.file):
        sys.stdout.writelines(f"{line}\n" for line in dump(database.items()))
    return 0


VERB = Verb("print the records of a compiled database", configure, run)
