"""The manual page of the command, from its parser: courier-run(1)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Final

from courier_runtime.commands.place import SYSTEM, VARIABLE
from courier_schema import __version__
from courier_schema.export import roff
from courier_schema.export.parser_page import arguments, head, status

_ABOUT: Final = (
    "It is a mail server in one process: it takes mail by SMTP, queues it, and delivers it to mailboxes, programs and"
    " other servers, as the configuration files of the Courier mail server say. The configuration is a directory of"
    " such files, or a site description, courier-site(5), which is compiled first. Changes take effect while it runs;"
    " those that cannot are refused, and the configuration before them stays in force.",
    "Started as root it leaves one small helper that takes ports and acts in recipients' names, and goes on as the mail"
    " system's user. Without root, or with `--embedded`, everything lies below the state directory and listens on high"
    " ports: 2525, 2587 and 2465.",
)
_SIGNALS: Final = (
    ("TERM, INT", "Stop: no more clients are let in, messages and deliveries under way are finished (35 seconds)."),
    ("TERM, INT again", "Stop at once. Nothing is lost; what was under way comes again."),
    ("HUP", "Look at the configuration."),
)
_ENVIRONMENT: Final = (
    (VARIABLE, f"State directory. As root it is `{SYSTEM}` otherwise, for users one below `~/.local/state`."),
    ("NOTIFY_SOCKET, LISTEN_FDS, WATCHDOG_USEC", "The service manager's; see systemd.exec(5)."),
)


def page(parser: argparse.ArgumentParser, codes: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The lines of the page; `codes` are the exit codes and their meanings."""
    yield from head(
        "courier-run", "run a mail server from its compiled configuration", _source(), "Courier mail server"
    )
    yield roff.heading("Synopsis")
    yield f"{roff.bold('courier-run')} {roff.italic('PATH')} ..."
    yield ".br"
    yield f"{roff.bold('courier-run')} {roff.italic('VERB')} ..."
    yield roff.heading("Description")
    for number, text in enumerate(_ABOUT):
        yield from ([".PP"] if number else [])
        yield roff.line(roff.inline(text))
    yield roff.heading("Verbs")
    yield from arguments(parser)
    yield from status(codes)
    yield from _table("Signals", _SIGNALS)
    yield from _table("Environment", _ENVIRONMENT)
    yield roff.heading("See also")
    yield f"{roff.bold('courier-compile')}(1), {roff.bold('courier-site')}(5), {roff.bold('courier')}(8)"


def _source() -> str:
    return f"courier-run {__version__}"


def _table(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield roff.heading(title)
    for name, about in rows:
        yield from roff.item(roff.bold(name), (about,))
