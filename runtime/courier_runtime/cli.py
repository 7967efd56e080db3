"""courier-run: runs a mail server from a compiled tree or from a site, and speaks to one that runs.

Everything heavy is imported by the verb that needs it, so that the small commands start in a blink.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from courier_runtime.commands.place import default_state, socket_path
from courier_runtime.control import CONTROL, Unreachable
from courier_runtime.control.wire import ask

_COMPATIBLE: Final = ("sendmail", "mailq", "cancelmsg", "aliaslookup", "testmxlookup", "rmail", "courier")
_REFUSED: Final = 1
_INTERRUPTED: Final = 130

STATUS: Final = (
    ("0", "All is well; for `serve`: it was told to stop, and has finished what it was doing."),
    ("1", "The server could not start, or the request was refused; the last line says why."),
    ("2", "The command was called wrongly."),
    ("3", "`serve` was told to stop a second time, and stopped at once. What was under way comes again."),
    ("70", "`serve` has ended because a part of it could not be kept running. A service manager starts it again."),
)
"""Exit codes and what they mean."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in _COMPATIBLE:
        return _compatible(words[0], words[1:])
    if words and not words[0].startswith("-") and words[0] not in _names():
        words.insert(0, "serve")
    options = parser().parse_args(words)
    try:
        code: int = options.run(options)
        return code
    except Unreachable as error:
        print(f"courier-run: {error}", file=sys.stderr)
        return _REFUSED
    except KeyboardInterrupt:
        return _INTERRUPTED


def _names() -> frozenset[str]:
    return frozenset(
        ("serve", "commands", "units", "manpage", "completion", *(name for name, *_ in _VERBS), *_COMPATIBLE)
    )


def _compatible(name: str, words: list[str]) -> int:
    """A command under Courier's own name, with Courier's own options."""
    from importlib import import_module

    command: Callable[[list[str]], int] = import_module(f"courier_runtime.commands.{name}").main
    return command(words)


def parser() -> argparse.ArgumentParser:
    """The whole command line; of Courier's own commands only the names, for they read their options themselves."""
    whole = argparse.ArgumentParser("courier-run", description="Run a mail server from its compiled configuration.")
    verbs = whole.add_subparsers(required=True, metavar="VERB")
    _add_serve(verbs)
    for name, run, sentence, words in _VERBS:
        verb = verbs.add_parser(name, help=sentence, description=sentence)
        verb.add_argument("--state", default="", metavar="DIR", help="state directory of the server (found by itself)")
        for word, count in words:
            verb.add_argument(word, **count)
        verb.set_defaults(run=run)
    for name, run, sentence, words in _TOOLS:
        verb = verbs.add_parser(name, help=sentence, description=sentence)
        for word, count in words:
            verb.add_argument(word, **count)
        verb.set_defaults(run=run)
    for name in _COMPATIBLE:
        sentence = f"Courier's {name}, with its own options"
        verbs.add_parser(name, help=sentence, description=sentence, add_help=False)
    return whole


def _add_serve(verbs: Any) -> None:
    sentence = "serve a site or a compiled tree until told to stop"
    verb = verbs.add_parser("serve", help=sentence, description=sentence)
    verb.add_argument("path", type=Path, metavar="PATH", help="site file or its directory, or a compiled tree")
    verb.add_argument("--state", type=Path, metavar="DIR", help="where the queue and all else is kept")
    verb.add_argument("--host", default="", metavar="NAME", help="host to serve, where the site describes several")
    verb.add_argument(
        "--port",
        action="append",
        default=[],
        metavar="LISTENER=ADDRESS:PORT",
        help="where a listener listens instead (esmtpd, esmtpd-msa, esmtpd-ssl)",
    )
    verb.add_argument(
        "--log", choices=("auto", "plain", "dated", "json", "syslog"), default="auto", help="form of the log (auto)"
    )
    verb.add_argument("--metrics", metavar="ADDRESS:PORT", help="serve /metrics and /health there")
    verb.add_argument("--resolver", action="append", default=[], metavar="ADDRESS", help="name server to ask")
    verb.add_argument(
        "--embedded",
        action="store_true",
        help="keep all below the state directory, on high ports (always without root)",
    )
    verb.add_argument(
        "--sessions",
        type=_count,
        metavar="N",
        help="processes for SMTP sessions; 0 for none besides the server's own (one for each core but one)",
    )
    verb.add_argument("--no-watch", action="store_true", help="reload only when told to")
    verb.add_argument("--quiet", action="store_true", help="do not say how to send a first mail")
    verb.set_defaults(run=_serve)


def _count(text: str) -> int:
    """A number that is none below zero. Raises ArgumentTypeError."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def _serve(options: argparse.Namespace) -> int:
    from courier_runtime.serve import Wish, serve
    from courier_schema.report import CourierSiteError

    address, _, port = (options.metrics or "").rpartition(":")
    wish = Wish(
        path=options.path,
        state=(options.state or Path(default_state())).absolute(),
        host=options.host,
        ports=dict(word.partition("=")[::2] for word in options.port),
        log=options.log,
        is_quiet=options.quiet,
        page=(address.strip("[]"), int(port)) if options.metrics else None,
        resolvers=options.resolver,
        sessions=options.sessions,
        is_watching=not options.no_watch,
        is_embedded=options.embedded or os.geteuid() != 0,
    )
    try:
        return serve(wish)
    except (CourierSiteError, OSError) as error:
        print(f"courier-run: {error}", file=sys.stderr)
        return _REFUSED


def _commands(options: argparse.Namespace) -> int:
    from courier_runtime.commands.install import install

    for path in install(options.directory):
        print(path)
    return 0


def _units(options: argparse.Namespace) -> int:
    from courier_runtime.commands.units import install

    for path in install(options.directory, options.path):
        print(path)
    return 0


def _manpage(options: argparse.Namespace) -> int:
    from courier_runtime.commands.manpage import page

    print("\n".join(page(parser(), STATUS)))
    return 0


def _completion(options: argparse.Namespace) -> int:
    import shtab

    print(shtab.complete(completed(parser()), options.shell).rstrip())
    return 0


def completed(whole: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser with what shells are to offer for its paths."""
    import shtab

    from courier_schema.export.parser_page import subparsers

    for verb in subparsers(whole).values():
        for action in verb._actions:
            if action.type is Path:
                found = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE
                setattr(action, "complete", found)  # noqa: B010 - an attribute that shtab looks for and argparse lacks
    return whole


def _ask(options: argparse.Namespace, **said: object) -> Mapping[str, Any]:
    return ask(socket_path(CONTROL, options.state), said)


def _status(options: argparse.Namespace) -> int:
    answer = _ask(options, do="status")
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(answer["since"]))
    print(f"{answer['host']} runs, process {answer['pid']}")
    print(f"generation {answer['generation']}, in force since {since}")
    for name, places in answer["listeners"].items():
        print(f"{name} listens at {', '.join(places)}")
    queue = answer["queue"]
    print(f"{queue['messages']} messages in the queue, {queue['in_hand']} in hand, {queue['running']} deliveries")
    for doubt in answer["doubts"]:
        print(f"warning: {doubt}")
    for said in filter(None, (answer["unsteady"], answer["scarce"])):
        print(said)
    if answer["trouble"]:
        print(f"a later change is not in force:\n{answer['trouble']}")
    return _REFUSED if answer["trouble"] else 0


def _reload(options: argparse.Namespace) -> int:
    answer = _ask(options, do="reload")
    print(answer["trouble"] or f"generation {answer['generation']} is in force")
    return _REFUSED if answer["trouble"] else 0


def _stop(options: argparse.Namespace) -> int:
    _ask(options, do="stop")
    return 0


def _on_message(verb: str) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        said = {"do": verb} | ({"id": options.id} if options.id else {})
        if _ask(options, **said)["done"]:
            return 0
        print("No such message.", file=sys.stderr)
        return _REFUSED

    return run


def _queue(options: argparse.Namespace) -> int:
    for message in _ask(options, do="queue")["messages"]:
        due = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(message["due"]))
        print(f"{message['id']} <{message['sender']}> {message['size']} bytes, {'held' if message['held'] else due}")
        for recipient in message["recipients"]:
            said = f": {recipient['said'][-1]}" if recipient["said"] else ""
            print(f"    <{recipient['address']}> {recipient['state']}{said}")
    return 0


def _show(options: argparse.Namespace) -> int:
    for address in _ask(options, do="show")["addresses"]:
        print(address)
    return 0


def _clear(options: argparse.Namespace) -> int:
    said = {} if options.address == "all" else {"address": options.address}
    cleared = _ask(options, do="clear", **said)["cleared"]
    print(f"{options.address} cleared." if cleared else f"{options.address} is not listed.")
    return 0


_Words = tuple[tuple[str, Mapping[str, Any]], ...]
_ID: Final[_Words] = (("id", {"metavar": "ID"}),)
_ANY_ID: Final[_Words] = (("id", {"metavar": "ID", "nargs": "?"}),)
_ADDRESS: Final[_Words] = (("address", {"metavar": "ADDRESS", "help": "an address, or `all`"}),)
_VERBS: Final[tuple[tuple[str, Callable[[argparse.Namespace], int], str, _Words], ...]] = (
    ("status", _status, "say how a server does", ()),
    ("reload", _reload, "compile the site, if it was given one, and go over to the tree as it is now", ()),
    ("stop", _stop, "end a server when what it is doing is done", ()),
    ("queue", _queue, "list what waits", ()),
    ("flush", _on_message("flush"), "try one message, or all, now", _ANY_ID),
    ("hold", _on_message("hold"), "keep a message from being tried", _ID),
    ("release", _on_message("release"), "let a held message be tried again", _ID),
    ("cancel", _on_message("cancel"), "give a message up, and tell its sender", _ID),
    ("show", _show, "list the addresses that are refused because mail to them failed lately", ()),
    ("clear", _clear, "forget that mail to an address failed", _ADDRESS),
)

_DIRECTORY: Final[tuple[str, Mapping[str, Any]]] = ("directory", {"type": Path, "metavar": "DIR"})
_TOOLS: Final[tuple[tuple[str, Callable[[argparse.Namespace], int], str, _Words], ...]] = (
    ("commands", _commands, "write Courier's command names (sendmail, mailq...) into a directory", (_DIRECTORY,)),
    (
        "units",
        _units,
        "write units for systemd into a directory",
        (
            ("directory", {"type": Path, "metavar": "DIR", "help": "/etc/systemd/system, say"}),
            (
                "path",
                {"nargs": "?", "default": "/etc/courier", "metavar": "PATH", "help": "tree to serve (%(default)s)"},
            ),
        ),
    ),
    ("manpage", _manpage, "print the manual page (roff)", ()),
    (
        "completion",
        _completion,
        "print a script that completes the command in a shell",
        (("shell", {"choices": ("bash", "zsh", "fish")}),),
    ),
)


if __name__ == "__main__":
    sys.exit(main())
