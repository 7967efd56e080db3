"""Problems as workflow commands, which GitHub and compatible forges show at the lines of a merge request."""

from __future__ import annotations

from collections.abc import Sequence

from courier_compiler.render.text_ import visible
from courier_schema.report import Problem, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(problems: Sequence[Problem], colour: bool) -> str:
    del colour
    return "".join(f"{_command(problem)}\n" for problem in problems)


def _command(problem: Problem) -> str:
    mark = problem.mark
    place = {"file": mark.file, "line": str(mark.line), "col": str(mark.column)} if mark else {}
    properties = ",".join(f"{key}={_property(value)}" for key, value in {**place, "title": problem.id}.items())
    return f"::{_COMMANDS[problem.severity]} {properties}::{_data(f'{problem.says}; {problem.remedy}')}"


def _data(text: str) -> str:
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
