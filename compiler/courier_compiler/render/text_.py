"""Problems for people: place, cause, the line with a caret under the spot, and the remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from courier_compiler.render import Excerpts
from courier_schema.report import Problem, Severity

_Painter = Callable[[str, str], str]
_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}


def render(problems: Sequence[Problem], colour: bool) -> str:
    excerpts = Excerpts()
    return "".join(_problem(problem, excerpts, colour) for problem in problems) + _summary(problems)


def _problem(problem: Problem, excerpts: Excerpts, colour: bool) -> str:
    paint = _painter(colour)
    place = f"{paint('1', str(problem.mark))}: " if problem.mark else ""
    severity = paint(f"1;{_COLOURS[problem.severity]}", str(problem.severity))
    lines = [f"{place}{severity}: {problem.says} {paint('2', f'[{problem.id}]')}"]
    lines += _excerpt(problem, excerpts, colour)
    lines.append(f"{paint('32', '   =')} {problem.remedy}")
    return "\n".join(lines) + "\n\n"


def _excerpt(problem: Problem, excerpts: Excerpts, colour: bool) -> Iterator[str]:
    line = excerpts.line(problem.mark) if problem.mark else None
    if line is None or problem.mark is None:
        return
    paint = _painter(colour)
    number = f"{problem.mark.line:>5} | "
    before = "".join("\t" if letter == "\t" else " " for letter in line[: problem.mark.column - 1])
    yield f"{paint('2', number)}{line}"
    yield f"{paint('2', ' ' * 5 + ' | ')}{before}{paint(f'1;{_COLOURS[problem.severity]}', '^')}"


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
