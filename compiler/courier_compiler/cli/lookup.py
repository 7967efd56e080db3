"""lookup: what Courier would find in the databases and lists of a configuration directory, and why.

The answer comes first, one thing a line; the reasons follow, indented. Exit 0 when the query is found or accepted,
1 when it is not.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from courier_compiler.cli import Verb
from courier_compiler.cli._directory import add_names, directory
from courier_compiler.legacy_tables import answers
from courier_compiler.legacy_tables.answers import Answer
from courier_compiler.legacy_tables.directory import SYSCONFDIR, Directory
from courier_compiler.legacy_tables.sources import PROTOCOLS
from courier_compiler.parts.virtual_hosts import suffix
from courier_schema.report import CourierSiteError


def configure(parser: argparse.ArgumentParser) -> None:
    tables = parser.add_subparsers(dest="table", metavar="TABLE", required=True)
    for name, (help_, configure_one, _) in _TABLES.items():
        one = tables.add_parser(name, help=help_, description=help_)
        configure_one(one)
        one.add_argument("--dir", type=Path, default=Path(SYSCONFDIR), help=f"configuration directory ({SYSCONFDIR})")
        one.add_argument("--database", type=Path, metavar="FILE.dat", help="another database, in the directory")
        one.add_argument(
            "--virtual-host", type=suffix, default="", metavar="NAME", help="read FILE.NAME where it exists"
        )
        one.add_argument("--format", choices=("text", "json"), default="text", help="form of the answer (text)")
        add_names(one)


def run(options: argparse.Namespace) -> int:
    _, _, ask = _TABLES[options.table]
    place = replace(directory(options.dir, options), virtual_host=options.virtual_host)
    if options.database is not None:
        options.database = place.path / options.database
        if not options.database.exists():
            raise CourierSiteError(f"{options.database} does not exist")
    answer = ask(place, options)
    if options.format == "json":
        text = json.dumps({"found": answer.found, **answer.facts}, indent=2)
    else:
        text = "\n".join((*answer.lines, *(f"  {reason}" for reason in answer.reasons)))
    # queries may hold bytes that are not UTF-8, and come back in the answer
    sys.stdout.write(f"{text}\n".encode(errors="backslashreplace").decode())
    return 0 if answer.found else 1


def _query(metavar: str, help_: str) -> Callable[[argparse.ArgumentParser], None]:
    def configure_one(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("query", metavar=metavar, help=help_)

    return configure_one


def _configure_alias(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", metavar="ADDRESS", help="address as submit looks it up: its domain in lower case")
    parser.add_argument("--protocol", choices=PROTOCOLS, help="transport whose own aliases come first")


def _configure_access(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", type=_address, metavar="ADDRESS", help="IP address of the client")
    parser.add_argument("--access-local", action="store_true", help="couriertcpd is told -accesslocal")
    parser.add_argument("--local", type=_address, metavar="ADDRESS", help="address it came to, for --access-local")
    parser.add_argument("--port", type=int, default=25, metavar="N", help="port it came to (25)")
    parser.set_defaults(refuse=parser.error)


def _configure_userdb(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", metavar="LOGIN", help="name of the account")
    parser.add_argument("--service", default="login", metavar="NAME", help="service that asks, such as imap (login)")


def _ask_access(place: Directory, options: argparse.Namespace) -> Answer:
    if not options.access_local:
        return answers.access(place, options.query, database=options.database)
    if options.local is None:
        options.refuse("--access-local looks up --local, which is missing")
    return answers.access(place, options.query, options.local, options.port, options.database)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IP address") from error


_Configure = Callable[[argparse.ArgumentParser], None]
_Ask = Callable[[Directory, argparse.Namespace], Answer]

_TABLES: Final[Mapping[str, tuple[str, _Configure, _Ask]]] = {
    "alias": (
        "recipients of an alias",
        _configure_alias,
        lambda place, given: answers.alias(place, given.query, given.protocol, given.database),
    ),
    "access": ("what a client's address may do", _configure_access, _ask_access),
    "accept": (
        "whether mail for a domain is accepted from strangers",
        _query("DOMAIN", "domain, or address in it"),
        lambda place, given: answers.accept(place, given.query, given.database),
    ),
    "hosted": (
        "whether a domain is local, hosted or remote",
        _query("DOMAIN", "domain, or address in it"),
        lambda place, given: answers.hosted(place, given.query, given.database),
    ),
    "percent": (
        "where mail for user%%domain@server goes",
        _query("ADDRESS", "address with a percent sign"),
        lambda place, given: answers.percent(place, given.query, given.database),
    ),
    "uucp": (
        "whether a bang path is accepted",
        _query("PATH", "bang path, such as hub!leaf!user"),
        lambda place, given: answers.uucp(place, given.query, given.database),
    ),
    "userdb": (
        "the account of a login name",
        _configure_userdb,
        lambda place, given: answers.account(place, given.query, given.service, given.database),
    ),
}
"""Each table with its line in the help, its arguments, and the way to its answer."""

VERB = Verb("say what Courier would find in the databases of a configuration directory, and why", configure, run)
