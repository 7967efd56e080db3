"""Mistakes about where secrets are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from courier_compiler.checks import Check, Finding, per_site
from courier_compiler.checks._site import dotted
from courier_compiler.host import HostView
from courier_compiler.origin import Kind
from courier_compiler.resolved import ResolvedSite
from courier_compiler.secret_uses import secrets_of
from courier_schema.legacy.table import rows_by_attribute
from courier_schema.report import Severity, SitePath
from courier_schema.site.base import Secret

_OTHERS: Final = 0o007


@per_site
def _secrets(resolved: ResolvedSite) -> tuple[tuple[SitePath, Secret], ...]:
    return tuple(secrets_of(resolved))


def _written_out(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, secret in _secrets(resolved):
        if secret.value is not None:
            yield Finding(
                path,
                f"{dotted(path)} stands in the site, where everybody who reads the site can read it",
                "keep it in a file of its own and write {from_file: secrets/name}",
            )
    for file, settings in resolved.settings.items():
        known = rows_by_attribute(type(settings.table))
        for attribute, origin in settings.origins.items():
            row = known.get(attribute)
            if origin.kind is Kind.SAID and row is not None and row.secret and getattr(settings.table, attribute):
                yield Finding(
                    origin.path,
                    f"{row.name} of {file} stands in the site, where everybody who reads the site can read it",
                    "give it in its section as a secret: {from_file: secrets/name}",
                )
    lists = resolved.site.mailing_lists
    for name, listed in lists.lists.items() if lists is not None else ():
        if listed.options.get("LISTPW"):
            yield Finding(
                ("mailing_lists", "lists", name, "options", "LISTPW"),
                f"LISTPW of the list {name} stands in the site, where everybody who reads the site can read it",
                f"set it on the host: couriermlm set {listed.directory} LISTPW=PASSWORD",
            )


def _exposed(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    files = resolved.document.files
    if not files or files[0].startswith("<"):
        return
    folder = Path(files[0]).absolute().parent
    for path, secret in _secrets(resolved):
        if secret.from_file is None:
            continue
        facts = host.file(str(folder / secret.from_file))
        if facts is not None and facts.is_regular and facts.mode & _OTHERS:
            yield Finding(
                (*path, "from_file"),
                f"everybody on this machine may read {secret.from_file} (mode {facts.mode:04o})",
                f"run chmod 600 {secret.from_file}",
            )


def _public_file(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, file in resolved.site.files.items():
        if file.secret is not None and file.mode is not None and int(file.mode, 8) & _OTHERS:
            yield Finding(
                ("files", name, "mode"),
                f"everybody on the mail host may use {name}, which holds a secret (mode {file.mode})",
                'write mode: "0640" and the group that needs it, or remove mode',
            )


CHECKS: Final = (
    Check(
        "secret-in-site",
        "A secret in the site itself",
        "A site is read, reviewed, copied and kept in version control, and what once stood in it stays in its "
        "history. A secret that is named by its file, by an environment variable or by a command is revealed only "
        "while the files for the mail host are built. Hashes of passwords may stand in a site.",
        _written_out,
        Severity.WARNING,
    ),
    Check(
        "secret-file-public",
        "A carried secret that everybody on the mail host may read",
        "The content of the file is a secret, and the mode that the site gives it lets every user of the mail host "
        "read it. Without a mode the file is readable by its owner and the mail group only.",
        _public_file,
        Severity.WARNING,
    ),
    Check(
        "secret-file-exposed",
        "A file with a secret that others may read",
        "The file holds a password and its permission bits let every user of the machine read it. Nothing that the "
        "site keeps to itself is kept from them.",
        _exposed,
        Severity.WARNING,
    ),
)
