"""Said: what a site says under Courier's own names, `settings` as tables and `environment` as variables.

Every name is looked up in the catalogue; whatever the catalogue or the target does not bear is a Problem at its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from courier_compiler.origin import Kind, Origin
from courier_compiler.profile import Profile, expand, version
from courier_compiler.resolved import ResolvedSite, Variable
from courier_schema.legacy.formats import rc, shell
from courier_schema.legacy.table import Row, Table, rows_by_name
from courier_schema.legacy.tables import FILES, table
from courier_schema.legacy.tables.environment import ENVIRONMENT, SET_BY_PROGRAMS, honoured
from courier_schema.legacy.tables.history import Former, former
from courier_schema.report import Problem, Severity, SitePath
from courier_schema.suggest import suggest

_WITHOUT_VARIABLES: Final = ("module", "one-value", "bofh")
SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "bofh": {
        "badfrom": "policy.deny_senders",
        "badmx": "policy.deny_mx",
        "freemail": "policy.freemail",
        "maxrcpts": "policy.max_recipients",
        "spamtrap": "policy.spam_traps",
    },
    "control": {
        "aliases": "aliases",
        "esmtpacceptmailfor": "domains",
        "esmtpauthclient": "credentials",
        "esmtppercentrelay": "percent_relay",
        "esmtproutes": "routes",
        "faxrc": "fax",
        "hosteddomains": "domains",
        "imapaccess": "mailbox_access",
        "ldapaddressbook": "webmail",
        "locals": "domains",
        "logindomainlist": "webmail",
        "maildirshared": "delivery.shared_folders",
        "maildroprc": "delivery.maildrop_rules",
        "quotawarnmsg": "delivery.quota_warning",
        "smtpaccess": "access",
        "socksrc": "socks",
        "uucpneighbors": "uucp",
        "userdb": "accounts",
    },
}
"""What a file has under a name that is no setting: the part of the site that says it."""
_PLAIN_PASSWORD: Final = "choose one on one line, without blanks at its ends and a backslash at its end"
"""What is said instead of a codec's own words, which would repeat the password."""


@dataclass(slots=True)
class Said:
    """The author's own settings: a partial table a file, further variables a file, and what is wrong with them."""

    tables: dict[str, Table] = field(default_factory=dict)
    variables: dict[str, dict[str, Variable]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_said(resolved: ResolvedSite) -> Said:
    """Both sections of a site. What is wrong is left out of the tables.

    Settings among the variables, and unknown files there, are left out without a word: a check speaks of them.
    """
    reader = _Reader(resolved, Said())
    for file, values in resolved.site.settings.items():
        if reader.knows_file(file):
            reader.settings(file, values)
    for file, variables in resolved.site.environment.items():
        if file in FILES:
            reader.environment(file, variables)
    return reader.said


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads file by file into `said`."""

    resolved: ResolvedSite
    said: Said

    def problem(self, kind: str, says: str, remedy: str, path: SitePath, severity: Severity = Severity.ERROR) -> None:
        self.said.problems.append(Problem(kind, says, remedy, self.resolved.mark(path), path, severity))

    def knows_file(self, file: str) -> bool:
        if file in FILES:
            return True
        near = suggest(file, FILES)
        remedy = f"did you mean {near!r}?" if near else f"write one of {', '.join(FILES)}"
        self.problem("unknown-settings-file", f"Courier has no settings file {file!r}", remedy, ("settings", file))
        return False

    def settings(self, file: str, values: Mapping[str, object]) -> None:
        rows = table(file)
        inherited = rows_by_name(rows.overlays) if rows.overlays else {}
        accepted: dict[str, object] = {}
        for name, value in values.items():
            path = ("settings", file, name)
            row = rows_by_name(rows).get(name)
            if row is not None:
                self._accept(rows, row, value, path, accepted)
            elif name in inherited:
                self._say_anew(rows, inherited[name], value, path)
            else:
                self._unknown(file, name, (*rows_by_name(rows), *inherited), path)
        self.said.tables[file] = rows(**accepted)

    def _accept(self, rows: type[Table], row: Row, value: object, path: SitePath, accepted: dict[str, object]) -> bool:
        """Put a value among the accepted ones, or say why not."""
        try:
            told = None if value is None else _full(row, row.codec.accept(value), self.resolved.profile)
            if told is not None:
                spell(rows, row, told)
        except ValueError as error:
            shown, remedy = ("the value", _PLAIN_PASSWORD) if row.secret else (repr(value), str(error))
            self.problem("wrong-setting", f"{row.name} of {path[1]}: {shown} is refused", remedy, path)
            return False
        self._warn_if_unread(rows, row, path)
        accepted[row.attribute] = told
        return True

    def _say_anew(self, rows: type[Table], row: Row, value: object, path: SitePath) -> None:
        """A setting of the file that is read before, said again in this one."""
        assert rows.overlays is not None
        accepted: dict[str, object] = {}
        if self._accept(rows.overlays, row, value, path, accepted) and (told := accepted[row.attribute]) is not None:
            variable = Variable(row.codec.encode(told), Origin(Kind.SAID, path))
            self.said.variables.setdefault(rows.file, {})[row.name] = variable

    def _warn_if_unread(self, rows: type[Table], row: Row, path: SitePath) -> None:
        """Say where the target does nothing with a setting. It is kept, for it does no harm."""
        reason = why_unread(rows, row, self.resolved.profile)
        if reason:
            remedy = f"use {row.successor} instead" if row.successor else "remove it"
            gone = row.until and former(rows.file, row.name)
            kind = "historical-setting" if gone else "setting-unread" if row.unread else "setting-not-in-target"
            self.problem(kind, f"{row.name} of {path[1]} has no effect: {reason}", remedy, path, Severity.WARNING)

    def _unknown(self, file: str, name: str, known: Iterable[str], path: SitePath) -> None:
        gone = former(file, name)
        if gone is not None:
            self._historical(file, gone, path)
            return
        self.problem("unknown-setting", f"{file} has no setting {name!r}", _elsewhere(file, name, known), path)

    def environment(self, file: str, variables: Mapping[str, str]) -> None:
        rows = table(file)
        if rows.format in _WITHOUT_VARIABLES:
            says = f"{file} holds no variables beyond its settings"
            self.problem("environment-nowhere", says, "remove it", ("environment", file))
            return
        for name, value in variables.items():
            path = ("environment", file, name)
            if name not in rows_by_name(rows) and self._fits(rows, name, value, path):
                self._warn_of_name(file, name, path)
                self.said.variables.setdefault(file, {})[name] = Variable(value, Origin(Kind.SAID, path))

    def _fits(self, rows: type[Table], name: str, value: str, path: SitePath) -> bool:
        try:
            spell_variable(rows, name, value)
        except ValueError as error:
            self.problem("unusable-value", f"{rows.file} cannot hold {name}", str(error), path)
            return False
        return True

    def _warn_of_name(self, file: str, name: str, path: SitePath) -> None:
        """Any variable may be passed on, so only what looks like a slip is mentioned."""
        gone = former(file, name)
        near = suggest(
            name, (*rows_by_name(table(file)), *(entry.name for entry in ENVIRONMENT if file in entry.files))
        )
        if name in SET_BY_PROGRAMS:
            says = f"Courier's programs set {name} for one another"
            self.problem("environment-internal", says, "remove it", path, Severity.WARNING)
        elif gone is not None and not honoured(file, name):
            self._historical(file, gone, path)
        elif near and not honoured(file, name):
            says = f"no program of Courier reads {name}"
            self.problem("environment-unknown", says, f"did you mean {near!r}?", path, Severity.WARNING)

    def _historical(self, file: str, gone: Former, path: SitePath) -> None:
        says = f"Courier no longer reads {gone.name} of {file} (since {gone.removed})"
        remedy = f"use {gone.successor} instead" if gone.successor else "remove it"
        self.problem("historical-setting", says, remedy, path, Severity.WARNING)


def _elsewhere(file: str, name: str, known: Iterable[str]) -> str:
    """What to write instead of a setting that a file does not have."""
    if section := SECTIONS.get(file, {}).get(name.removesuffix(".dat")):
        return f"write {section} instead, which {name} is made from"
    near = suggest(name, known)
    if table(file).format in _WITHOUT_VARIABLES:
        return f"did you mean {near!r}?" if near else f"remove it, or look up in the manual what {file} takes"
    variable = f"write environment: {{{file}: {{{name}: ...}}}}"
    if honoured(file, name):
        return f"{variable}, because it is a variable and no setting"
    return f"did you mean {near!r}?" if near else f"to pass any other variable on, {variable}"


def spell(rows: type[Table], row: Row, value: object) -> str:
    """A value in Courier's spelling. ValueError where the file's format cannot hold it."""
    text = row.codec.encode(value)
    spell_variable(rows, row.name, text)
    return text


def spell_variable(rows: type[Table], name: str, text: str) -> None:
    """ValueError where a file of this table could not hold the text."""
    if rows.format == "rc":
        rc.entry(name, text)
    elif rows.format == "shell":
        shell.assign(name, text)


def why_unread(rows: type[Table], row: Row, profile: Profile) -> str:
    """Why the target's release does not look at a setting; empty where it does. The TLS library is no matter here."""
    product, release = (
        ("courier-authlib", profile.authlib) if rows.directory == "authdir" else ("Courier", profile.courier)
    )
    if row.unread:
        return "no program reads it"
    if row.since and version(release) < version(row.since):
        return f"it is read since {product} {row.since}, and {profile.title} has {release}"
    if row.until and version(release) >= version(row.until):
        return f"it is no longer read since {product} {row.until}, and {profile.title} has {release}"
    return ""


def _full(row: Row, value: object, profile: Profile) -> object:
    """The value with the names of the target's directories filled in."""
    text = row.codec.encode(value)
    full = expand(text, profile.layout.values())
    return value if full == text else row.codec.decode(full)
