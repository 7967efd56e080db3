"""From a Document to a Site: pydantic's findings and the catalogue's become Problems at the lines that caused them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError, create_model

from courier_schema.report import Problem, SitePath
from courier_schema.site.base import Section
from courier_schema.site.root import Site
from courier_schema.suggest import suggest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from courier_schema.source.document import Document

_WRONG_KIND = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "none_required": "null",
    "float_type": "a number",
}
_BARE = {"a whole number", "a number", "true or false"}
"""Kinds of values that stand without quotes."""
_SHOWN = 40
_LARGE = 2.0**53
"""From here on a floating point number may not be the whole number that was meant."""
_NOTHING = object()


def parse_site(document: Document) -> tuple[Site | None, list[Problem]]:
    """The Site that a document says, or None with the Problems that prevent it."""
    try:
        return _validated(document.tree), []
    except ValidationError as error:
        return None, list(_problems(document, error.errors(include_url=False)))


def _validated(tree: object) -> Site:
    """The Site of a tree. ValidationError for one that is none.

    Validators are made of the sections that a site has, which are seldom many: those of all take longer to make than
    such a site takes to check.
    """
    if not isinstance(tree, dict):
        return Site.model_validate(tree)
    said = _said_part(frozenset(Site.model_fields.keys() & tree.keys())).model_validate(tree)
    return Site.model_construct(_fields_set=set(said.model_fields_set), **vars(said))


@lru_cache(maxsize=8)
def _said_part(names: frozenset[str]) -> type[Section]:
    """The model of a site with some of its fields, and those that every site needs."""
    fields = {
        name: (field.annotation, field)
        for name, field in Site.model_fields.items()
        if name in names or field.is_required()
    }
    return create_model(Site.__name__, __base__=Section, **cast("dict[str, Any]", fields))


def _problems(document: Document, errors: Iterable[ErrorDetails]) -> Iterator[Problem]:
    """One Problem per faulty value: of the branches of a union only the one that was meant speaks."""
    by_place: dict[SitePath, list[ErrorDetails]] = {}
    for error in errors:
        by_place.setdefault(_place(document.tree, error), []).append(error)
    blamed = {path for path, found in by_place.items() if any(error["type"] not in _WRONG_KIND for error in found)}
    for path, found in by_place.items():
        telling = [error for error in found if error["type"] not in _WRONG_KIND]
        if telling:
            yield _problem(document, path, telling[0])
        elif not any(other[: len(path)] == path and other != path for other in (*blamed, *by_place)):
            yield _wrong_kind(document, path, found)


def _place(tree: object, error: ErrorDetails) -> SitePath:
    """The path in the tree that an error's location means: names of union branches are left out."""
    path: list[str | int] = []
    here = tree
    for step in error["loc"]:
        below = _child(here, step)
        if below is not _NOTHING:
            here = below
            path.append(step)
    if error["type"] == "missing":
        path.append(error["loc"][-1])
    return tuple(path)


def _child(here: object, step: str | int) -> object:
    if isinstance(here, dict):
        return here.get(step, _NOTHING)
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return here[step]
    return _NOTHING


def _problem(document: Document, path: SitePath, error: ErrorDetails) -> Problem:
    name = ".".join(map(str, path))
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return _unknown_key(document, path, error)
        case "missing":
            return Problem(
                "missing-key",
                f"{name} is missing",
                f"add the key {path[-1]!r}",
                document.marks.mark(path[:-1]),
                path,
            )
        case "value_error":
            says, _, remedy = str(context["error"]).partition(": ")
            return Problem("contradiction", f"{name}: {says}", remedy, document.marks.mark(path), path)
        case kind if "remedy" in context:
            return Problem(kind, f"{name}: {error['msg']}", context["remedy"], document.marks.mark(path), path)
        case _:
            says, remedy = _impossible(error["type"], error["input"], context)
            return Problem("wrong-value", f"{name}: {says}", remedy, document.marks.mark(path), path)


def _impossible(kind: str, said: object, context: Mapping[str, object]) -> tuple[str, str]:
    """What is wrong with a value of the right kind, and what to write instead."""
    match kind:
        case "less_than_equal":
            return f"{_shown(said)} is out of range", f"write at most {context['le']}"
        case "greater_than_equal":
            return f"{_shown(said)} is out of range", f"write at least {context['ge']}"
        case "too_short":
            return "the list is empty", "write at least one entry"
        case "literal_error":
            return f"{_shown(said)} is not among the possible values", _choice(said, str(context["expected"]))
        case _:
            return f"{_shown(said)} is not possible here", "look up in the manual what the key takes"


def _choice(said: object, expected: str) -> str:
    """The remedy for a value that is none of those expected, which are given as pydantic words them."""
    if said == expected:
        return f"write {expected} without quotes"
    if not isinstance(said, str):
        return f"put it in quotes: '{said}'" if f"'{said}'" in expected else f"write {expected}"
    near = suggest(said, re.findall("'(.+?)'", expected))
    return f"did you mean {near!r}?" if near else f"write {expected}"


def _unknown_key(document: Document, path: SitePath, error: ErrorDetails) -> Problem:
    known = _known_keys(path[:-1])
    near = suggest(str(path[-1]), known)
    remedy = f"did you mean {near!r}?" if near else f"known here: {', '.join(sorted(known))}"
    where = ".".join(map(str, path[:-1])) or "the site"
    return Problem("unknown-key", f"{where} has no key {path[-1]!r}", remedy, document.marks.mark(path), path)


def _known_keys(path: SitePath) -> frozenset[str]:
    """Keys of the section at a path, found by walking the models."""
    from courier_schema.site.walk import section_at

    section = section_at(Site, path)
    return frozenset(section.model_fields) if section else frozenset()


def _wrong_kind(document: Document, path: SitePath, found: list[ErrorDetails]) -> Problem:
    kinds = list(dict.fromkeys(_WRONG_KIND[error["type"]] for error in found))
    said = found[0]["input"]
    expected = " or ".join(kinds)
    remedy = f"write {expected}"
    if "true or false" in kinds and isinstance(said, str) and said.lower() in {"yes", "no", "on", "off"}:
        remedy = f"write {'true' if said.lower() in {'yes', 'on'} else 'false'}"
    elif "text" in kinds and not _BARE & set(kinds) and isinstance(said, (int, float, bool)):
        remedy = _remedy_as_text(path, said)
    elif kinds == ["a whole number"] and isinstance(said, str) and said.isdecimal():
        remedy = "write it without quotes"
    elif "a whole number" in kinds and isinstance(said, float) and abs(said) < _LARGE and said.is_integer():
        remedy = f"write {int(said)}"
    name = ".".join(map(str, path)) or "the site"
    return Problem("wrong-kind", f"{name} is {_shown(said)}, not {expected}", remedy, document.marks.mark(path), path)


def _remedy_as_text(path: SitePath, said: float | bool) -> str:
    """What to do about a value that should have been text, which quotes alone do not always make right."""
    text: object = _shown(said)
    for step in reversed(path):
        text = {step: text} if isinstance(step, str) else [text]
    place = tuple(step if isinstance(step, str) else 0 for step in path)
    try:
        _validated(text)
    except ValidationError as error:
        for left in error.errors(include_url=False):
            context = left.get("ctx", {})
            if "remedy" in context and _place(text, left) == place:
                return str(context["remedy"])
    return "put it in quotes"


def _shown(said: object) -> str:
    match said:
        case dict():
            return "a map"
        case list():
            return "a list"
        case None:
            return "empty"
        case bool():
            return str(said).lower()
        case _:
            text = repr(said)
            return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
