"""Explain: the reason of one setting, line or record of a compiled host, and what the manual says about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from shlex import quote

from courier_compiler.artefact import Artefact
from courier_compiler.context import Context
from courier_compiler.origin import Kind, Origin
from courier_compiler.resolved import ResolvedSite, Settings, Variable
from courier_schema.docs import attribute_docs
from courier_schema.legacy.formats.access import remote_keys
from courier_schema.legacy.formats.aliases.lookup import as_submitted, lookup_alias
from courier_schema.legacy.formats.domains import itself_and_ends, normal_form
from courier_schema.legacy.formats.dump import escape
from courier_schema.legacy.formats.routes import lookup_route, parse_routes
from courier_schema.legacy.table import Row, rows, rows_by_name
from courier_schema.legacy.tables import FILES
from courier_schema.legacy.tables.history import former
from courier_schema.report import CourierSiteError
from courier_schema.source.secrets import MaskedSecrets
from courier_schema.suggest import suggest

_MASK = "********"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something is as it is: the thing with its value, then one reason a line."""

    subject: str
    reasons: tuple[str, ...]


def explain_setting(resolved: ResolvedSite, file: str, name: str) -> Explanation:
    """The value of a setting and who decided it. CourierSiteError for a name that the file does not have."""
    settings = _settings(resolved, file)
    known = rows_by_name(type(settings.table))
    if name in known:
        row = known[name]
        value = getattr(settings.table, row.attribute)
        return Explanation(f"{file} {name} {_shown(row, value)}", tuple(_setting_reasons(resolved, settings, row)))
    if name in settings.variables:
        return _explain_variable(resolved, file, name, settings.variables[name])
    gone = former(file, name)
    if gone is not None:
        instead = f"; use {gone.successor} instead" if gone.successor else ""
        raise CourierSiteError(f"{file} has no setting {name}: no program reads it since {gone.removed}{instead}")
    raise CourierSiteError(f"{file} has no setting {name}" + did_you_mean(name, (*known, *settings.variables)))


def explain_lines(resolved: ResolvedSite, file: str, lines: Mapping[str, Origin], query: str) -> list[Explanation]:
    """The lines of a file that is read word by word, by their first words or by all words but the first."""
    wanted = query.split()
    found = {}
    for line, origin in lines.items():
        words = line.split()
        if words[: len(wanted)] == wanted or wanted[: len(words)] == words or words[1:] == wanted:
            found[line] = origin
    return [Explanation(f"{file} {line}", (describe(resolved, origin),)) for line, origin in found.items()]


def explain_settings(resolved: ResolvedSite, file: str, lines: Mapping[str, Origin]) -> Iterator[Explanation]:
    """Further lines of a settings file, and every assignment that is not Courier's own default, with who decided it."""
    settings = _settings(resolved, file)
    yield from explain_lines(resolved, file, lines, "")
    if not settings.origins and not settings.variables and not lines:
        yield Explanation(f"{file}: all as Courier's own defaults have it", ())
    for row in rows(type(settings.table)):
        origin = settings.origin(row.attribute)
        if origin.kind is not Kind.UPSTREAM:
            shown = _shown(row, getattr(settings.table, row.attribute))
            yield Explanation(f"{file} {row.name} {shown}", (describe(resolved, origin),))
    for name, variable in settings.variables.items():
        yield _explain_variable(resolved, file, name, variable)


def _explain_variable(resolved: ResolvedSite, file: str, name: str, variable: Variable) -> Explanation:
    return Explanation(f"{file} {name} = {variable.value}", (describe(resolved, variable.origin),))


def _settings(resolved: ResolvedSite, file: str) -> Settings:
    settings = resolved.settings.get(file)
    if settings is None:
        known = file in FILES
        raise CourierSiteError(f"this host has no {file}" if known else f"Courier has no settings file {file}")
    return settings


def _setting_reasons(resolved: ResolvedSite, settings: Settings, row: Row) -> Iterator[str]:
    origin = settings.origin(row.attribute)
    if origin.kind is not Kind.UPSTREAM:
        yield describe(resolved, origin)
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
    covering = _covering(resolved, artefact, key) if origin is None else ()
    if covering:
        told = explain_entry(resolved, artefact, covering[0])
        return Explanation(told.subject, (f"that is what {key} is found by", *told.reasons))
    if origin is None:
        raise CourierSiteError(f"{artefact.path} has no entry {key}" + did_you_mean(key, artefact.origins))
    subject = f"{artefact.path} {escape(key.encode())}" if key else artefact.path
    return Explanation(subject, (describe(resolved, origin),))


def explain_file(resolved: ResolvedSite, artefact: Artefact) -> Explanation:
    """The reason of a whole file, or how many entries with reasons of their own it has."""
    if "" in artefact.origins:
        return explain_entry(resolved, artefact, "")
    count = len(artefact.origins)
    name = artefact.path.removeprefix(f"{resolved.profile.layout.sysconfdir}/".lstrip("/"))
    hint = (f"name one of them: courier-compile explain {name} {quote(next(iter(artefact.origins)))}",) if count else ()
    return Explanation(f"{artefact.path}: {count} {'entry' if count == 1 else 'entries'}", hint)


def _covering(resolved: ResolvedSite, artefact: Artefact, query: str) -> tuple[str, ...]:
    """The first entry, if any, by which a program would find a query that has no entry of its own."""
    match PurePosixPath(artefact.path).name.partition("-")[0].removesuffix(".dat"):
        case "smtpaccess" | "imapaccess" | "pop3access":
            keys = _access_keys(query)
        case "aliases":
            locality = Context(resolved, MaskedSecrets(), "").locality
            submitted = as_submitted(query, locality)
            keys = [step.key for step in lookup_alias(submitted, lambda key: None, locality).steps]
        case "locals" | "esmtpacceptmailfor" | "hosteddomains":
            ends = itself_and_ends(normal_form(query))
            keys = [key for end in ends for key in (end, f"!{end}")]
        case "esmtproutes":
            lines = list(artefact.origins)
            route = lookup_route(query, parse_routes("\n".join(lines).encode()))
            keys = [lines[route.line - 1]] if route else []
        case _:
            keys = []
    return tuple(key for key in keys if key in artefact.origins)


def _access_keys(query: str) -> list[str]:
    try:
        return [key.decode() for key in remote_keys(query)]
    except ValueError:  # no address
        return []


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about a word that nothing is called; empty where it resembles none of those known."""
    near = suggest(word, known)
    return f"; did you mean {near}?" if near else ""


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
