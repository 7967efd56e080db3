"""Settings files of the shell and keyword formats: one complete file for every table that the host has.

A file that holds a password is readable by its owner and its group only, whatever the target's package gives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context
from courier_compiler.origin import Origin
from courier_compiler.parts.revealed import is_secret, revealed
from courier_compiler.profile import Permissions, in_force
from courier_compiler.resolved import Settings
from courier_compiler.settings_file import compose
from courier_schema.legacy.table import Table

_SMTP: Final = frozenset({Daemon.ESMTPD, Daemon.ESMTPD_MSA, Daemon.ESMTPD_SSL})
_IMAP: Final = frozenset({Daemon.IMAPD, Daemon.IMAPD_SSL})
_POP3: Final = frozenset({Daemon.POP3D, Daemon.POP3D_SSL})
_READERS: Final[Mapping[str, frozenset[Daemon]]] = {
    "courierd": frozenset({Daemon.COURIERD, Daemon.COURIERFILTER}),
    "esmtpd": _SMTP,
    "esmtpd-msa": frozenset({Daemon.ESMTPD_MSA}),
    "esmtpd-ssl": frozenset({Daemon.ESMTPD_SSL}),
    "imapd": _IMAP,
    "imapd-ssl": _IMAP,
    "pop3d": _POP3,
    "pop3d-ssl": _POP3,
    "authdaemonrc": frozenset({Daemon.AUTHDAEMOND}),
    "ldapaliasrc": frozenset({Daemon.LDAPALIASD}),
    "sqwebmaild": frozenset({Daemon.WEBMAILD}),
    "webmlmrc": frozenset({Daemon.WEBMLMD}),
}
"""Daemons that read a file when they start; the other files are read anew each time they are needed."""

_OTHERS: Final = 0o007


def build(context: Context) -> Iterator[Artefact]:
    for file, settings in context.resolved.settings.items():
        if settings.table.format in {"shell", "rc"}:
            yield _artefact(context, file, settings)


def _artefact(context: Context, file: str, settings: Settings) -> Artefact:
    table = revealed(context, settings).over(in_force(file, context.profile))
    secret = is_secret(settings)
    extra = [(name, variable.value) for name, variable in settings.variables.items()]
    allowed = _permissions(context, file, secret)
    in_authdir = table.directory == "authdir"
    return Artefact(
        context.path(context.auth_name(file) if in_authdir else file),
        compose(file, table, context.profile, context.source, extra),
        int(allowed.mode, 8),
        allowed.owner,
        allowed.group,
        secret,
        origins=_origins(settings, table),
        touches=_READERS.get(file, frozenset()),
    )


def _origins(settings: Settings, table: Table) -> dict[str, Origin]:
    """The reason of every assignment, by name."""
    rows = {row.name: settings.origin(row.attribute) for row, value in table.items() if value is not None}
    return {**rows, **{name: variable.origin for name, variable in settings.variables.items()}}


def _permissions(context: Context, file: str, secret: bool) -> Permissions:
    shipped = context.profile.files[file].permissions
    mode = int(shipped.mode, 8)
    if not secret or not mode & _OTHERS:
        return shipped
    group = context.profile.layout.mailgroup if shipped.group == "root" else shipped.group
    return Permissions(f"{mode & ~_OTHERS:04o}", shipped.owner, group)


ARTEFACT = ArtefactSpec("settings", build)
