"""Local recipients: which account an address belongs to, and what is left of it as the extension.

The account that is found first decides. Whether an extension is wanted there is a question to its home directory; one
that may not be read means "accept now, decide at delivery".
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from courier_runtime.mail.reply import Reply
from courier_runtime.routing.addresses import folded, place, split
from courier_runtime.routing.instructions import candidates
from courier_runtime.seams import Account, Authenticator, Hop
from courier_runtime.snapshot.model import Snapshot
from courier_schema.legacy.formats.hosted import CATCH_ALL, Place

SERVICE: Final = "courier"
"""The service under whose name the account back-ends are asked for delivery."""

_CUTS: Final = 3
"""Hyphens, from the left, at which a local part is cut in search of an account."""
ALIASES: Final = "alias"
"""What stands in the place of an account's name where `aliasdir` has the instructions."""


@dataclass(frozen=True, slots=True)
class LocalHop:
    """The fields of a local hop's `host`, and the extension that instruction files are looked for under."""

    account: str
    extension: str
    uid: int
    gid: int
    home: str
    maildir: str = ""
    quota: str = ""

    def encode(self) -> str:
        """Courier's spelling: what log lines show and what deliveries to one account are counted by."""
        return "!".join(
            (self.account, self.extension, str(self.uid), str(self.gid), self.home, self.maildir, self.quota)
        )

    @classmethod
    def parse(cls, host: str) -> LocalHop:
        """The other direction. Raises ValueError for another module's host."""
        account, extension, uid, gid, home, maildir, quota = host.split("!")
        return cls(account, extension, int(uid), int(gid), home, maildir, quota)


class LocalRouter:
    """Finds accounts."""

    def __init__(self, authenticator: Authenticator, alias_owner: tuple[int, int]) -> None:
        self._authenticator = authenticator
        self._alias_owner = alias_owner
        """User and group of deliveries that no account stands behind: those of the mail system."""

    async def route(self, address: str, snapshot: Snapshot) -> Hop | Reply | None:
        """The hop of a local or hosted address, a refusal, or None for an address elsewhere. Raises Unavailable."""
        local_part, domain = split(address)
        answer = place(domain, snapshot)
        if answer.place is Place.REMOTE:
            return None
        suffix = f"@{answer.domain}" if answer.place is Place.HOSTED else ""
        unknown = Reply.of(550, f"User <{local_part}{suffix}> unknown")
        looked_up = folded(local_part, snapshot)
        for name, extension in _splits(looked_up):
            account = await self._authenticator.find(name + suffix, SERVICE, snapshot)
            if account is not None:
                return self._at(account, extension, snapshot) or unknown
        if suffix:
            account = await self._authenticator.find(CATCH_ALL + suffix, SERVICE, snapshot)
            found = self._at(account, looked_up, snapshot) if account is not None else None
        else:
            found = self._in_aliasdir(looked_up, snapshot)
        return found or unknown

    def _at(self, account: Account, extension: str, snapshot: Snapshot) -> Hop | None:
        """The hop to an account, if it wants mail for the extension; root never gets any."""
        if account.uid == 0 or not _is_wanted(snapshot.ground.place(account.home), extension, snapshot):
            return None
        hop = LocalHop(account.name, extension, account.uid, account.gid, account.home, account.maildir, account.quota)
        return Hop("local", hop.encode(), account.name)

    def _in_aliasdir(self, local_part: str, snapshot: Snapshot) -> Hop | None:
        directory = f"{snapshot.ground.nominal}/aliasdir"
        if not _is_wanted(snapshot.ground.place(directory), local_part, snapshot):
            return None
        uid, gid = self._alias_owner
        return Hop("local", LocalHop(ALIASES, local_part, uid, gid, directory).encode(), ALIASES)


def _splits(local_part: str) -> Iterator[tuple[str, str]]:
    """Account and extension: the whole local part, then cut at one of its first hyphens, the longest account first."""
    yield local_part, ""
    parts = local_part.split("-", _CUTS)
    for count in range(len(parts) - 1, 0, -1):
        account = "-".join(parts[:count])
        yield account, local_part[len(account) + 1 :]


def _is_wanted(home: Path, extension: str, snapshot: Snapshot) -> bool:
    if not extension:
        return True
    ending = snapshot.control.dotextension or "courier"
    for candidate in candidates(extension, ending, lowercase=snapshot.locality.lowercase):
        try:
            os.stat(home / candidate.name)  # noqa: PTH116 - on the path of every recipient, and Path.stat is twice as slow
        except OSError as error:
            if error.errno == errno.EACCES:
                return True
            continue
        return True
    return False
