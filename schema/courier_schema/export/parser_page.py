"""Parts of a manual page that a parser of options says by itself: synopsis, options, verbs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence

from courier_schema.export import roff


def head(name: str, about: str, source: str, volume: str) -> Iterator[str]:
    """The beginning of a page of section 1."""
    yield roff.title(name, 1, source, volume)
    yield roff.heading("Name")
    yield roff.escape(f"{name} - {about}")


def status(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The section about exit codes."""
    yield roff.heading("Exit status")
    for number, about in rows:
        yield from roff.item(roff.bold(number), (about,))


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return f"{text[0].upper()}{text[1:].removesuffix('.')}."


def subparsers(of: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """The parsers of the verbs of a parser, none where it has no verbs."""
    found = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    return found[0].choices if found else {}


def synopsis(own: argparse.ArgumentParser) -> Iterator[str]:
    """A line for the command, or one for each of its own verbs."""
    below = subparsers(own)
    for number, one in enumerate(below.values() or (own,)):
        words = [roff.bold(one.prog), *map(_usage, _visible(one))]
        yield from ([".br"] if number else [])
        yield " ".join(words)


def _usage(action: argparse.Action) -> str:
    said = " ".join(
        filter(None, (roff.bold(action.option_strings[-1]) if action.option_strings else "", _value(action)))
    )
    return said if action.required and action.nargs not in ("?", "*") else f"[{said}]"


def _value(action: argparse.Action) -> str:
    """What an option takes: a name for it, or one of some words."""
    if action.nargs == 0:
        return ""
    if isinstance(action.metavar, str):
        shown = roff.italic(action.metavar)
    elif action.choices is not None:
        shown = r"\||\|".join(roff.bold(str(choice)) for choice in action.choices)
    else:
        shown = roff.italic(action.dest.upper())
    if action.nargs == "?" and action.option_strings:
        return f"[{shown}]"
    return f"{shown} ..." if action.nargs in ("+", "*") else shown


def arguments(own: argparse.ArgumentParser) -> Iterator[str]:
    """Every option, below the verb that it belongs to."""
    below = subparsers(own)
    for name, one in below.items():
        yield roff.subheading(f"{own.prog.rpartition(' ')[2]} {name}")
        yield roff.line(roff.inline(sentence(one.description or name)))
        yield from _entries(_visible(one))
    if not below:
        yield from _entries([*_visible(own), *own._actions[:1]])


def _entries(actions: Sequence[argparse.Action]) -> Iterator[str]:
    for action in actions:
        value = _value(action)
        names = [roff.bold(name) for name in action.option_strings] or [value]
        tag = ", ".join(names) + (f" {value}" if action.option_strings and value else "")
        yield from roff.item(tag, (sentence(_help(action)),))


def _help(action: argparse.Action) -> str:
    text = (action.help or action.dest).replace("%%", "%")
    return text.replace("show this help message and exit", "show a summary of this page")


def _visible(own: argparse.ArgumentParser) -> list[argparse.Action]:
    """Positional arguments first, as one types them; the help is no part of a synopsis."""
    shown = [action for action in own._actions if action.help is not argparse.SUPPRESS and action.dest != "help"]
    return sorted(shown, key=lambda action: bool(action.option_strings))
