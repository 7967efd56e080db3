"""Migrating: a site rewritten in the present version of its language, file by file, all or nothing that counts.

A site is rewritten only into one that is understood. Each file is replaced in one step, and the one with the version
last: whenever that is interrupted, the site still means what it meant, and the next run finishes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from courier_compiler.applying.durable import Disk
from courier_schema.report import CourierSiteError, Mark, Problem, Report
from courier_schema.site.migrations import CURRENT, KEY, ahead, by_file, version_of
from courier_schema.site.validate import parse_site
from courier_schema.source.document import Document
from courier_schema.source.edits import Edit, Scalars, first_key
from courier_schema.source.loader import STDIN, load, load_texts, read_texts
from courier_schema.source.overlay import host_names, only_host, select_host


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What a migration would do: the edits, and the texts of the files before and after them."""

    version: int
    edits: tuple[Edit, ...]
    before: Mapping[str, str]
    after: Mapping[str, str]
    """Only files that change, the one with the version last."""
    problems: tuple[Problem, ...] = ()
    """Mistakes that no migration can correct; with them nothing is written."""


def rewriting(path: Path) -> Rewriting:
    """The migration of the site at a path. CourierSiteError where its version is not known or it is no file."""
    document = load(path)
    fatal = Report().extend(document.problems)
    if fatal.is_fatal:
        return Rewriting(0, (), {}, {}, document.problems)
    if document.files[0] == STDIN:
        raise CourierSiteError("standard input cannot be rewritten: name the file")
    version = version_of(document)
    if version is None or version > CURRENT:
        raise CourierSiteError(f"{path} has version {document.tree.get(KEY)!r}, and this program knows 1 to {CURRENT}")
    before = read_texts(document)
    if version == CURRENT:
        return Rewriting(version, (), before, {})
    return _rewritten(document, version, before)


def _rewritten(document: Document, version: int, before: Mapping[str, str]) -> Rewriting:
    main, texts, made = document.files[0], dict(before), list[Edit]()
    for migration in ahead(version):
        scalars = {file: Scalars.of(text) for file, text in texts.items()}
        spelling = partial(_spelling, scalars)
        found = by_file(edit for host in _hosts(document) for edit in migration.edits(host, spelling))
        texts |= {file: scalars[file].edited(edits) for file, edits in found.items()}
        made += [edit for edits in found.values() for edit in edits]
        document = load_texts(main, texts)
    problems = tuple(_mistakes(document))
    if problems:
        return Rewriting(version, tuple(made), before, {}, problems)
    key = _versioned(document, texts, main)
    last = key.mark.file
    texts[last] = Scalars.of(texts[last]).edited([key])
    changed = {file: text for file, text in texts.items() if text != before[file]}
    ordered = {**{file: text for file, text in changed.items() if file != last}, last: texts[last]}
    return Rewriting(version, (key, *made), before, ordered)


def _spelling(scalars: Mapping[str, Scalars], mark: Mark) -> str | None:
    """The text of the scalar at a place of the site."""
    return scalars[mark.file].at(mark)


def _versioned(document: Document, texts: Mapping[str, str], main: str) -> Edit:
    """The edit that states the present version: in place of an older one, or as the first key."""
    mark = document.marks.value_mark((KEY,)) if KEY in document.tree else None
    if mark is None:
        return first_key(texts[main], main, f"{KEY}: {CURRENT}")
    return Edit(mark, Scalars.of(texts[mark.file]).at(mark) or "", str(CURRENT))


def _hosts(document: Document) -> Iterator[Document]:
    names = host_names(document)
    if not names:
        yield only_host(document)
    yield from (select_host(document, name) for name in names)


def _mistakes(document: Document) -> Iterator[Problem]:
    """Everything but its version that keeps the hosts of a site from being understood."""
    for host in _hosts(document):
        yield from (problem for problem in (*host.problems, *parse_site(host)[1]) if problem.path != (KEY,))


def write(rewriting: Rewriting) -> None:
    """Replace the files that change. CourierSiteError when one was changed meanwhile, or cannot be written."""
    staged: list[tuple[Path, Path]] = []
    try:
        for name, text in rewriting.after.items():
            target = Path(name).resolve()  # a link stays one, and leads to the new text
            staged.append((_stage(target, text.encode()), target))
        _refuse_changed(rewriting)
        while staged:
            stage, target = staged[0]
            stage.replace(target)
            Disk().synchronise(target.parent)
            staged.pop(0)
    except OSError as error:
        raise CourierSiteError(f"cannot write {error.filename}: {error.strerror}") from error
    finally:
        for stage, _ in staged:
            with suppress(OSError):
                stage.unlink(missing_ok=True)


def _stage(target: Path, content: bytes) -> Path:
    """The new content beside its place, on disk, with the mode and owner of the old."""
    status = target.stat()
    stage = target.with_name(f".{target.name}.migrating-{os.getpid()}")
    descriptor = os.open(stage, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, status.st_uid, status.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
        file.flush()
        os.fsync(descriptor)
    return stage


def _refuse_changed(rewriting: Rewriting) -> None:
    for name, text in rewriting.before.items():
        if Path(name).read_bytes() != text.encode():
            raise CourierSiteError(f"{name} was changed meanwhile: run it again")
