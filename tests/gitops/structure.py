"""The rules of forges for the files of the kit, as their published schemas give them, and some of good sense.

Each function yields what is wrong, in words. Only what the kit uses is known, so that an odd key is found as a slip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

WORKFLOW: Final = frozenset({"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"})
JOB: Final = frozenset(
    {
        "name", "permissions", "needs", "if", "runs-on", "environment", "concurrency", "outputs", "env", "defaults",
        "steps", "timeout-minutes", "strategy", "continue-on-error", "container", "services",
    }
)  # fmt: skip
STEP: Final = frozenset(
    {"id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error"}
)
SCOPES: Final = frozenset({"actions", "checks", "contents", "issues", "pull-requests", "security-events", "statuses"})
CONTEXTS: Final = frozenset({"github", "env", "vars", "job", "steps", "runner", "secrets", "needs", "inputs"})
EVENTS: Final = frozenset({"pull_request", "push", "schedule", "workflow_dispatch"})

GITLAB_TOP: Final = frozenset({"stages", "variables", "workflow", "default", "include"})
GITLAB_JOB: Final = frozenset(
    {
        "after_script", "allow_failure", "artifacts", "before_script", "cache", "environment", "extends", "image",
        "needs", "resource_group", "rules", "script", "stage", "tags", "variables", "when",
    }
)  # fmt: skip
GITLAB_WHEN: Final = frozenset({"on_success", "on_failure", "always", "manual", "never", "delayed"})
GITLAB_REPORTS: Final = frozenset({"junit", "dotenv", "codequality", "sast"})

HOOK: Final = frozenset(
    {
        "id",
        "name",
        "description",
        "entry",
        "language",
        "files",
        "types",
        "pass_filenames",
        "always_run",
        "args",
        "stages",
    }
)

_ACTION: Final = re.compile(r"[\w.-]+/[\w./-]+@v\d+(\.\d+)*|[\w.-]+/[\w./-]+@[0-9a-f]{40}")
_NAME: Final = re.compile(r"[A-Za-z_][\w-]*")
_EXPRESSION: Final = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_DOTTED: Final = re.compile(r"\b(?P<context>[a-z]+)\.(?P<rest>[\w.-]+)")

Found = Iterator[str]


def workflow(file: Mapping[str, Any]) -> Found:
    """What is wrong with a workflow of GitHub, Gitea or Forgejo."""
    yield from _unknown("the workflow", file, WORKFLOW)
    yield from _unknown("on", file["on"], EVENTS)
    yield from _permissions("the workflow", file.get("permissions", {}))
    jobs = file["jobs"]
    for name, job in jobs.items():
        if not _NAME.fullmatch(name):
            yield f"{name} cannot name a job"
        yield from (f"job {name}: {one}" for one in _job(job, jobs))
    yield from _circles(jobs)


def _job(job: Mapping[str, Any], jobs: Mapping[str, Any]) -> Found:
    yield from _unknown("it", job, JOB)
    yield from _permissions("it", job.get("permissions", {}))
    yield from (f"{one} is required" for one in ("runs-on", "steps") if not job.get(one))
    needs = _needs(job)
    yield from (f"needs {one}, which is no job" for one in needs if one not in jobs)
    outputs = {one: jobs[one].get("outputs", {}) for one in needs if one in jobs}
    ids: list[str] = []
    for number, step in enumerate(job.get("steps", []), 1):
        yield from (f"step {number}: {one}" for one in _step(step, ids, outputs))
        ids += [step["id"]] if "id" in step else []
    if len(set(ids)) < len(ids):
        yield "two steps have one id"
    for text in job.get("outputs", {}).values():
        yield from _expressions(str(text), ids, outputs)
    yield from _expressions(job.get("if", ""), ids, outputs, is_condition=True)


def _step(step: Mapping[str, Any], ids: Iterable[str], outputs: Mapping[str, Any]) -> Found:
    yield from _unknown("it", step, STEP)
    if ("uses" in step) == ("run" in step):
        yield "it has to say either uses or run"
    if "uses" in step and not _ACTION.fullmatch(step["uses"]):
        yield f"{step['uses']} has no version"
    if "with" in step and "uses" not in step:
        yield "with belongs to uses"
    if "${{" in step.get("run", ""):
        yield "an expression in a script is where strangers put their commands: use env"
    for text in (*step.get("env", {}).values(), *step.get("with", {}).values()):
        yield from _expressions(str(text), ids, outputs)
    yield from _expressions(step.get("if", ""), ids, outputs, is_condition=True)


def _expressions(text: str, ids: Iterable[str], outputs: Mapping[str, Any], is_condition: bool = False) -> Found:
    if text.count("${{") != text.count("}}"):
        yield f"{text} does not close its braces"
    for match in _DOTTED.finditer(" ".join(_EXPRESSION.findall(text)) or (text if is_condition else "")):
        context, parts = match["context"], match["rest"].split(".")
        if context not in CONTEXTS:
            yield f"there is no context {context}"
        if context == "steps" and parts[0] not in ids:
            yield f"no step before has the id {parts[0]}"
        if context == "needs" and (parts[0] not in outputs or parts[2] not in outputs[parts[0]]):
            yield f"{match[0]} is no output of a job that is needed"


def _permissions(where: str, permissions: Mapping[str, str]) -> Found:
    yield from _unknown(f"permissions of {where}", permissions, SCOPES)
    yield from (f"{one} is no permission" for one in permissions.values() if one not in ("read", "write", "none"))


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _circles(jobs: Mapping[str, Any]) -> Found:
    done: set[str] = set()
    while ready := {name for name, job in jobs.items() if name not in done and done.issuperset(_needs(job))}:
        done |= ready
    if done != jobs.keys():
        yield f"{sorted(jobs.keys() - done)} wait for each other"


def pipeline(file: Mapping[str, Any]) -> Found:
    """What is wrong with a pipeline of GitLab."""
    jobs = {name: job for name, job in file.items() if name not in GITLAB_TOP}
    for name, own in jobs.items():
        base = own.get("extends")
        if base is not None and base not in jobs:
            yield f"{name} extends {base}, which is nowhere"
        job = {**jobs.get(base, {}), **own}
        yield from (f"{name}: {one}" for one in _gitlab_job(job, jobs, file, hidden=name.startswith(".")))


def _gitlab_job(job: Mapping[str, Any], jobs: Mapping[str, Any], file: Mapping[str, Any], hidden: bool) -> Found:
    yield from _unknown("it", job, GITLAB_JOB)
    if not hidden and not job.get("script"):
        yield "script is required"
    for key in ("before_script", "script", "after_script"):
        yield from (f"{line!r} in {key} is not a text" for line in job.get(key, []) if not isinstance(line, str))
    if not hidden and job.get("stage") not in file["stages"]:
        yield f"there is no stage {job.get('stage')}"
    yield from (f"needs {one}, which is no job" for one in job.get("needs", []) if one not in jobs)
    yield from _unknown("reports", job.get("artifacts", {}).get("reports", {}), GITLAB_REPORTS)
    whens = [
        job.get("when"),
        job.get("artifacts", {}).get("when"),
        *(rule.get("when") for rule in job.get("rules", [])),
    ]
    yield from (f"when: {one} is never" for one in whens if one not in (*GITLAB_WHEN, None))
    yield from (f"{rule} has no if" for rule in job.get("rules", []) if not rule.keys() <= {"if", "when"})


def hooks(file: Iterable[Mapping[str, Any]]) -> Found:
    """What is wrong with the list of hooks that pre-commit finds here."""
    for hook in file:
        yield from _unknown("a hook", hook, HOOK)
        yield from (f"{one} is required" for one in ("id", "name", "entry", "language") if not hook.get(one))
        re.compile(hook.get("files", ""))


def hook_use(file: Mapping[str, Any]) -> Found:
    """What is wrong with a configuration of pre-commit."""
    for repository in file["repos"]:
        yield from (f"{one} is required" for one in ("repo", "rev", "hooks") if not repository.get(one))
        yield from ("a hook without id" for hook in repository["hooks"] if not hook.get("id"))


def _unknown(where: str, found: Mapping[str, Any], known: Iterable[str]) -> Found:
    yield from (f"{where} knows no {key}" for key in found if key not in known)
