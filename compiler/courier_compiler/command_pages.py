"""Manual pages of the command: courier-compile(1) and one for each verb, from the parsers and what the modules say."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator
from typing import Final

from courier_compiler.cli import parser, verb, verb_names
from courier_schema import __version__
from courier_schema.export import roff
from courier_schema.export.parser_page import arguments, head, sentence, status, subparsers, synopsis
from courier_schema.export.reference import paragraph
from courier_schema.export.site_page import site_page

COMMAND: Final = "courier-compile"
SITE_PAGE: Final = "courier-site.5"
_ABOUT: Final = (
    "It reads a typed description of a mail host, courier-site(5), checks it as a whole, and compiles it into exactly"
    " the files and databases that Courier reads."
)
_STATUS: Final = (
    ("0", "All is well."),
    ("1", "There are problems, or the world refuses something; nothing was changed."),
    ("2", "The command was called wrongly."),
)
_OWN_STATUS: Final = {"plan": ("3", "There is something to do.")}


def page_names() -> list[str]:
    """Every page, as its file is called."""
    return [f"{COMMAND}.1", *(f"{COMMAND}-{name}.1" for name in verb_names()), SITE_PAGE]


def page(name: str) -> Iterator[str]:
    """The lines of a page that is called as in `page_names`."""
    if name == SITE_PAGE:
        return site_page()
    called = name.removesuffix(".1").removeprefix(COMMAND).removeprefix("-")
    return _verb_page(called) if called else _overview()


def _overview() -> Iterator[str]:
    yield from _head(COMMAND, "compile a site description for the Courier mail server")
    yield roff.heading("Synopsis")
    yield f"{roff.bold(COMMAND)} {roff.italic('VERB')} ..."
    yield roff.heading("Description")
    yield roff.inline(_ABOUT)
    yield roff.heading("Verbs")
    for name in verb_names():
        yield from roff.item(f"{roff.bold(f'{COMMAND}-{name}')}(1)", (sentence(verb(name).help),))
    yield from status(_STATUS)
    yield roff.heading("Environment")
    yield from roff.item(roff.bold("NO_COLOR"), ("When set, terminals are shown no colours.",))
    yield roff.heading("See also")
    yield f"{roff.bold('courier-site')}(5), {roff.bold('courier')}(8), {roff.bold('makealiases')}(8)"


def _verb_page(name: str) -> Iterator[str]:
    loaded = verb(name)
    own = _subparser(name)
    yield from _head(f"{COMMAND}-{name}", loaded.help)
    yield roff.heading("Synopsis")
    yield from synopsis(own)
    yield roff.heading("Description")
    for number, text in enumerate(_description(name)):
        yield from ([".PP"] if number else [])
        yield roff.line(roff.inline(text))
    yield roff.heading("Options")
    yield from arguments(own)
    yield from status([*_STATUS, *([_OWN_STATUS[name]] if name in _OWN_STATUS else [])])
    yield roff.heading("See also")
    yield f"{roff.bold(COMMAND)}(1), {roff.bold('courier-site')}(5)"


def _head(name: str, about: str) -> Iterator[str]:
    return head(name, about, f"{COMMAND} {__version__}", "Courier site compiler")


def _description(name: str) -> list[str]:
    """What the module of a verb says about it: its own name is left away."""
    said = inspect.getdoc(sys.modules[verb(name).run.__module__]) or ""
    paragraphs = [paragraph(text) for text in said.split("\n\n")]
    return [sentence(paragraphs[0].partition(": ")[2] or paragraphs[0]), *paragraphs[1:]]


def _subparser(name: str) -> argparse.ArgumentParser:
    return subparsers(parser({name: verb(name)}))[name]
