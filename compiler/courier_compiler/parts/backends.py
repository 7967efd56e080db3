"""Account back-ends: where logins are looked up, as AUTHMODULELIST has them in force."""

from __future__ import annotations

from typing import Final

from courier_compiler.origin import Kind
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import SitePath

OWN: Final = "userdb"
"""The back-end that reads the accounts of the site."""
_FILE: Final = "authdaemonrc"
_LIST: Final = "authmodulelist"
_PREFIX: Final = "auth"
_MODULES: Final = {"postgresql": "authpgsql"}
_NAMES: Final = {module: name for name, module in _MODULES.items()}
DESCRIBED: Final = {
    "ldap": "authldaprc", "mysql": "authmysqlrc", "postgresql": "authpgsqlrc", "sqlite": "authsqliterc",
    "pipe": "authProg",
}  # fmt: skip
"""Back-ends that have to be told where to look, to the file that tells them."""
SQL_PREFIXES: Final = {"mysql": "mysql", "postgresql": "pgsql", "sqlite": "sqlite"}
"""SQL back-ends to how the settings of their files begin."""


def ordered_backends(resolved: ResolvedSite) -> tuple[tuple[str, ...], SitePath]:
    """The back-ends in the order in which they are asked, and the place that says so.

    None where the site neither lists nor describes any: what the target's package has does not count.
    """
    settings = resolved.settings.get(_FILE)
    if settings is None or settings.origin(_LIST).kind not in (Kind.SAID, Kind.DERIVED):
        return (), ()
    modules = getattr(settings.table, _LIST) or ()
    return tuple(map(_name, modules)), settings.origin(_LIST).path


def has_other_backends(resolved: ResolvedSite) -> bool:
    """Whether accounts may exist that the site does not list."""
    return any(name != OWN for name in ordered_backends(resolved)[0])


def module_of(backend: str) -> str:
    """Courier's name of a back-end."""
    return _MODULES.get(backend, f"{_PREFIX}{backend}")


def _name(module: str) -> str:
    return _NAMES.get(module, module.removeprefix(_PREFIX))
