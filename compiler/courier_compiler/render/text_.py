"""Problems for people: place, cause, the line with a caret under the spot, and the remedy."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from courier_compiler.render import Excerpts
from courier_schema.report import Problem, Severity

_WIDTH: Final = 160
"""Columns of a line that are shown; lines of a site may be megabytes."""
_SENTENCE: Final = 480
"""Longest sentence that is shown whole: some name several things, and a value may be megabytes."""
_CUT: Final = "..."
_CONTROLS: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what acts on a terminal or breaks a line, the marks of writing direction among them."""

_Painter = Callable[[str, str], str]
_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}


def render(problems: Sequence[Problem], colour: bool) -> str:
    excerpts = Excerpts()
    return "".join(_problem(problem, excerpts, colour) for problem in problems) + _summary(problems)


def _problem(problem: Problem, excerpts: Excerpts, colour: bool) -> str:
    paint = _painter(colour)
    place = f"{paint('1', visible(str(problem.mark)))}: " if problem.mark else ""
    severity = paint(f"1;{_COLOURS[problem.severity]}", str(problem.severity))
    lines = [f"{place}{severity}: {_short(problem.says)} {paint('2', f'[{problem.id}]')}"]
    lines += _excerpt(problem, excerpts, colour)
    lines.append(f"{paint('32', '   =')} {_short(problem.remedy)}")
    return "\n".join(lines) + "\n\n"


def _excerpt(problem: Problem, excerpts: Excerpts, colour: bool) -> Iterator[str]:
    line = excerpts.line(problem.mark) if problem.mark else None
    if line is None or problem.mark is None:
        return
    paint = _painter(colour)
    number = f"{problem.mark.line:>5} | "
    shown, spot = _around(line, problem.mark.column - 1)
    before = "".join("\t" if letter == "\t" else " " for letter in shown[:spot])
    yield f"{paint('2', number)}{shown}"
    yield f"{paint('2', ' ' * 5 + ' | ')}{before}{paint(f'1;{_COLOURS[problem.severity]}', '^')}"


def _around(line: str, column: int) -> tuple[str, int]:
    """The part of a line around a column, made visible, and where the column is in it."""
    start = max(0, column - _WIDTH // 2) if len(line) > _WIDTH else 0
    before = _CUT * (start > 0) + visible(line[start:column], "\t")
    return before + visible(line[column : start + _WIDTH], "\t") + _CUT * (start + _WIDTH < len(line)), len(before)


def _short(text: str) -> str:
    """A sentence on one line; the middle of a long one, mostly a value of the site, is left out."""
    shown = visible(text)
    if len(shown) <= _SENTENCE:
        return shown
    return f"{shown[: _SENTENCE // 2]} {_CUT} {shown[-_SENTENCE // 2 :]}"


def visible(text: str, kept: str = "") -> str:
    """The text with control characters written as escapes: a terminal would obey them."""
    if text.isprintable():
        return text
    return "".join(one if one in kept or not _is_control(one) else _escaped(one) for one in text)


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in _CONTROLS


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape", errors="surrogatepass").decode()


def _painter(colour: bool) -> _Painter:
    return (lambda code, text: f"\033[{code}m{text}\033[0m") if colour else (lambda code, text: text)


def _summary(problems: Sequence[Problem]) -> str:
    counts = Counter(problem.severity for problem in problems)
    parts = [
        f"{counts[severity]} {severity}{'s' if counts[severity] != 1 else ''}"
        for severity in Severity
        if counts[severity]
    ]
    return f"{', '.join(parts)}\n" if parts else ""
