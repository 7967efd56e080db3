"""Plans for programs: one JSON object, nothing left out but secrets."""

from __future__ import annotations

import json

from courier_compiler.planning.difference import Difference
from courier_compiler.planning.effects import Effect
from courier_compiler.planning.plan import FileChange, Plan
from courier_compiler.planning.rendering import Printed
from courier_compiler.planning.timing import When
from courier_compiler.render import render as render_problems
from courier_schema.report import Problem, SitePath


def render(printed: Printed) -> str:
    record = {"plans": [_plan(plan) for plan in printed.plans], "problems": _problems(printed.problems)}
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _problems(problems: tuple[Problem, ...]) -> object:
    return json.loads(render_problems(problems, "json"))["problems"]


def _plan(plan: Plan) -> dict[str, object]:
    return {
        "site": plan.site,
        "host": plan.host,
        "against": plan.against,
        "checksum": plan.checksum,
        "counts": dict(plan.counts),
        "effects": [_effect(plan, effect) for effect in plan.effects],
        "changes": [_change(plan, change) for change in plan.changes],
        "daemons": [
            {"daemon": str(step.daemon), "action": str(step.action), "because": list(step.because)}
            for step in plan.steps
        ],
        "objections": _problems(plan.objections),
        "refusals": _problems(plan.refusals),
    }


def _effect(plan: Plan, effect: Effect) -> dict[str, object]:
    return {
        "subject": effect.subject,
        "says": effect.says,
        "severity": str(effect.severity),
        "takes_effect": _when(effect.live),
        "of_file": effect.file,
        **_place(plan, effect.path),
    }


def _change(plan: Plan, change: FileChange) -> dict[str, object]:
    return {
        "path": f"/{change.path}",
        "kind": change.kind,
        "note": change.note,
        "permissions": list(change.permissions),
        "secret": change.secret,
        "foreign": change.foreign,
        "source_of": change.source_of,
        "takes_effect": _when(change.live),
        "entries": change.noun,
        "differences": [_difference(plan, difference) for difference in change.differences],
        "by_hand": [_difference(plan, difference) for difference in change.by_hand],
    }


def _difference(plan: Plan, difference: Difference) -> dict[str, object]:
    return {
        "key": difference.key,
        "before": difference.before,
        "after": difference.after,
        "says": difference.says,
        "rule": difference.rule,
        **_place(plan, difference.path),
    }


def _when(when: When) -> dict[str, object]:
    return {"when": str(when.live), "daemons": [str(daemon) for daemon in when.daemons]}


def _place(plan: Plan, path: SitePath) -> dict[str, object]:
    mark = plan.mark(path)
    return {"site_path": list(path), "file": mark.file if mark else None, "line": mark.line if mark else None}
