"""Privacy: which files of an old installation not everybody may read.

What they say may stand in files that only their owner reads. Their passwords, comments, variables and whole texts go
to the directory of secrets, and no report quotes them.
"""

from __future__ import annotations

from typing import Final

from courier_compiler.importing.installation import Installation

_BACK_ENDS: Final = (
    "authmysqlrc", "authpgsqlrc", "authsqliterc", "authldaprc", "ldapaliasrc", "esmtpauthclient", "userdb",
    "webadmin/password",
)  # fmt: skip
"""Files with logins in them, which somebody may have left readable by mistake."""


def is_private(installation: Installation, name: str) -> bool:
    """Whether a file is kept from others by its permissions, or by what it is for."""
    return installation.files[name].is_private or any(
        name == private or name.startswith((f"{private}.", f"{private}/")) for private in _BACK_ENDS
    )


def private_files(installation: Installation) -> frozenset[str]:
    """The names that marks give such files."""
    return frozenset(installation.where(name) for name in installation.files if is_private(installation, name))
