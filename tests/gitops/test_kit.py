"""The kit for keeping a mail host in a repository: every shell step of its jobs runs here, on a repository with a
change, against a forge and a mail host that are made for the test."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from gitops.forge import TOKEN, Forge, forge, mail_server
from gitops.workflow import Result, Runner, load, run_pipeline, run_workflow

ROOT: Final = Path(__file__).parents[2]
KIT: Final = ROOT / "site-examples/gitops"
ACTIONS: Final = (".github/workflows/mail.yml", ".forgejo/workflows/mail.yml")
FORGES: Final = (*ACTIONS, ".gitlab-ci.yml")
MARK: Final = "<!-- plan of courier-compile -->"


@dataclass
class Project:
    """A repository made of the kit, a host to apply to, and the forge."""

    repository: Path
    root: Path
    forge: Forge
    runner: Runner

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=Anna", "-c", "user.email=anna@example.org")
        done = subprocess.run(
            ["git", *identity, *words], cwd=self.repository, check=True, capture_output=True, text=True, timeout=30
        )
        return done.stdout.strip()

    def commit(self, old: str = "", new: str = "") -> str:
        """Commit the site with a text replaced; the commit."""
        site = self.repository / "site.yaml"
        assert old in site.read_text()
        site.write_text(site.read_text().replace(old, new))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")

    def merge_request(self, path: str, base: str) -> dict[str, Result]:
        """What the forge does when a change from `base` to here is proposed."""
        if path not in ACTIONS:
            variables = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
            return run_pipeline(load(self.repository / path), {**self._gitlab(), **variables}, self.runner)
        event = {"event_name": "pull_request", "event": {"number": 7, "pull_request": {"base": {"sha": base}}}}
        return run_workflow(load(self.repository / path), self._contexts(event), self._actions_runner())

    def merged(self, path: str) -> dict[str, Result]:
        """What the forge does when the main branch is pushed."""
        if path not in ACTIONS:
            variables = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}
            return run_pipeline(load(self.repository / path), {**self._gitlab(), **variables}, self.runner)
        contexts = self._contexts({"event_name": "push"})
        return run_workflow(load(self.repository / path), contexts, self._actions_runner())

    def _contexts(self, event: dict[str, Any]) -> dict[str, Any]:
        return {"github": {"token": TOKEN, **event}, "vars": {"MAIL_OPTIONS": "--no-owners"}}

    def _actions_runner(self) -> Runner:
        extra = {"GITHUB_API_URL": self.forge.address, "GITHUB_REPOSITORY": "office/mail"}
        return Runner(self.runner.checkout, self.runner.scratch, {**self.runner.environment, **extra})

    def _gitlab(self) -> dict[str, str]:
        return {
            "CI_API_V4_URL": self.forge.address,
            "CI_DEFAULT_BRANCH": "main",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_PROJECT_ID": "42",
            "MAIL_OPTIONS": "--no-owners",
            "TOKEN": TOKEN,
        }

    @property
    def aliases(self) -> str:
        path = self.root / "etc/courier/aliases/site"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    repository, root, scratch = tmp_path / "repository", tmp_path / "root", tmp_path / "scratch"
    shutil.copytree(KIT, repository)
    root.mkdir()
    scratch.mkdir()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MAIL_ROOT": str(root),
        "MAIL_RELOAD": "",
        "PIP_NO_INDEX": "1",  # everything is installed: a step that asks for more fails here
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "TMPDIR": str(scratch),
    }
    with forge() as kept, mail_server() as smtp:
        runner = Runner(repository, scratch, {**environment, "MAIL_SMTP": smtp})
        project = Project(repository, root, kept, runner)
        project.git("init", "--quiet", "--initial-branch=main")
        project.commit()
        yield project


def statuses(results: dict[str, Result]) -> dict[str, int]:
    return {name: result.status for name, result in results.items()}


def printed(results: dict[str, Result]) -> str:
    return "\n".join(result.printed for result in results.values())


@pytest.mark.parametrize("path", FORGES)
def test_a_merge_request_is_checked_and_its_plan_becomes_a_comment(path: str, project: Project) -> None:
    base = project.git("rev-parse", "HEAD")
    project.commit("aliases:\n", "aliases:\n  orders: anna\n")
    results = project.merge_request(path, base)
    assert statuses(results) == {"check": 0, "plan": 0}, printed(results)
    (comment,) = project.forge.comments.values()
    assert comment.startswith(f"{MARK}\n### mx.example.org")
    assert "orders@example.org" in comment
    assert "site.yaml" in comment
    assert project.aliases == ""
    assert project.git("worktree", "list").count("\n") == 0


@pytest.mark.parametrize("path", FORGES)
def test_the_comment_of_a_new_push_takes_the_place_of_the_old(path: str, project: Project) -> None:
    base = project.git("rev-parse", "HEAD")
    project.forge.comments[1] = "what a reviewer says"
    project.commit("aliases:\n", "aliases:\n  orders: anna\n")
    project.merge_request(path, base)
    project.commit("orders:", "shop:")
    project.merge_request(path, base)
    assert project.forge.comments[1] == "what a reviewer says"
    assert sorted(project.forge.comments) == [1, 2]
    assert "shop@example.org" in project.forge.comments[2]
    assert "orders@example.org" not in project.forge.comments[2]


@pytest.mark.parametrize("path", FORGES)
def test_a_broken_site_stops_at_the_check(path: str, project: Project) -> None:
    base = project.git("rev-parse", "HEAD")
    project.commit("aliases:", "aliazes:")
    results = project.merge_request(path, base)
    assert statuses(results) == {"check": 1}
    assert "aliazes" in printed(results)
    assert project.forge.comments == {}


@pytest.mark.parametrize("path", FORGES)
def test_what_the_site_expects_of_itself_is_tried(path: str, project: Project) -> None:
    base = project.git("rev-parse", "HEAD")
    project.commit("sales: [anna, boss@example.net]\n\n", "sales: [anna]\n\n")
    results = project.merge_request(path, base)
    assert statuses(results) == {"check": 1}
    assert "boss@example.net" in printed(results)


@pytest.mark.parametrize("path", FORGES)
def test_what_a_guard_refuses_is_red_and_says_so_in_the_comment(path: str, project: Project) -> None:
    base = project.git("rev-parse", "HEAD")
    project.commit("aliases:\n", "access: {10.0.0.0/8: relay}\naliases:\n")
    results = project.merge_request(path, base)
    assert statuses(results) == {"check": 0, "plan": 1}
    assert "guard-relay" in project.forge.comments[1]


@pytest.mark.parametrize("path", FORGES)
def test_a_merged_change_is_applied_and_confirmed(path: str, project: Project) -> None:
    results = project.merged(path)
    assert set(statuses(results).values()) == {0}, printed(results)
    assert "sales" in project.aliases
    assert "is confirmed" in results["apply"].printed
    project.commit("aliases:\n", "aliases:\n  orders: anna\n")
    again = project.merged(path)
    assert set(statuses(again).values()) == {0}, printed(again)
    assert "orders" in project.aliases


@pytest.mark.parametrize("path", FORGES)
def test_nothing_is_applied_where_nothing_changes(path: str, project: Project) -> None:
    project.merged(path)
    before = (project.root / "etc/courier/.courier-site/manifest.json").stat().st_mtime_ns
    results = project.merged(path)
    assert set(statuses(results).values()) == {0}, printed(results)
    assert (project.root / "etc/courier/.courier-site/manifest.json").stat().st_mtime_ns == before


@pytest.mark.parametrize("path", FORGES)
def test_what_breaks_mail_is_taken_back_at_once(path: str, project: Project) -> None:
    project.merged(path)
    project.commit("aliases:\n", "aliases:\n  orders: anna\n")
    with mail_server("451 out of order") as smtp:
        project.runner.environment = {**project.runner.environment, "MAIL_SMTP": smtp}
        results = project.merged(path)
    assert results["apply"].status == 1, printed(results)
    assert "has been taken back" in results["apply"].printed
    assert "sales" in project.aliases
    assert "orders" not in project.aliases


def test_changes_that_nobody_planned_are_not_applied(project: Project) -> None:
    status, said = project.runner.run(
        ["bash", "-e"], 'ci/apply "$SUM"', {"SUM": "0" * 16, "MAIL_OPTIONS": "--no-owners"}
    )
    assert status == 1
    assert "[plan-changed]" in said
    assert project.aliases == ""


def test_the_summary_of_the_host_shows_the_plan_that_is_approved(project: Project) -> None:
    results = project.merged(ACTIONS[0])
    assert results["host-plan"].summary.startswith("### mx.example.org")
    assert re.fullmatch(r"[0-9a-f]{16}", results["host-plan"].outputs["checksum"])


def test_code_scanning_is_given_what_the_check_prints(project: Project) -> None:
    project.commit("aliases:", "aliazes:")
    project.merge_request(ACTIONS[0], project.git("rev-parse", "HEAD"))
    job = load(project.repository / ACTIONS[0])["jobs"]["check"]
    (upload,) = (step for step in job["steps"] if "upload-sarif" in step.get("uses", ""))
    assert upload["if"] == "always()"
    uploaded = (project.repository / upload["with"]["sarif_file"]).read_text()
    _, said = project.runner.run(["bash"], "courier-compile check . --format sarif", {})
    assert uploaded == said
    result = json.loads(uploaded)["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "site.yaml"


def test_problems_are_annotations_at_the_lines_of_a_pull_request(project: Project) -> None:
    project.commit("aliases:", "aliazes:")
    results = project.merge_request(ACTIONS[0], project.git("rev-parse", "HEAD"))
    assert "\n::error file=site.yaml,line=" in results["check"].printed


def test_a_long_plan_is_cut_to_what_forges_take(project: Project) -> None:
    (project.repository / "plan.md").write_text("x" * 200_000)
    where = {"GITHUB_API_URL": project.forge.address, "GITHUB_REPOSITORY": "a/b", "NUMBER": "7", "TOKEN": TOKEN}
    status, said = project.runner.run(["bash", "-e"], "ci/comment plan.md", where)
    assert status == 0, said
    assert 60_000 < len(project.forge.comments[1]) < 65_536
    assert project.forge.asked == [
        "GET /api/repos/a/b/issues/7/comments?per_page=100&order_by=updated_at",
        "POST /api/repos/a/b/issues/7/comments",
    ]


def test_a_commit_of_a_broken_site_is_refused_by_the_hook(project: Project) -> None:
    (hook,) = _list(ROOT / ".pre-commit-hooks.yaml")
    (repository,) = load(KIT / ".pre-commit-config.yaml")["repos"]
    (used,) = repository["hooks"]
    assert used["id"] == hook["id"]
    assert not hook["pass_filenames"]
    command = " ".join((hook["entry"], *used["args"]))
    assert project.runner.run(["bash", "-e"], command, {})[0] == 0
    project.commit("anna:", "[anna:")
    assert project.runner.run(["bash", "-e"], command, {})[0] == 1


def _list(path: Path) -> list[dict[str, Any]]:
    from ruamel.yaml import YAML

    read = YAML(typ="safe").load(path)
    assert isinstance(read, list)
    return read
