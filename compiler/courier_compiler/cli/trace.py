"""trace: what would become of one message, step by step, and which line of the site decides each."""

from __future__ import annotations

import argparse
import ipaddress
import sys
from collections.abc import Sequence
from pathlib import Path

from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_host
from courier_compiler.cli._compiled import compiled_hosts
from courier_compiler.tracing.rendering import as_json, as_text
from courier_compiler.tracing.strangers import STRANGER
from courier_compiler.tracing.trace import trace
from courier_compiler.tracing.values import Envelope, Trace


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", type=Path, metavar="SITE", help="site file or its directory")
    parser.add_argument("sender", metavar="SENDER", help="return address; <> for the null sender")
    parser.add_argument("recipient", metavar="RECIPIENT", help="address that the mail is for")
    add_host(parser)
    parser.add_argument(
        "--from-address", type=_address, default=STRANGER, metavar="IP", help="address of the client (a stranger's)"
    )
    parser.add_argument("--login", metavar="USER", help="name that the client logs in with")
    parser.add_argument("--tls", action="store_true", help="the session is encrypted")
    parser.add_argument(
        "--listener", choices=("smtp", "submission", "smtps"), default="smtp", help="service that is used (smtp)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="form of the answer (text)")


def run(options: argparse.Namespace) -> int:
    envelope = Envelope(
        _bare(options.sender),
        _bare(options.recipient),
        options.from_address,
        options.login,
        options.tls,
        options.listener,
    )
    ways = [(host.resolved.host, trace(host, envelope)) for host in compiled_hosts(options)]
    text = as_json([way for _, way in ways]) if options.format == "json" else _text(ways)
    # addresses may hold bytes that are not UTF-8, and come back in the answer
    sys.stdout.write(text.encode(errors="backslashreplace").decode())
    return 0 if all(way.is_accepted for _, way in ways) else 1


def _text(ways: Sequence[tuple[str | None, Trace]]) -> str:
    if len(ways) == 1:
        return as_text(ways[0][1])
    return "".join(f"{host}:\n{as_text(way)}" for host, way in ways)


def _bare(address: str) -> str:
    return address.removeprefix("<").removesuffix(">")


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IP address") from error


VERB = Verb("follow one message through a site, and name the lines that decide", configure, run)
