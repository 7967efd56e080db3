"""Reports for people and for machines: the same Problems as text, JSON, GitHub annotations or SARIF."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from courier_schema.report import Mark, Problem

_PASSWORD: Final = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s'\",}]+)")
"""The password in a connection string of PostgreSQL."""
FORMATS = ("text", "json", "github", "sarif")


@dataclass(slots=True)
class Excerpts:
    """Lines of the texts that problems point at, read when first needed. Texts that are gone have no lines."""

    _texts: dict[str, list[str]] = field(default_factory=dict)

    def line(self, mark: Mark) -> str | None:
        if mark.file not in self._texts:
            self._texts[mark.file] = _read(mark.file)
        lines = self._texts[mark.file]
        return _PASSWORD.sub(_starred, lines[mark.line - 1]) if 0 < mark.line <= len(lines) else None


def _starred(password: re.Match[str]) -> str:
    return password[1] + "*" * len(password[2])


def _read(file: str) -> list[str]:
    try:
        return Path(file).read_bytes().decode(errors="replace").splitlines()
    except OSError:
        return []


Renderer = Callable[[Sequence[Problem], bool], str]


def render(
    problems: Sequence[Problem], form: str, colour: bool = False, facts: Mapping[str, object] | None = None
) -> str:
    """All problems in one of FORMATS, ready to print, with a final line break unless empty. In JSON, `facts` stand
    beside them."""
    if form == "json" and facts:
        return json.dumps({**facts, **json.loads(render(problems, form))}, indent=2) + "\n"
    module = importlib.import_module(f"{__name__}.{form}_")
    renderer: Renderer = module.render
    return renderer(problems, colour)
