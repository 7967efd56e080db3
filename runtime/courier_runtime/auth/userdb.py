"""authuserdb: accounts in the tables userdb.dat and userdbshadow.dat of a snapshot."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from typing import Final

from courier_runtime.auth import challenge
from courier_runtime.auth.passwords import is_right
from courier_runtime.seams import Account, Login, Rejected
from courier_runtime.snapshot.model import Accounts, Snapshot
from courier_schema.legacy.formats import userdb

_REMEMBERED: Final = 4096


class Userdb:
    """Knows accounts and their passwords.

    Passwords that were right are remembered for the form they are stored in, as keyed hashes: the crypt methods of
    today take milliseconds on purpose, and clients log in for every message. Accounts are remembered as well, for the
    tables that they come from: each recipient is looked up when it is named and again when it is served.
    """

    def __init__(self) -> None:
        self._tables: Accounts | None = None
        self._known: dict[tuple[str, str], Account | None] = {}
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()

    async def find(self, name: str, service: str, snapshot: Snapshot) -> Account | None:
        """The account of this name."""
        if self._tables is not snapshot.accounts or len(self._known) >= _REMEMBERED:
            self._tables, self._known = snapshot.accounts, {}
        key = (name, service)
        if key not in self._known:
            found = _lookup(name, service, snapshot)
            self._known[key] = None if found is None else _account(found, snapshot)
        return self._known[key]

    async def verify(self, login: Login, service: str, snapshot: Snapshot) -> Account:
        """The account that the login proves. Raises Rejected."""
        found = _lookup(login.user, service, snapshot)
        if found is None or not await self._proves(login, found):
            raise Rejected
        return _account(found, snapshot)

    async def _proves(self, login: Login, found: userdb.Account) -> bool:
        if login.mechanism in challenge.HASHES:
            function = challenge.HASHES[login.mechanism]
            return challenge.is_right(function, found.secrets.get(function), login.challenge, login.response)
        stored = (found.password or b"").decode(errors="surrogateescape")
        mark = hashlib.blake2b(stored.encode(errors="surrogateescape") + b"\0" + login.password, key=self._key).digest()
        if mark in self._right:
            self._right.move_to_end(mark)
            return True
        if not await asyncio.to_thread(is_right, login.password, stored):
            return False
        self._right[mark] = None
        if len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)
        return True


def _lookup(name: str, service: str, snapshot: Snapshot) -> userdb.Account | None:
    if "=" in name:
        return None
    return userdb.lookup_userdb(name, service, snapshot.accounts.userdb, snapshot.accounts.userdb_shadow)


def _account(found: userdb.Account, snapshot: Snapshot) -> Account:
    return Account(
        name=_text(found.name),
        uid=found.uid,
        gid=found.gid,
        home=_text(found.home),
        maildir=_text(found.mail),
        quota=_text(found.quota),
        full_name=_text(found.gecos).partition(",")[0],
        options=_text(found.options),
    )


def _text(data: bytes | None) -> str:
    return (data or b"").decode(errors="surrogateescape")
