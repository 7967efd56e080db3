"""Continuous integration in miniature: runs the shell steps of a forge's jobs on this machine, as the forge would.

Only what the kit uses is understood; anything else is an error, so that nothing passes unseen.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

_EXPRESSION: Final = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
_COMPARED: Final = re.compile(r"(?P<left>[\w.-]+) (?P<sign>==|!=) '(?P<right>[^']*)'")
_RULE: Final = re.compile(r"\$(?P<left>\w+) == (?:\"(?P<text>[^\"]*)\"|\$(?P<right>\w+))")

Job = Mapping[str, Any]


def load(path: Path) -> dict[str, Any]:
    """A YAML file as forges read it: `on` is a word."""
    read = YAML(typ="safe").load(path)
    assert isinstance(read, dict)
    return read


@dataclass
class Result:
    """What became of one job."""

    status: int = 0
    printed: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Runner:
    """A machine of a forge: where the repository is checked out, and what the environment says."""

    checkout: Path
    scratch: Path
    environment: Mapping[str, str]

    def run(self, shell: list[str], script: str, environment: Mapping[str, str]) -> tuple[int, str]:
        """One script; its status and what it printed."""
        (self.scratch / "step").write_text(script)
        done = subprocess.run(
            [*shell, str(self.scratch / "step")],
            cwd=self.checkout,
            env={**os.environ, **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout


# -- GitHub, Gitea, Forgejo -----------------------------------------------------------------------------------


def run_workflow(workflow: Mapping[str, Any], contexts: Mapping[str, Any], runner: Runner) -> dict[str, Result]:
    """All jobs that the event starts, each after those that it needs."""
    results: dict[str, Result] = {}
    waiting = dict(workflow["jobs"])
    while waiting:
        name = next(name for name, job in waiting.items() if _needs(job).isdisjoint(waiting))
        job = waiting.pop(name)
        known = {**contexts, "needs": {one: {"outputs": results[one].outputs} for one in _needs(job) if one in results}}
        if not _needs(job) <= results.keys() or any(results[one].status for one in _needs(job)):
            continue
        if evaluate(job.get("if", ""), known):
            results[name] = _run_job(workflow, job, known, runner)
    return results


def _run_job(workflow: Mapping[str, Any], job: Job, contexts: Mapping[str, Any], runner: Runner) -> Result:
    result = Result()
    steps: dict[str, Any] = {}
    known = {**contexts, "steps": steps}
    for step in job["steps"]:
        is_wanted = step.get("if") == "always()" or (result.status == 0 and evaluate(step.get("if", ""), known))
        if "run" not in step or not is_wanted:
            continue
        outputs, summary = runner.scratch / "outputs", runner.scratch / "summary"
        outputs.write_text("")
        summary.write_text("")
        given = {**workflow.get("env", {}), **job.get("env", {}), **step.get("env", {})}
        environment = {name: substitute(str(value), known) for name, value in given.items()}
        environment |= {"GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(summary)}
        status, printed = runner.run(["bash", "-e"], step["run"], environment)
        result.status = result.status or status
        result.printed += f"$ {step['run']}\n{printed}"
        result.summary += summary.read_text()
        if "id" in step:
            pairs = (line.partition("=") for line in outputs.read_text().splitlines())
            steps[step["id"]] = {"outputs": {name: value for name, _, value in pairs}}
    result.outputs = {name: substitute(value, known) for name, value in job.get("outputs", {}).items()}
    return result


def _needs(job: Job) -> set[str]:
    needs = job.get("needs", [])
    return {needs} if isinstance(needs, str) else set(needs)


def substitute(text: str, contexts: Mapping[str, Any]) -> str:
    """A text with the values of its expressions."""
    return _EXPRESSION.sub(lambda match: value(match[1], contexts), text)


def value(name: str, contexts: Mapping[str, Any]) -> str:
    """What a context knows by a dotted name, empty where it knows nothing."""
    assert re.fullmatch(r"[\w.-]+", name), f"more than a name: {name}"
    found: Any = contexts
    for part in name.split("."):
        found = found.get(part, {})
    return "" if found == {} else str(found)


def evaluate(condition: str, contexts: Mapping[str, Any]) -> bool:
    """Whether an `if` holds: nothing, or one comparison."""
    if not condition:
        return True
    match = _COMPARED.fullmatch(condition)
    assert match, f"not understood: if: {condition}"
    return (value(match["left"], contexts) == match["right"]) == (match["sign"] == "==")


# -- GitLab ---------------------------------------------------------------------------------------------------


def gitlab_jobs(pipeline: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The jobs of a pipeline, each with what it extends."""
    jobs = {name: job for name, job in pipeline.items() if name not in ("stages", "variables", "workflow", "default")}
    whole = {name: {**jobs.get(job.get("extends", ""), {}), **job} for name, job in jobs.items()}
    return {name: job for name, job in whole.items() if not name.startswith(".")}


def run_pipeline(pipeline: Mapping[str, Any], variables: Mapping[str, str], runner: Runner) -> dict[str, Result]:
    """All jobs that the variables start, stage after stage; buttons are pressed."""
    known = {**{name: str(value) for name, value in pipeline.get("variables", {}).items()}, **variables}
    results: dict[str, Result] = {}
    if not _any_rule(pipeline["workflow"]["rules"], known):
        return results
    for stage in pipeline["stages"]:
        for name, job in gitlab_jobs(pipeline).items():
            if job["stage"] == stage and _any_rule(job.get("rules"), known):
                results[name] = _run_script(job, known, runner)
                known |= results[name].outputs
        if any(result.status for result in results.values()):
            break
    return results


def _run_script(job: Job, variables: Mapping[str, str], runner: Runner) -> Result:
    lines = [*job.get("before_script", []), *job["script"]]
    status, printed = runner.run(["bash", "-e"], "\n".join(lines), variables)
    report = job.get("artifacts", {}).get("reports", {}).get("dotenv")
    path = runner.checkout / report if report else None
    texts = path.read_text().splitlines() if path is not None and path.exists() else []
    return Result(status, printed, outputs={name: value for name, _, value in (text.partition("=") for text in texts)})


def _any_rule(rules: list[Mapping[str, str]] | None, variables: Mapping[str, str]) -> bool:
    return rules is None or any(_rule(rule["if"], variables) for rule in rules)


def _rule(condition: str, variables: Mapping[str, str]) -> bool:
    match = _RULE.fullmatch(condition)
    assert match, f"not understood: if: {condition}"
    right = match["text"] if match["right"] is None else variables.get(match["right"], "")
    return variables.get(match["left"], "") == right
