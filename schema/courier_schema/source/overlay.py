"""Overlays: one site for several hosts, each saying under `hosts.NAME` what differs from the rest of the file.

Maps merge, scalars and lists replace, null removes a key. Subtrees that a host does not touch are shared, not copied.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from courier_schema.marks import MarkMap
from courier_schema.report import Problem
from courier_schema.source import includes
from courier_schema.source.document import Document
from courier_schema.suggest import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from courier_schema.report import SitePath

KEY = "hosts"
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
"""What a host may be called: its name becomes that of the directory with its files."""
_ROOT_ONLY = (KEY, includes.KEY)


def host_names(document: Document) -> tuple[str, ...]:
    """Names of the hosts that the site tells apart, in its order; none in a site for one host."""
    hosts = document.tree.get(KEY)
    return tuple(hosts) if isinstance(hosts, dict) else ()


def only_host(document: Document) -> Document:
    """The site as it is for the one host that it has. A `hosts` that names none is a Problem."""
    if KEY not in document.tree:
        return document
    base = {key: value for key, value in document.tree.items() if key != KEY}
    problem = _not_a_map(document, (KEY,)) if document.tree[KEY] else _nameless(document)
    return replace(document, tree=base, problems=(*document.problems, problem))


def select_host(document: Document, name: str) -> Document:
    """The site as it is for one host, without `hosts`. A name the site does not know is a Problem."""
    base = {key: value for key, value in document.tree.items() if key != KEY}
    overlay, problem = _overlay(document, name)
    if problem:
        return replace(document, tree=base, problems=(*document.problems, problem))
    misplaced = tuple(_misplaced(document, name, overlay))
    marks = MarkMap.stacked(document.marks.under((KEY, name)), document.marks)
    tree = _merged(base, {key: value for key, value in overlay.items() if key not in _ROOT_ONLY})
    return replace(document, tree=tree, marks=marks, problems=document.problems + misplaced)


def _overlay(document: Document, name: str) -> tuple[dict[str, object], Problem | None]:
    """What the host says; nothing, and the Problem, where it says nothing that could be used."""
    hosts = document.tree.get(KEY)
    if hosts is not None and not isinstance(hosts, dict):
        return {}, _not_a_map(document, (KEY,))
    if not hosts or name not in hosts:
        return {}, _unknown(document, name)
    if re.fullmatch(NAME, name) is None:
        return {}, _misnamed(document, name)
    overlay = hosts[name]
    if overlay is not None and not isinstance(overlay, dict):
        return {}, _not_a_map(document, (KEY, name))
    return overlay or {}, None


def _misnamed(document: Document, name: str) -> Problem:
    path = (KEY, name)
    remedy = "write letters, digits, dots, dashes and underscores, beginning with a letter or a digit"
    return Problem("identifier", f"{KEY}: {name!r} is not an identifier", remedy, document.marks.mark(path), path)


def _nameless(document: Document) -> Problem:
    remedy = "remove it from a site for one host, or name the hosts: `hosts: {mx1: {...}, mx2: {...}}`"
    return Problem("no-host", "hosts names no host", remedy, document.marks.mark((KEY,)), (KEY,))


def _not_a_map(document: Document, path: SitePath) -> Problem:
    says = f"{'.'.join(map(str, path))} is not a map"
    remedy = "write `hosts: {NAME: {...}}`, with the same sections below NAME as in the rest of the site"
    return Problem("hosts-not-a-map", says, remedy, document.marks.value_mark(path), path)


def _unknown(document: Document, name: str) -> Problem:
    names = host_names(document)
    meant = suggest(name, names)
    if not names:
        remedy = "leave the host out, or add `hosts:` to the site"
    elif meant:
        remedy = f"did you mean {meant}? name one of {', '.join(names)}"
    else:
        remedy = f"name one of {', '.join(names)}"
    mark = document.marks.mark((KEY,)) if names else None
    return Problem("unknown-host", f"the site knows no host {name}", remedy, mark, (KEY,))


def _misplaced(document: Document, name: str, overlay: dict[str, object]) -> Iterator[Problem]:
    for key in _ROOT_ONLY:
        if key in overlay:
            path = (KEY, name, key)
            remedy = "move it to the first column of a file"
            says = f"{key} has no meaning within a host"
            yield Problem("misplaced-key", says, remedy, document.marks.mark(path), path)


def _merged(base: dict[str, object], overlay: dict[str, object]) -> dict[str, object]:
    result = dict(base)
    for key, value in overlay.items():
        known = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _merged(known if isinstance(known, dict) else {}, value)
        else:
            result[key] = value
    return result
