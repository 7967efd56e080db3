"""Secrets of settings files: what a report on them must not show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from courier_schema.legacy.formats.preformatted import text
from courier_schema.report import Problem

_SECRET: Final = re.compile(r"^([ \t#]*\w*(?:PASSW|BINDPW|SECRET|_CONNECTION)\w*[ \t=]+).+", re.MULTILINE)


def hidden(value: str) -> str:
    """Lines of settings with asterisks for passwords, and for connections, which may hold one."""
    return _SECRET.sub(r"\1***", value)


def without_excerpt(problem: Problem, lines: Sequence[bytes]) -> Problem:
    """The problem; where its line holds a secret, with its place in words, so that nobody shows the line."""
    if problem.mark is None or not _SECRET.match(text(lines[problem.mark.line - 1])):
        return problem
    return replace(problem, mark=None, says=f"{problem.says} (line {problem.mark.line} of {problem.mark.file})")
