"""A careful upgrade of one settings file on the disk: the file is the old one or the new one, never a part of one."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from courier_compiler.upgrade import files
from courier_compiler.upgrade.careful import Outcome, merge
from courier_compiler.upgrade.files import TEMPLATE_SUFFIX, Access, File
from courier_schema.legacy.formats.source import Source
from courier_schema.report import CourierSiteError, Problem, Severity


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A settings file, what became of its settings, and whether it differs from what it was."""

    file: str
    outcome: Outcome
    is_changed: bool


def upgrade(path: str, *, force: bool = False, dry_run: bool = False, base: Source | None = None) -> Upgraded:
    """Make a file anew from the template beside it. CourierSiteError when the world forbids it; then nothing changes.

    A link stays one: what it leads to is made anew. Owner and permission bits stay, too; the template's are for new
    files only.
    """
    template = _read(f"{path}{TEMPLATE_SUFFIX}")
    old = _read(path) if Path(path).exists() else None
    outcome = merge(
        Source(f"{path}{TEMPLATE_SUFFIX}", template.content),
        Source(path, old.content) if old else None,
        force=force,
        base=base,
    )
    if outcome.content is None:
        return Upgraded(path, outcome, is_changed=False)
    is_changed = old is None or outcome.content != old.content
    if is_changed and not dry_run:
        _replace(path, outcome.content, (old or template).access)
        outcome = replace(outcome, problems=tuple(_in_backup(path, problem) for problem in outcome.problems))
    notes = _of_access(path, old.access, template.access) if old else ()
    return Upgraded(path, replace(outcome, problems=(*outcome.problems, *notes)), is_changed)


def _in_backup(path: str, problem: Problem) -> Problem:
    """The problem with the place where its text is now."""
    mark = problem.mark
    if mark is None or mark.file != path:
        return problem
    return replace(problem, mark=replace(mark, file=_backup(path)))


def base(path: str) -> Source:
    """The template that an old file was made from. CourierSiteError when it cannot be read."""
    return Source(path, _read(path).content)


def _read(path: str) -> File:
    try:
        return files.read(path)
    except OSError as error:
        raise CourierSiteError(f"cannot read {path}: {error.strerror}") from error


def _replace(path: str, content: bytes, access: Access) -> None:
    path, new = _target(path), f"{_target(path)}.new"
    try:
        files.write(new, content, access)
        try:
            files.back_up(path, _backup(path))
            files.put(new, path)
        finally:
            files.remove(new)
    except OSError as error:
        raise CourierSiteError(f"cannot write {path}: {error.strerror}") from error


def _target(path: str) -> str:
    """What a settings file that is a link leads to; any other file itself."""
    return os.path.realpath(path) if Path(path).is_symlink() else path


def _backup(path: str) -> str:
    return f"{_target(path)}.bak"


def _of_access(path: str, old: Access, template: Access) -> list[Problem]:
    if old == template:
        return []
    says = f"{path} stays with {_shown(old)}, although its template has {_shown(template)}"
    return [Problem("upgrade-access", says, "change it by hand if the template is right", severity=Severity.NOTE)]


def _shown(access: Access) -> str:
    return f"owner {access.owner}:{access.group} and mode {access.mode:04o}"
