"""authpwd, authshadow and the account half of authpam: the system's own users."""

from __future__ import annotations

import asyncio
import pwd
from pathlib import Path
from typing import Final

from courier_runtime.auth.passwords import is_right
from courier_runtime.seams import Account, Login, Rejected, Unavailable
from courier_runtime.snapshot.model import Snapshot

_SHADOW: Final = Path("/etc/shadow")
_LOCKED: Final = ("!", "*")


class System:
    """Knows the users in the system's password database. Passwords are checked where this process may read them."""

    async def find(self, name: str, service: str, snapshot: Snapshot) -> Account | None:
        """The user of this name; names with a domain are nobody's."""
        if "@" in name or "\0" in name:
            return None
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            return None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, full_name=entry.pw_gecos.split(",")[0])

    async def verify(self, login: Login, service: str, snapshot: Snapshot) -> Account:
        """The user that the login proves. Raises Rejected, or Unavailable where the shadow file cannot be read."""
        account = await self.find(login.user, service, snapshot)
        if account is None or login.response:
            raise Rejected
        stored = await asyncio.to_thread(_stored, login.user)
        if stored.startswith(_LOCKED) or not await asyncio.to_thread(is_right, login.password, stored):
            raise Rejected
        return account


def _stored(name: str) -> str:
    try:
        lines = _SHADOW.read_text(errors="surrogateescape").splitlines()
    except OSError as error:
        raise Unavailable(f"{_SHADOW} cannot be read: {error.strerror}") from error
    fields = next((line.split(":") for line in lines if line.startswith(f"{name}:")), None)
    return fields[1] if fields else pwd.getpwnam(name).pw_passwd
