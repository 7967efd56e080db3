"""What the verbs that work on an existing configuration directory share: the names it and its machine go by."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

from courier_compiler.legacy_tables.directory import SYSCONFDIR, Directory
from courier_schema.report import CourierSiteError


def add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host-name", metavar="NAME", help="name of the mail host (that of this machine)")
    parser.add_argument(
        "--sysconfdir", default=SYSCONFDIR, metavar="PATH", help=f"what the files call the directory ({SYSCONFDIR})"
    )


def directory(path: Path, options: argparse.Namespace) -> Directory:
    """The directory under the names that the options give. CourierSiteError when it is none."""
    if not path.is_dir():
        raise CourierSiteError(f"{path} is not a directory")
    return Directory(path, options.host_name or socket.gethostname(), options.sysconfdir)
