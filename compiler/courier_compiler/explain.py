"""Explain: the reason of one setting, line or record of a compiled host, and what the manual says about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from courier_compiler.artefact import Artefact
from courier_compiler.origin import Kind, Origin
from courier_compiler.resolved import ResolvedSite, Settings
from courier_schema.docs import attribute_docs
from courier_schema.legacy.formats.dump import escape
from courier_schema.legacy.table import Row, rows_by_name
from courier_schema.legacy.tables import FILES
from courier_schema.report import CourierSiteError
from courier_schema.suggest import suggest

_MASK = "********"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something is as it is: the thing with its value, then one reason a line."""

    subject: str
    reasons: tuple[str, ...]


def explain_setting(resolved: ResolvedSite, file: str, name: str) -> Explanation:
    """The value of a setting and who decided it. CourierSiteError for a name that the file does not have."""
    settings = resolved.settings.get(file)
    if settings is None:
        known = file in FILES
        raise CourierSiteError(f"this host has no {file}" if known else f"Courier has no settings file {file}")
    row = rows_by_name(type(settings.table)).get(name)
    if row is None:
        near = suggest(name, rows_by_name(type(settings.table)))
        raise CourierSiteError(f"{file} has no setting {name}" + (f"; did you mean {near}?" if near else ""))
    value = getattr(settings.table, row.attribute)
    return Explanation(f"{file} {name} {_shown(row, value)}", tuple(_setting_reasons(resolved, settings, row)))


def _setting_reasons(resolved: ResolvedSite, settings: Settings, row: Row) -> Iterator[str]:
    yield describe(resolved, settings.origin(row.attribute))
    if row.attribute in settings.overruled:
        value, origin = settings.overruled[row.attribute]
        yield f"without that it would be {_shown(row, value)}: {describe(resolved, origin)}"
    yield f"Courier's default {_shown(row, row.default)}"
    if row.absent:
        yield f"when unset: {row.absent}"
    yield " ".join(attribute_docs(type(settings.table)).get(row.attribute, "").split())


def _shown(row: Row, value: object) -> str:
    if value is None:
        return "is not set"
    return f"= {_MASK if row.secret else row.codec.encode(value)}"


def explain_entry(resolved: ResolvedSite, artefact: Artefact, key: str) -> Explanation:
    """The reason of one line or record. CourierSiteError when the file has none with that key."""
    origin = artefact.origins.get(key)
    if origin is None:
        near = suggest(key, artefact.origins)
        raise CourierSiteError(f"{artefact.path} has no entry {key}" + (f"; did you mean {near}?" if near else ""))
    subject = f"{artefact.path} {escape(key.encode())}" if key else artefact.path
    return Explanation(subject, (describe(resolved, origin),))


def describe(resolved: ResolvedSite, origin: Origin) -> str:
    """One origin in words, with the place in the site."""
    mark = resolved.mark(origin.path) if origin.path else None
    place = f"{'.'.join(map(str, origin.path))} ({mark})" if origin.path else ""
    rule = f": {origin.rule}" if origin.rule else ""
    match origin.kind:
        case Kind.SAID:
            return f"said in {place}{rule}"
        case Kind.DERIVED:
            return f"follows from {place}{rule}" if place else f"a rule of the compiler{rule}"
        case Kind.STOCK:
            return f"shipped with {resolved.profile.name}"
        case Kind.UPSTREAM:
            return "Courier's default"
