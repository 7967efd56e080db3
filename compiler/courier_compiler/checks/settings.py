"""Mistakes in settings under Courier's own names: what they win over, and what their absence means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import dotted, said_at
from courier_compiler.host import HostView
from courier_compiler.origin import Kind, Origin
from courier_compiler.resolved import ResolvedSite, Settings
from courier_schema.legacy.codecs import AddressCodec, OptionsCodec, PortsCodec
from courier_schema.legacy.formats.domains import ONE_LINE_LIMIT
from courier_schema.legacy.table import Row, rows_by_attribute, rows_by_name
from courier_schema.legacy.tables import FILES, table
from courier_schema.report import Severity, SitePath
from courier_schema.suggest import suggest

_NEVER_LOSE: Final = {
    "courierd": (
        "esmtp_blockbackscatter", "esmtp_use_starttls", "couriertls", "tls_trustcerts", "syslocale_line", "path",
        "defaultdelivery", "dsntoauthaddr",
    ),
    "esmtpd": ("accessfile", "tls_certfile", "tls_verifypeer", "couriertls"),
    "esmtpd-ssl": ("tls_verifypeer", "couriertls"),
    "imapd": ("imap_capability", "imap_sharedindexfile"),
    "imapd-ssl": ("tls_verifypeer", "tls_certfile", "couriertls"),
    "pop3d-ssl": ("tls_verifypeer", "tls_certfile", "couriertls"),
    "authldaprc": ("ldap_initbind",),
}  # fmt: skip
"""Settings whose absence means something else than their usual value."""
_EXAMINED: Final = (OptionsCodec, AddressCodec, PortsCodec)
"""Options are put together here, and addresses and ports have checks of their own, with better places."""
_OUTBOX: Final = ("outbox_multiple_send", "headerfrom")


def _overruled(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for file, settings in resolved.settings.items():
        for attribute, (meant, origin) in settings.overruled.items():
            row = rows_by_attribute(type(settings.table))[attribute]
            path = settings.origin(attribute).path
            if origin.path and path and (meant or not row.secret):
                yield Finding(
                    path,
                    f"{row.name} of {file} is {_shown(row, getattr(settings.table, attribute))}, where "
                    f"{dotted(origin.path)} would have said {_shown(row, meant)}",
                    "nothing, if that is meant: the setting wins; otherwise remove it",
                )


def _shown(row: Row, value: object) -> str:
    if row.secret:
        return "another secret" if value else "no secret"
    return "unassigned" if value is None else repr(row.codec.encode(value)) if value != "" else "empty"


def _required(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for file, settings, row, origin in _rows_said(resolved):
        value = getattr(settings.table, row.attribute)
        base = type(settings.table).overlays
        is_inherited = value is None and base is not None and row.attribute in rows_by_attribute(base)
        empty = (value is None or value in ((), "")) and not is_inherited
        if empty and not row.optional and not row.internal and row.attribute not in ("mailuser", "mailgroup"):
            yield Finding(
                origin.path,
                f"{row.name} of {file} is left {'unassigned' if value is None else 'empty'}, but the program needs it",
                f"give it a value, or remove the key for the usual {_usual(row)}",
            )


def _usual(row: Row) -> str:
    return repr(row.codec.encode(row.default)) if row.default not in (None, "", ()) else "one"


def _rows_said(resolved: ResolvedSite) -> Iterator[tuple[str, Settings, Row, Origin]]:
    """The settings that the site says under Courier's name."""
    for file, settings in resolved.settings.items():
        known = rows_by_attribute(type(settings.table))
        for attribute, origin in settings.origins.items():
            if origin.kind is Kind.SAID and attribute in known:
                yield file, settings, known[attribute], origin


def _absent(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for file, settings, row, origin in _rows_said(resolved):
        if row.attribute in _NEVER_LOSE.get(file, ()) and getattr(settings.table, row.attribute) is None:
            yield Finding(
                origin.path,
                f"{row.name} of {file} is left unassigned, which means: {row.absent}",
                "say the value that you want, or remove the key for the usual one",
            )


def _unfit(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    """What a section says may be more than the setting behind it can take."""
    for file, settings in resolved.settings.items():
        known = rows_by_attribute(type(settings.table))
        for attribute, origin in settings.origins.items():
            row = known.get(attribute)
            if origin.kind is not Kind.DERIVED or row is None or isinstance(row.codec, _EXAMINED):
                continue
            value: Any = getattr(settings.table, attribute)
            if isinstance(value, str) and (value != value.strip() or len(value.encode()) > ONE_LINE_LIMIT):
                continue  # that is the matter of checks of texts
            trouble = _trouble(row, value) if value is not None and attribute not in settings.concealed else ""
            if trouble:
                name = row.name if file == "control" else f"{row.name} of {file}"
                yield _unfit_value(resolved, origin.path, f"Courier's {name}", row.codec.encode(value), trouble)


def _unfit_value(resolved: ResolvedSite, path: SitePath, name: str, value: str, trouble: str) -> Finding:
    place = dotted(path)
    if not value and said_at(resolved, path) is None:
        return Finding(path, f"{place} is missing, and {name} needs a value", f"add the key {path[-1]!r}")
    return Finding(path, f"{place}: {name} cannot be {value!r}", trouble)


def _trouble(row: Row, value: Any) -> str:
    """Why a row cannot hold a value; empty if it can."""
    try:
        row.codec.decode(row.codec.encode(value))
    except ValueError as error:
        return str(error)
    return ""


def _environment(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for file, variables in resolved.site.environment.items():
        if file not in FILES:
            near = suggest(file, FILES)
            yield Finding(
                ("environment", file),
                f"Courier has no settings file {file!r}",
                f"did you mean {near!r}?" if near else "name the file whose daemon is to have the variables",
            )
            continue
        known = rows_by_name(table(file))
        for name in variables:
            if name in known:
                yield Finding(
                    ("environment", file, name),
                    f"{name} is a setting of {file}, not a further variable",
                    f"write it as settings: {{{file}: {{{name}: ...}}}}",
                )


def _trash(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    settings = resolved.settings.get("imapd")
    if settings is None or settings.origin("imap_emptytrash").kind is not Kind.SAID:
        return
    purged = {name for name, _ in getattr(settings.table, "imap_emptytrash", None) or ()}
    trash = getattr(settings.table, "imap_trashfoldername", None)
    if purged and trash and trash not in purged:
        yield Finding(
            settings.origin("imap_emptytrash").path,
            f"the trash folder {trash} is not among the folders that are emptied",
            f"add {trash} with a number of days, or set IMAP_TRASHFOLDERNAME to one of {', '.join(sorted(purged))}",
        )


def _outbox(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    settings = resolved.settings.get("imapd")
    if settings is None or getattr(settings.table, "outbox", None):
        return
    for attribute in _OUTBOX:
        origin = settings.origin(attribute)
        if origin.kind is Kind.SAID and getattr(settings.table, attribute):
            yield Finding(
                origin.path,
                f"{attribute.upper()} does nothing, because no folder sends mail",
                "add OUTBOX with a folder such as .Outbox, or remove the setting",
            )


CHECKS: Final = (
    Check(
        "setting-overrules",
        "A setting that wins over what a section says",
        "What stands under settings wins over everything else in the site. Here a section says something different "
        "about the same setting, and whoever reads that section will believe it. This is a reminder, not a mistake.",
        _overruled,
        Severity.NOTE,
    ),
    Check(
        "setting-required",
        "A required setting without a value",
        "Some settings have no default in the programs that read them. Left out or empty, they keep a listener from "
        "starting, or a daemon refuses its file.",
        _required,
    ),
    Check(
        "setting-absence",
        "A setting whose absence means something else",
        "null leaves a setting unassigned. For some of them the programs then do something else than usual, and "
        "rarely something safer: encryption ends, bounces go out, or access rules vanish, without a word in the log.",
        _absent,
        Severity.WARNING,
    ),
    Check(
        "setting-unfit",
        "A value that Courier's setting cannot take",
        "The value is fine for the section of the site, but the setting that it becomes is narrower: a start script "
        "reads it twice, a number has a lower bound, or a list knows only some words. Courier would misread it "
        "without complaint, or not start.",
        _unfit,
    ),
    Check(
        "environment-setting",
        "A setting among the further variables",
        "environment is for variables that no settings file knows, and they are not checked. A setting belongs under "
        "settings, where its value is; written here it would be assigned twice, and the last assignment wins. A file "
        "that does not exist is read by nobody.",
        _environment,
    ),
    Check(
        "trash-not-emptied",
        "A trash folder that is never emptied",
        "IMAP_EMPTYTRASH lists the folders whose old mail is removed, by name. If the trash folder has been renamed "
        "and the list has not, deleted mail stays for ever and counts against the quota.",
        _trash,
        Severity.WARNING,
    ),
    Check(
        "outbox-off",
        "Settings of an outbox that does not exist",
        "Sending mail by copying it to a folder is switched on by OUTBOX alone. The settings around it have no effect "
        "without it.",
        _outbox,
        Severity.WARNING,
    ),
)
