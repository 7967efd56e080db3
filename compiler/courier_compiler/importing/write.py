"""Write: a finished draft as files: the site, its secrets that only their owner reads, and what it carries."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from courier_compiler.importing.draft import COMMENTS, Draft
from courier_schema.report import CourierSiteError
from courier_schema.site.migrations import CURRENT, KEY
from courier_schema.source.rewrite import dump

HASHES: Final = "accounts.yaml"
"""The file with the password hashes of accounts, in the directory of secrets."""
PRIVATE: Final = "private.yaml"
"""The file with texts of the site that not everybody could read before, likewise."""


def outputs(draft: Draft, site: str) -> Iterator[tuple[str, bytes, int]]:
    """Every file to write: its name relative to the site, its content and its permissions."""
    public, concealed = draft.divided()
    included = {
        f"{draft.secrets_directory}/{name}": tree
        for name, tree in ((HASHES, draft.hidden), (PRIVATE, concealed))
        if tree
    }
    for name, tree in included.items():
        yield name, dump(tree).encode(), 0o600
    if draft.kept:
        yield f"{draft.secrets_directory}/{COMMENTS}", _kept(draft).encode(), 0o600
    for name, content in draft.secrets.items():
        yield name, content, 0o600
    for name, file in draft.carried.items():
        yield name, file.content, 0o600 if name.startswith(f"{draft.secrets_directory}/") else 0o644
    include = {"include": list(included)} if included else {}
    text = dump({KEY: CURRENT, **include, **public}, draft.comments_on(public))
    yield site, text.encode(), 0o600 if draft.restricted else 0o644


def _kept(draft: Draft) -> str:
    return "\n".join("".join(f"{line}\n" for line in (file, *lines)) for file, lines in draft.kept.items())


def write(draft: Draft, site: Path) -> None:
    """Write the site and what belongs to it. CourierSiteError when something is there already, or cannot be written."""
    files = list(outputs(draft, site.name))
    for name, _, _ in files:
        if (site.parent / name).exists():
            raise CourierSiteError(f"{site.parent / name} exists: remove it, or name another output file")
    try:
        site.parent.mkdir(parents=True, exist_ok=True)
        for name, content, mode in files:
            _place(site.parent / name, content, mode)
    except OSError as error:
        raise CourierSiteError(f"cannot write {error.filename}: {error.strerror}") from error


def _place(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755 if mode & 0o044 else 0o700)
    # opened with its final permissions: a secret is never readable by others, not even for a moment
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
