"""schema: the JSON Schema of the site language, for editors."""

from __future__ import annotations

import argparse
import json

from courier_compiler.cli import Verb
from courier_schema.export.json_schema import json_schema


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fragment", action="store_true", help="the schema of included files, which need not be complete"
    )


def run(options: argparse.Namespace) -> int:
    print(json.dumps(json_schema("fragment" if options.fragment else "site"), indent=2, ensure_ascii=False))
    return 0


VERB = Verb("print the JSON Schema of sites, for editors", configure, run)
