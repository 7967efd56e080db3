"""Syntax errors of YAML, told by what the writer most likely meant to write.

libyaml says where its grammar broke; this module looks at the text there and names the cause: a tab, a missing
colon, an unclosed quote, a value that needs quotes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from courier_schema.report import Mark, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_BREAK = re.compile(r"\r\n?|\n")
"""What ends a line, for libyaml as for editors."""

_FORBIDDEN = re.compile("[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SECTION = re.compile(r"[^\s#&*!|>%@`,\[\]{}-].*:(\s|$)")
_MAX_CHARACTERS = 20
_QUOTE = "put the value in quotes"


class _Spot(NamedTuple):
    """Where libyaml stopped: `start` of what it was reading, `stop` where it could go no further; from 0."""

    file: str
    lines: list[str]
    context: str
    start: tuple[int, int]
    stop: tuple[int, int]

    def line(self, number: int) -> str:
        return self.lines[number] if 0 <= number < len(self.lines) else ""

    @property
    def before(self) -> str:
        return self.line(self.stop[0])[: self.stop[1]]

    @property
    def rest(self) -> str:
        return self.line(self.stop[0])[self.stop[1] :].rstrip()

    def problem(self, name: str, says: str, remedy: str, at: tuple[int, int] | None = None) -> Problem:
        line, column = at or self.stop
        if line >= len(self.lines):  # libyaml's place for the end of a text without a last newline
            line, column = len(self.lines) - 1, len(self.lines[-1])
        return Problem(name, says, remedy, Mark(self.file, line + 1, column + 1))


def explain(error: Any, lines: list[str], file: str) -> Problem:
    """The Problem behind a scanner's or parser's error of `_ruamel_yaml` in the text made of `lines`."""
    stop = (error.problem_mark.line, error.problem_mark.column)
    context = error.context_mark
    spot = _Spot(file, lines, error.context or "", (context.line, context.column) if context else stop, stop)
    for part, teach in _TEACHERS:
        if part in error.problem:
            return teach(spot)
    doing = f" {spot.context}" if spot.context else ""
    return spot.problem("yaml-syntax", f"this is not YAML: {error.problem}{doing}", "correct the text")


def sections_behind(lines: list[str], broken: int) -> str | None:
    """The text from the first section that begins below the line `broken`, at its old line; None if none does."""
    for number in range(broken + 1, len(lines)):
        if _SECTION.match(lines[number]):
            return "\n" * number + "\n".join(lines[number:])
    return None


def forbidden_characters(text: str, file: str) -> Iterator[Problem]:
    """One Problem for each character that no site may contain, up to a number worth reading."""
    for _, found in zip(range(_MAX_CHARACTERS), _FORBIDDEN.finditer(text), strict=False):
        breaks = list(LINE_BREAK.finditer(text, 0, found.start()))
        column = found.start() - (breaks[-1].end() if breaks else 0)
        yield Problem(
            "control-character",
            f"the character U+{ord(found[0]):04X} is not allowed in a site",
            "delete it; editors show it when told to show invisible characters",
            Mark(file, len(breaks) + 1, column + 1),
        )


def _bad_start(spot: _Spot) -> Problem:
    first = spot.rest[:1]
    if first in ("\t", ""):
        return _tab(spot)
    return spot.problem("yaml-needs-quotes", f"a word cannot begin with {first} in YAML", "put the word in quotes")


def _tab(spot: _Spot) -> Problem:
    return spot.problem("yaml-tab", "a tab indents this line", "indent with spaces")


def _star(spot: _Spot) -> Problem:
    sign = "&" if "anchor" in spot.context else "*"
    says = f"a word cannot begin with {sign} in YAML"
    return spot.problem("yaml-needs-quotes", says, "put the word in quotes", spot.start)


def _no_colon(spot: _Spot) -> Problem:
    return _keyless(spot, spot.start)


def _keyless(spot: _Spot, at: tuple[int, int]) -> Problem:
    """The line at `at` holds no `key: value`, though it should."""
    text = spot.line(at[0])[at[1] :].strip()
    if re.match(r"-[^\s-]", text):
        return spot.problem("yaml-missing-space", "a list item needs a space after its dash", "write `- item`", at)
    if re.match(r"[^\s:]+:\S", text):
        return spot.problem("yaml-missing-space", "a key needs a space after its colon", "write `key: value`", at)
    return spot.problem("yaml-missing-colon", f"`{_short(text)}` has no colon", "write `key: value`", at)


def _value_in_value(spot: _Spot) -> Problem:
    line, column = spot.stop
    value = re.match(r"\s*(?:- +)*(?:[^\s'\"].*?|'[^']*'|\"[^\"]*\"): +", spot.before)
    if value:
        says = "a value that contains a colon and a space, or ends in a colon, reads as a second key"
        return spot.problem("yaml-needs-quotes", says, _QUOTE, (line, value.end()))
    if column > _MAX_KEY:
        says = f"a key is longer than {_MAX_KEY} characters"
        return spot.problem("yaml-syntax", says, "shorten the key", (line, 0))
    above, indent = _above(spot)
    if _is_keyless(spot.line(above)):
        return _keyless(spot, (above, indent))
    says = "this key is indented deeper than the line above, which already has a value"
    return spot.problem("yaml-indentation", says, "align the key with the one above", (line, _indent(spot.line(line))))


def _stray(spot: _Spot) -> Problem:
    if spot.before.strip(" -"):
        says = f"`{_short(spot.rest)}` follows a value that is already complete"
        return spot.problem("yaml-needs-quotes", says, "put the whole value in one pair of quotes")
    if spot.rest[:1] in ("]", "}"):
        return _no_value(spot)
    if spot.rest.startswith("- "):
        says = "a list item stands where a key is expected"
        return spot.problem("yaml-indentation", says, "indent the item below its key, or remove the dash")
    above, indent = _above(spot)
    if indent == spot.stop[1] and _is_keyless(spot.line(above)):
        return _keyless(spot, (above, indent))
    says = "this line is indented like none of the lines it could belong to"
    return spot.problem("yaml-indentation", says, "align it with the keys of its map")


def _no_dash(spot: _Spot) -> Problem:
    says = "a line without a dash stands among list items"
    return spot.problem("yaml-indentation", says, "write a dash before it, or indent it like the keys around the list")


def _unclosed_bracket(spot: _Spot) -> Problem:
    opened, closing = ("[", "]") if "sequence" in spot.context else ("{", "}")
    if spot.rest and spot.start[0] == spot.stop[0] and closing in spot.rest:
        says = f"a comma is missing before `{_short(spot.rest)}`"
        return spot.problem("yaml-missing-comma", says, "separate the items with commas, and quote those with spaces")
    return spot.problem("yaml-unclosed-bracket", f"this {opened} is never closed", f"add the {closing}", spot.start)


def _no_value(spot: _Spot) -> Problem:
    first = spot.rest[:1]
    if first == ":" or spot.rest.startswith("]:"):
        says = "an address with brackets or a leading colon is not a plain value in YAML"
        return spot.problem("yaml-needs-quotes", says, 'put it in quotes, like "[::]:25"')
    if first:
        says = f"nothing stands before this {first}"
        return spot.problem("yaml-syntax", says, f"write a value, or quote the {first}")
    return spot.problem("yaml-unclosed-bracket", "the text ends inside a bracket", "close the bracket")


def _colon_in_brackets(spot: _Spot) -> Problem:
    says = "between brackets a plain value may not contain a colon, unless a space follows it"
    return spot.problem("yaml-needs-quotes", says, _QUOTE, spot.start)


def _unclosed_quote(spot: _Spot) -> Problem:
    return spot.problem("yaml-unclosed-quote", "this quote is never closed", "add the closing quote", spot.start)


def _bad_escape(spot: _Spot) -> Problem:
    says = "in double quotes a backslash begins an escape, and YAML does not know this one"
    return spot.problem("yaml-bad-escape", says, "write the backslash twice, or use single quotes")


def _misplaced_sign(spot: _Spot) -> Problem:
    says = f"`{spot.rest[:1]}` begins a list or a key, which cannot start here"
    return spot.problem("yaml-indentation", says, "start it on a line of its own, or put the value in quotes")


def _block_header(spot: _Spot) -> Problem:
    says = "text follows | or > on the same line"
    return spot.problem("yaml-syntax", says, "begin the text on the next line, indented; or put it in quotes")


def _bad_tag(spot: _Spot) -> Problem:
    return spot.problem("yaml-tag", "a site has no tags, and ! begins one", _QUOTE, spot.start)


def _bad_directive(spot: _Spot) -> Problem:
    says = "a line that begins with % is a directive"
    return spot.problem("yaml-needs-quotes", says, "remove the line, or put the key in quotes", spot.start)


def _second_document(spot: _Spot) -> Problem:
    return spot.problem("several-documents", "text follows the end of the site", "remove the line `...` before it")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _above(spot: _Spot) -> tuple[int, int]:
    """Number and indentation of the nearest line above that says something."""
    number = spot.stop[0] - 1
    while number > 0 and not spot.line(number).split("#")[0].strip():
        number -= 1
    return number, _indent(spot.line(number))


def _is_keyless(text: str) -> bool:
    return bool(text.strip()) and not re.search(r":(\s|$)|^\s*(-\s|$)", text)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


_MAX_KEY = 1024
_TEACHERS: tuple[tuple[str, Callable[[_Spot], Problem]], ...] = (
    ("cannot start any token", _bad_start),
    ("tab character", _tab),
    ("expected alphabetic or numeric character", _star),
    ("found unexpected ':'", _colon_in_brackets),
    ("could not find expected ':'", _no_colon),
    ("mapping values are not allowed", _value_in_value),
    ("did not find expected key", _stray),
    ("did not find expected '-' indicator", _no_dash),
    ("did not find expected ','", _unclosed_bracket),
    ("expected node content", _no_value),
    ("found unexpected end of stream", _unclosed_quote),
    ("found unexpected document indicator", _unclosed_quote),
    ("unknown escape character", _bad_escape),
    ("hexdecimal number", _bad_escape),
    ("invalid Unicode character escape", _bad_escape),
    ("not allowed in this context", _misplaced_sign),
    ("expected comment or line break", _block_header),
    ("tag handle", _bad_tag),
    ("expected tag URI", _bad_tag),
    ("non-alphabetical character", _bad_directive),
    ("expected <document start>", _second_document),
)
