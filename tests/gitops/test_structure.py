"""The files of the kit follow the rules of the forges, and the rules notice slips."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from gitops import structure
from gitops.workflow import load

ROOT: Final = Path(__file__).parents[2]
KIT: Final = ROOT / "site-examples/gitops"
WORKFLOWS: Final = (".github/workflows/mail.yml", ".forgejo/workflows/mail.yml")


@pytest.mark.parametrize("path", WORKFLOWS)
def test_workflows_follow_the_rules(path: str) -> None:
    assert list(structure.workflow(load(KIT / path))) == []


def test_the_pipeline_follows_the_rules() -> None:
    assert list(structure.pipeline(load(KIT / ".gitlab-ci.yml"))) == []


def test_the_hook_and_its_use_follow_the_rules() -> None:
    assert list(structure.hooks(YAML(typ="safe").load(ROOT / ".pre-commit-hooks.yaml"))) == []
    assert list(structure.hook_use(load(KIT / ".pre-commit-config.yaml"))) == []


@pytest.mark.parametrize("path", WORKFLOWS)
def test_every_script_that_a_job_calls_is_there_and_may_run(path: str) -> None:
    texts = (KIT / path).read_text(), (KIT / ".gitlab-ci.yml").read_text()
    called = {word for text in texts for word in re.split(r"[\s()]+", text) if word.startswith("ci/")}
    assert called >= {"ci/apply", "ci/comment", "ci/host-plan", "ci/plan"}
    assert [one for one in called if not (KIT / one).stat().st_mode & 0o100] == []


@pytest.mark.parametrize("path", WORKFLOWS)
def test_jobs_of_merge_requests_never_run_on_the_mail_host(path: str) -> None:
    for name, job in load(KIT / path)["jobs"].items():
        at_home = "mail" in str(job["runs-on"])
        assert at_home == (name in ("host-plan", "apply"))
        if at_home:
            assert "'push'" in job.get("if", "") or job["needs"] == "host-plan"


def test_the_token_of_a_job_may_do_no_more_than_it_must() -> None:
    file = load(KIT / WORKFLOWS[0])
    assert file["permissions"] == {"contents": "read"}
    assert {name: job["permissions"] for name, job in file["jobs"].items() if "permissions" in job} == {
        "check": {"contents": "read", "security-events": "write"},
        "plan": {"contents": "read", "pull-requests": "write"},
    }


def _set(*path: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    def change(file: dict[str, Any]) -> None:
        place: Any = file
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set("job", to={}), "the workflow knows no job"),
        (_set("on", "pull-request", to=None), "on knows no pull-request"),
        (_set("permissions", "content", to="read"), "permissions of the workflow knows no content"),
        (_set("permissions", "contents", to="all"), "all is no permission"),
        (_set("jobs", "plan", "run-on", to="x"), "job plan: it knows no run-on"),
        (_set("jobs", "plan", "runs-on", to=None), "job plan: runs-on is required"),
        (_set("jobs", "plan", "needs", to="chekc"), "job plan: needs chekc, which is no job"),
        (_set("jobs", "check", "needs", to="apply"), "wait for each other"),
        (_set("jobs", "plan", "steps", 0, "run", to="true"), "it has to say either uses or run"),
        (_set("jobs", "plan", "steps", 0, "uses", to="actions/checkout"), "actions/checkout has no version"),
        (_set("jobs", "plan", "steps", 2, "run", to="echo ${{ github.head_ref }}"), "where strangers put"),
        (_set("jobs", "plan", "steps", 2, "env", to={"A": "${{ steps.none.outputs.a }}"}), "has the id none"),
        (_set("jobs", "plan", "steps", 2, "env", to={"A": "${{ gitub.token }}"}), "no context gitub"),
        (_set("jobs", "plan", "steps", 2, "env", to={"A": "${{ github.token"}), "does not close its braces"),
        (_set("jobs", "apply", "if", to="needs.host-plan.outputs.sum != ''"), "is no output of a job"),
    ],
)
def test_a_slip_in_a_workflow_is_found(change: Callable[[dict[str, Any]], None], said: str) -> None:
    file = deepcopy(load(KIT / WORKFLOWS[0]))
    change(file)
    assert said in "\n".join(structure.workflow(file))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set("check", "stage", to="chekc"), "check: there is no stage chekc"),
        (_set("check", "scripts", to=[]), "check: it knows no scripts"),
        (_set("check", "script", to=[]), "check: script is required"),
        (_set("check", "script", to=[{"a": "b"}]), "in script is not a text"),
        (_set("check", "extends", to=".none"), "check extends .none, which is nowhere"),
        (_set("apply", "needs", to=["plans"]), "apply: needs plans, which is no job"),
        (_set("apply", "rules", 0, "when", to="by hand"), "when: by hand is never"),
        (_set("check", "artifacts", "reports", "xunit", to="x"), "reports knows no xunit"),
    ],
)
def test_a_slip_in_a_pipeline_is_found(change: Callable[[dict[str, Any]], None], said: str) -> None:
    file = deepcopy(load(KIT / ".gitlab-ci.yml"))
    change(file)
    assert said in "\n".join(structure.pipeline(file))
