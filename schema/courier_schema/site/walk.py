"""Walks over the models of the site language: which section stands at a path, and all sections there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, get_args, get_origin

from courier_schema.report import SitePath
from courier_schema.site.base import Section


def section_at(root: type[Section], path: SitePath) -> type[Section] | None:
    """The section whose keys may stand at `path`, or None where a plain value or nothing stands."""
    here: object = root
    for step in path:
        here = _step(here, step)
        if here is None:
            return None
    return _section_in(here)


def sections(root: type[Section]) -> Iterator[type[Section]]:
    """Every section reachable from a root, each once, the root first."""
    seen: dict[type[Section], None] = {}
    waiting = [root]
    while waiting:
        section = waiting.pop()
        if section in seen:
            continue
        seen[section] = None
        waiting.extend(
            part
            for field in section.model_fields.values()
            for part in parts(field.annotation)
            if isinstance(part, type) and issubclass(part, Section)
        )
    return iter(seen)


def parts(annotation: object) -> Iterator[object]:
    """A type and everything inside it: members of unions, items of lists and maps."""
    yield annotation
    for part in get_args(annotation):
        yield from parts(part)


def _step(here: object, step: str | int) -> object:
    section = _section_in(here)
    if section is not None:
        field = section.model_fields.get(str(step))
        return field.annotation if field else None
    for part in parts(here):
        if get_origin(part) in (dict, list):
            return get_args(part)[-1]
    return None


def _section_in(annotation: object) -> type[Section] | None:
    """The section that a map would be validated by: not one inside a further dict or list."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    if get_origin(annotation) in (dict, list):
        return None
    inner = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    return next((found for part in inner if (found := _section_in(part))), None)
