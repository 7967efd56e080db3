"""Manual pages in roff, with the macros of man(7) that groff and mandoc both know.

Texts come as the rest of the house writes them: code in backticks, names of sections as links; both become bold.
Nothing that a text holds can be taken for a request or an escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

_ESCAPES: Final = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
    '"': r"\(dq",
}
_MARKED: Final = re.compile(r"`(?P<code>[^`]+)`|\[(?P<link>\w+)\]\(#\w+\)|\*(?P<said>[^*`]+)\*")


def escape(text: str) -> str:
    """A text on one line, letter by letter."""
    return "".join(_ESCAPES.get(letter, letter) for letter in " ".join(text.split()))


def bold(text: str) -> str:
    return rf"\fB{escape(text)}\fR"


def italic(text: str) -> str:
    return rf"\fI{escape(text)}\fR"


def inline(text: str) -> str:
    """A text in which code and links are marked."""
    parts: list[str] = []
    end = 0
    for match in _MARKED.finditer(text):
        parts += [_between(text[end : match.start()]), _marked(match)]
        end = match.end()
    return "".join((*parts, _between(text[end:]))).strip()


def _between(text: str) -> str:
    """Escaped, with the blanks at its ends."""
    start, end = " " * text[:1].isspace(), " " * text[-1:].isspace()
    return f"{start}{escape(text)}{end}" if text.strip() else start


def _marked(match: re.Match[str]) -> str:
    said = match["said"]
    return italic(said) if said else bold(match["code"] or match["link"])


def line(text: str) -> str:
    """Finished text that may stand at the beginning of a line."""
    return rf"\&{text}" if text[:1] in (".", "'") else text


def title(name: str, section: int, source: str, volume: str) -> str:
    """The first line of a page. It has no date: the same input gives the same bytes."""
    return f'.TH {escape(name.upper())} {section} "" "{escape(source)}" "{escape(volume)}"'


def heading(text: str) -> str:
    return f".SH {escape(text.upper())}"


def subheading(text: str) -> str:
    return f".SS {escape(text)}"


def item(tag: str, paragraphs: Iterable[str]) -> Iterator[str]:
    """An entry of a list: its finished tag, and what is said about it."""
    yield from (".TP", line(tag))
    for number, text in enumerate(paragraphs):
        yield from ([".sp"] if number else [])
        yield line(inline(text))
