"""Problems as SARIF 2.1.0, the exchange format of static analysis results (OASIS)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from courier_compiler.problem_pages import page
from courier_schema import __version__
from courier_schema.report import Mark, Problem, Severity

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render(problems: Sequence[Problem], colour: bool) -> str:
    del colour
    ids = sorted({problem.id for problem in problems})
    driver = {"name": "courier-compile", "version": __version__, "rules": [_rule(id_) for id_ in ids]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [*map(_result, problems)]}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(id_: str) -> dict[str, object]:
    about = page(id_)
    if about is None:
        return {"id": id_}
    more = f"courier-compile explain {id_}"
    return {
        "id": id_,
        "shortDescription": {"text": about.title},
        "fullDescription": {"text": about.why},
        "help": {
            "text": f"{about.why}\n\nThe same on the command line: {more}",
            "markdown": f"{about.why}\n\nThe same on the command line: `{more}`",
        },
    }


def _result(problem: Problem) -> dict[str, object]:
    return {
        "ruleId": problem.id,
        "level": _LEVELS[problem.severity],
        "message": {"text": f"{problem.says}; {problem.remedy}"},
        "locations": [_location(problem.mark)] if problem.mark else [],
    }


def _location(mark: Mark) -> dict[str, object]:
    region = {"startLine": mark.line, "startColumn": mark.column}
    return {"physicalLocation": {"artifactLocation": {"uri": quote(mark.file)}, "region": region}}
