"""The catalogue: every file of settings that Courier reads, as a typed table.

The registry is static and imports a table when it is asked for, so that a command pays for the files it touches.
"""

from functools import cache
from importlib import import_module
from typing import Final

from courier_schema.legacy.table import Table

_CLASSES: Final = {
    "courierd": ("courierd", "Courierd"),
    "esmtpd": ("esmtpd", "Esmtpd"),
    "esmtpd-msa": ("esmtpd_msa", "EsmtpdMsa"),
    "esmtpd-ssl": ("esmtpd_ssl", "EsmtpdSsl"),
    "imapd": ("imapd", "Imapd"),
    "imapd-ssl": ("imapd_ssl", "ImapdSsl"),
    "pop3d": ("pop3d", "Pop3d"),
    "pop3d-ssl": ("pop3d_ssl", "Pop3dSsl"),
    "sqwebmaild": ("sqwebmail", "Sqwebmaild"),
    "webmlmrc": ("webmlm", "Webmlmrc"),
    "faxnotifyrc": ("fax", "Faxnotifyrc"),
    "authdaemonrc": ("authdaemon", "Authdaemonrc"),
    "authldaprc": ("authldap", "Authldaprc"),
    "authmysqlrc": ("authsql", "Authmysqlrc"),
    "authpgsqlrc": ("authsql", "Authpgsqlrc"),
    "authsqliterc": ("authsql", "Authsqliterc"),
    "ldapaliasrc": ("ldapalias", "Ldapaliasrc"),
    "cone": ("cone", "Cone"),
    "bofh": ("bofh", "Bofh"),
    "module.dsn": ("module", "ModuleDsn"),
    "module.esmtp": ("module", "ModuleEsmtp"),
    "module.fax": ("module", "ModuleFax"),
    "module.local": ("module", "ModuleLocal"),
    "module.uucp": ("module", "ModuleUucp"),
    "control": ("control", "Control"),
}

FILES: Final = tuple(_CLASSES)
"""Names of all files with settings; `control` stands for the control files of one value each."""


@cache
def table(file: str) -> type[Table]:
    """The table of one file; KeyError where it has none."""
    module, name = _CLASSES[file]
    found: type[Table] = getattr(import_module(f"{__name__}.{module}"), name)
    return found
