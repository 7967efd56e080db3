"""Problems for programs: one JSON object with a list of problems and their counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from courier_schema.report import Problem


def render(problems: Sequence[Problem], colour: bool) -> str:
    del colour
    counts = Counter(str(problem.severity) for problem in problems)
    return json.dumps({"problems": [_record(problem) for problem in problems], "counts": counts}, indent=2) + "\n"


def _record(problem: Problem) -> dict[str, object]:
    mark = problem.mark
    return {
        "id": problem.id,
        "severity": str(problem.severity),
        "says": problem.says,
        "remedy": problem.remedy,
        "file": mark.file if mark else None,
        "line": mark.line if mark else None,
        "column": mark.column if mark else None,
        "path": list(problem.path),
    }
