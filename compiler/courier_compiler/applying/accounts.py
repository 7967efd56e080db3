"""Accounts: users and groups of a mail host by name and number, also where its file system is mounted elsewhere."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from courier_compiler.applying.durable import Owner


@dataclass(frozen=True, slots=True)
class Accounts:
    """Names of a mounted file system, or this machine's where it has none of its own."""

    users: Mapping[str, int] | None = None
    groups: Mapping[str, int] | None = None

    @staticmethod
    @cache
    def of(root: Path) -> Accounts:
        """The accounts of the host whose file system is at `root`."""
        if root == Path("/"):
            return Accounts()
        return Accounts(_read(root / "etc/passwd"), _read(root / "etc/group"))

    def user(self, uid: int) -> str:
        """Name of a user, or the number where it has none."""
        if self.users is not None:
            return next((name for name, number in self.users.items() if number == uid), str(uid))
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    def group(self, gid: int) -> str:
        """Name of a group, or the number where it has none."""
        if self.groups is not None:
            return next((name for name, number in self.groups.items() if number == gid), str(gid))
        try:
            return grp.getgrgid(gid).gr_name
        except KeyError:
            return str(gid)

    def uid(self, name: str) -> int | None:
        """Number of a user, given by name or number; None when there is none."""
        if name.isdecimal():
            return int(name)
        if self.users is not None:
            return self.users.get(name)
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            return None

    def gid(self, name: str) -> int | None:
        """Number of a group, given by name or number; None when there is none."""
        if name.isdecimal():
            return int(name)
        if self.groups is not None:
            return self.groups.get(name)
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            return None

    def owner(self, user: str, group: str) -> Owner:
        """Both numbers. KeyError for a name that is not known."""
        uid, gid = self.uid(user), self.gid(group)
        if uid is None or gid is None:
            raise KeyError(user if uid is None else group)
        return Owner(uid, gid)


def _read(path: Path) -> Mapping[str, int] | None:
    """Names and numbers of a passwd or group file; None where there is none."""
    try:
        lines = path.read_text(errors="surrogateescape").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    fields = (line.split(":") for line in lines)
    return {field[0]: int(field[2]) for field in fields if len(field) > 2 and field[2].isdecimal()}
