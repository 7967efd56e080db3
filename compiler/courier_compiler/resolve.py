"""Resolve: from a Site to a ResolvedSite, merging what was said over what follows over what the target ships.

An author's word under Courier's own name wins over every intent, an intent over the target's stock value, and
that over Courier's default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from courier_compiler.derive import Derivation, Intent, derivations
from courier_compiler.origin import Kind, Origin
from courier_compiler.profile import Profile, check_change, customised, in_force, load_profile, profile_names
from courier_compiler.resolved import Concealed, ResolvedSite, Settings, Variable
from courier_compiler.said import Said, read_said, spell, spell_variable, why_unread
from courier_schema.legacy.table import Row, Table, rows_by_attribute, rows_by_name
from courier_schema.legacy.tables import table
from courier_schema.report import Problem, Severity, SitePath
from courier_schema.site.root import Site
from courier_schema.source.document import Document
from courier_schema.source.secrets import MASK
from courier_schema.suggest import suggest

_LAYOUT_NAMES = {"mail_user": "mailuser", "mail_group": "mailgroup", "version": "courier"}
"""Fields of the site's `profile` that a Profile calls otherwise."""


def resolve(site: Site, document: Document, host: str | None = None) -> tuple[ResolvedSite | None, list[Problem]]:
    """The site in force, or None where its profile is not understood."""
    profile, problems = _profile(site, document)
    if profile is None:
        return None, problems
    resolved = ResolvedSite(site, document, profile, host)
    said = read_said(resolved)
    settings: dict[str, Settings] = {}
    found: dict[tuple[str, SitePath], Problem] = {}
    for file, derivation in derivations().items():
        if file in said.tables or file in said.variables or derivation.needed(resolved):
            merge = _merged(derivation, resolved, said)
            settings[file] = merge.result()
            found |= {(problem.id, problem.path): problem for problem in reversed(merge.problems)}
    return replace(resolved, settings=settings), [*problems, *said.problems, *found.values()]


def _profile(site: Site, document: Document) -> tuple[Profile | None, list[Problem]]:
    target = site.profile
    if target.base not in profile_names():
        near = suggest(target.base, profile_names())
        remedy = f"did you mean {near}?" if near else f"write one of {', '.join(profile_names())}"
        says = f"profile {target.base!r} is not known"
        path = ("profile", "base") if isinstance(document.tree.get("profile"), dict) else ("profile",)
        return None, [Problem("unknown-profile", says, remedy, document.marks.mark(path), path)]
    changes: dict[str, str] = {}
    for name, value in target.model_dump(exclude_unset=True, exclude_none=True, exclude={"base"}).items():
        key = _LAYOUT_NAMES.get(name, name)
        changes[key] = str(value)
        try:
            check_change(key, changes[key])
        except ValueError as error:
            says, _, remedy = str(error).partition(": ")
            path = ("profile", name)
            return None, [Problem("wrong-profile", says, remedy, document.marks.mark(path), path)]
    return customised(load_profile(target.base), changes), []


def _merged(derivation: Derivation, resolved: ResolvedSite, said: Said) -> _Merge:
    """One file: what the target ships, then each intent, then the author's word."""
    file, rows = derivation.file, table(derivation.file)
    merge = _Merge(rows, resolved, _shipped(rows, resolved.profile))
    merge.origins |= {
        row.attribute: Origin(Kind.STOCK)
        for name, row in rows_by_name(rows).items()
        if name in resolved.profile.stock.get(file, {})
    }
    for intent in derivation.derive(resolved):
        merge.add(intent)
    if file in said.tables:
        merge.overrule(said.tables[file])
    merge.variables |= said.variables.get(file, {})
    return merge


def _shipped(rows: type[Table], profile: Profile) -> Table:
    """What a fresh installation has; control files and the file bofh are written only where something is said.

    A file that is read after another says just what it assigns: what it leaves out is as there.
    """
    if rows.format in {"one-value", "bofh"}:
        return rows()
    shipped = in_force(rows.file, profile)
    if rows.overlays is None:
        return shipped
    inherited = rows_by_attribute(rows.overlays)
    return rows(
        **{
            row.attribute: value
            for row, value in shipped.items()
            if value is not None or row.attribute not in inherited
        }
    )


@dataclass(slots=True)
class _Merge:
    """A settings file while it is being filled. Later words win over earlier ones."""

    rows: type[Table]
    resolved: ResolvedSite
    shipped: Table
    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    overruled: dict[str, tuple[object, Origin]] = field(default_factory=dict)
    concealed: dict[str, Concealed] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _by_listeners: dict[str, tuple[SitePath, object]] = field(default_factory=dict)
    """Attribute to the field of a listener that said it first, with its value."""

    def result(self) -> Settings:
        table_in_force = self.rows(**self.values).over(self.shipped)
        return Settings(table_in_force, self.origins, self.overruled, self.concealed, self.variables)

    def add(self, intent: Intent) -> None:
        """Take over what an intent says, with the mistakes that show in it."""
        origin = Origin(Kind.DERIVED, intent.path, intent.rule)
        says = type(intent.says)
        for attribute, value in intent.says.said().items():
            row = rows_by_attribute(says)[attribute]
            self._examine(intent, row, value)
            if says is self.rows:
                self._set(attribute, value, origin)
            elif value is not None:
                self.variables[row.name] = Variable(row.codec.encode(value), origin)
        for attribute, concealed in intent.concealed.items():
            self._set(attribute, MASK, origin)
            self.concealed[attribute] = concealed
        for name, text in intent.variables.items():
            self._try(intent, name, partial(spell_variable, self.rows, name, text))
            self.variables[name] = Variable(text, origin)
        if intent.shortfall:
            says_so = f"{self.resolved.profile.title} cannot {intent.shortfall}"
            self._note("not-in-target", says_so, "live with that, or choose another target", intent.path)

    def overrule(self, said: Table) -> None:
        """Put the author's word over everything."""
        for attribute, value in said.said().items():
            if attribute in self.values and self.values[attribute] != value:
                self.overruled[attribute] = (self.values[attribute], self.origins[attribute])
            name = rows_by_attribute(self.rows)[attribute].name
            self._set(attribute, value, Origin(Kind.SAID, ("settings", self.rows.file, name)))

    def _set(self, attribute: str, value: object, origin: Origin) -> None:
        self.values[attribute] = value
        self.origins[attribute] = origin
        self.concealed.pop(attribute, None)

    def _examine(self, intent: Intent, row: Row, value: object) -> None:
        self._compare(intent, row, value)
        if value is None:
            return
        rows = type(intent.says)
        reason = why_unread(rows, row, self.resolved.profile) if rows.format == "one-value" else ""
        if (
            reason
        ):  # other files are shell text, whose assignments reach the programs before the release's file has them
            self._note("not-in-target", f"{dotted(intent.path)} has no effect: {reason}", "leave it out", intent.path)
        self._try(intent, row.name, partial(spell, rows, row, value))

    def _compare(self, intent: Intent, row: Row, value: object) -> None:
        """Two listeners that share a file cannot differ in what it says once."""
        if intent.path[:1] != ("listeners",) or len(intent.path) < 3:
            return
        other = self._by_listeners.setdefault(row.attribute, (intent.path, value))
        if other[0][1] != intent.path[1] and other[1] != value:
            says = f"{dotted(other[0])} and {dotted(intent.path)} differ, but both are {row.name} of {self.rows.file}"
            remedy = "say the same in both, or say it in one of them only"
            self._note("listeners-disagree", says, remedy, intent.path, Severity.ERROR)

    def _try(self, intent: Intent, name: str, spelling: Callable[[], object]) -> None:
        try:
            spelling()
        except ValueError as error:
            says = f"{dotted(intent.path)} cannot become {name} of {self.rows.file}"
            self._note("unusable-value", says, str(error), intent.path, Severity.ERROR)

    def _note(self, kind: str, says: str, remedy: str, path: SitePath, severity: Severity = Severity.WARNING) -> None:
        self.problems.append(Problem(kind, says, remedy, self.resolved.mark(path), path, severity))


def dotted(path: SitePath) -> str:
    """A path of the site as people write it."""
    return ".".join(map(str, path))
