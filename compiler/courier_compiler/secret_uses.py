"""Secret uses: every secret of a site with its place, where it is to be had, and which cannot be had here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Problem, Severity, SitePath
from courier_schema.site.base import Secret, Section
from courier_schema.source.secrets import (
    CommandSecret,
    EnvSecret,
    FileSecret,
    PlainSecret,
    SecretRef,
    SecretUnavailable,
    SeenSecrets,
)

_SOURCES: Final = ("from_file", "from_env", "from_command")
_LARGE: Final = ("domains", "accounts", "aliases", "protocol_aliases")


def secrets_of(resolved: ResolvedSite) -> Iterator[tuple[SitePath, Secret]]:
    """Every secret of the site with its place: the accounts' passwords first, then all others."""
    for mailbox in resolved.mailboxes:
        if mailbox.account.password is not None:
            yield (*mailbox.path, "password"), mailbox.account.password
        for service, password in mailbox.account.passwords.items():
            yield (*mailbox.path, "passwords", service), password
    yield from _within((), resolved.site)


def _within(path: SitePath, value: object) -> Iterator[tuple[SitePath, Secret]]:
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, Section):
        for name in value.model_fields_set:
            if path or name not in _LARGE:
                yield from _within((*path, name), getattr(value, name))
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _within((*path, name), inner)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _within((*path, position), inner)


def secret_reference(secret: Secret) -> SecretRef:
    """Where the secret that a site names is to be had."""
    if secret.from_file is not None:
        return FileSecret(secret.from_file)
    if secret.from_env is not None:
        return EnvSecret(secret.from_env)
    if secret.from_command is not None:
        return CommandSecret(tuple(secret.from_command))
    assert secret.value is not None, "a secret has exactly one source"
    return PlainSecret(secret.value)


def secret_places(resolved: ResolvedSite) -> Mapping[int, SitePath]:
    """Where each secret says its source, by the identity of its object: several places can say the same."""
    return {
        id(secret): (*path, source) if (source := _source(secret)) else path for path, secret in secrets_of(resolved)
    }


def _source(secret: Secret) -> str:
    """The key that says where the secret is; empty where it is written out, which needs no key."""
    return next((name for name in _SOURCES if getattr(secret, name) is not None), "")


def unavailable(
    resolved: ResolvedSite, path: SitePath, error: SecretUnavailable, severity: Severity = Severity.ERROR
) -> Problem:
    """The problem of a secret that cannot be had."""
    return Problem("secret-unavailable", str(error), _remedy(error.ref), resolved.mark(path), path, severity)


def _remedy(ref: SecretRef) -> str:
    match ref:
        case FileSecret():
            return "put the secret into that file, named relative to the site, and let whoever builds read it"
        case EnvSecret(name):
            return f"set {name} in the environment of the build"
        case _:
            return "let the command print the secret and end with status 0"


def unseen(resolved: ResolvedSite, strict: bool) -> Iterator[Problem]:
    """Secrets that a build here and now could not have, as far as can be said without revealing any.

    A file that is missing is an error where this is the mail host. A variable is often set only for the build.
    """
    files = resolved.document.files
    source = SeenSecrets(Path(files[0]).parent if files else Path())
    for path, secret in secrets_of(resolved):
        if _source(secret):
            try:
                source.reveal(secret_reference(secret))
            except SecretUnavailable as error:
                is_error = strict and secret.from_file is not None
                severity = Severity.ERROR if is_error else Severity.WARNING
                yield unavailable(resolved, (*path, _source(secret)), error, severity)
