"""Plans for tests: from one site's text to another's, through a tree in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from compiler.built_sites import resolved_site
from courier_compiler.applying.installed import Change, FileState, Kind, MemoryTree, compare
from courier_compiler.artefact import Artefact
from courier_compiler.build import build, manifest
from courier_compiler.planning.plan import FileChange, Options, Plan, make_plan
from courier_compiler.planning.rendering import FORMATS, Printed, render
from courier_compiler.resolved import ResolvedSite
from courier_schema.source.secrets import FileSecret, FixedSecrets

HEAD: Final = "site: example.org\nhost: {name: mx.example.org, postmaster: anna@example.net}\n"
OWNED: Final = "account_defaults: {uid: 5000, gid: 5000}\n"
CUSTOMARY: Final = Options()

Secrets = Mapping[str, str]


def built(text: str, secrets: Secrets | None = None) -> tuple[ResolvedSite, tuple[Artefact, ...]]:
    """A site in force and its files. `secrets` gives the content of the files that it names as secrets."""
    resolved = resolved_site(HEAD + text)
    known = FixedSecrets({FileSecret(path): value for path, value in (secrets or {}).items()})
    made = build(resolved, known, "site.yaml")
    assert [one for one in made.problems if one.severity == "error"] == []
    return resolved, made.artefacts


def state(artefact: Artefact) -> FileState:
    """A file as an apply leaves it."""
    kind = Kind.LINK if artefact.link else Kind.FILE
    return FileState(artefact.content, artefact.mode, artefact.owner, artefact.group, kind)


def installed(text: str, secrets: Secrets | None = None) -> MemoryTree:
    """The tree of a host to which a site was applied."""
    resolved, artefacts = built(text, secrets)
    return MemoryTree({one.path: state(one) for one in artefacts}, manifest(resolved, artefacts))


def edited(tree: MemoryTree, name: str, old: bytes, new: bytes) -> MemoryTree:
    """The tree after somebody has replaced a text in a file of the configuration directory."""
    path = f"etc/courier/{name}"
    found = tree.files[path]
    assert old in found.content
    return replace(tree, files={**tree.files, path: replace(found, content=found.content.replace(old, new))})


def without(tree: MemoryTree, name: str) -> MemoryTree:
    """The tree after somebody has removed a file of the configuration directory."""
    return replace(tree, files={path: one for path, one in tree.files.items() if path != f"etc/courier/{name}"})


def plan_between(
    before: str | MemoryTree, after: str, options: Options = CUSTOMARY, secrets: Secrets | None = None
) -> Plan:
    """The plan from one site, or the tree of a host, to another site."""
    tree = installed(before, secrets) if isinstance(before, str) else before
    resolved, artefacts = built(after, secrets)
    return make_plan(resolved, artefacts, tree, "/", options)


def applied(tree: MemoryTree, after: str) -> MemoryTree:
    """The tree after every change was carried out."""
    resolved, artefacts = built(after)
    files = dict(tree.files)
    changes: tuple[Change, ...] = compare(artefacts, tree)
    for change in changes:
        if change.wanted is None:
            del files[change.path]
        else:
            files[change.path] = state(change.wanted)
    return MemoryTree(files, manifest(resolved, artefacts))


def effects(plan: Plan, *subjects: str) -> list[str]:
    """The sentences of some subjects, or of all; those that warn begin with an exclamation mark."""
    return [
        f"{'! ' if effect.severity == 'warning' else ''}{effect.says}"
        for effect in plan.effects
        if not subjects or effect.subject in subjects
    ]


def file(plan: Plan, name: str) -> FileChange:
    """The change of one file of the configuration directory."""
    (found,) = (change for change in plan.changes if change.name == name)
    return found


def says(plan: Plan, name: str) -> list[str]:
    """What is said of the entries of one file."""
    return [difference.says for difference in file(plan, name).differences]


def rendered(plan: Plan) -> dict[str, str]:
    """A plan in every form, nothing left out."""
    return {form: render(Printed((plan,), shown=None), form) for form in FORMATS}
