"""Accounts of userdb are found as their tables say, remembered, and forgotten when other tables come."""

from __future__ import annotations

import asyncio
from pathlib import Path

from courier_runtime.auth.userdb import Userdb
from courier_runtime.snapshot.model import Snapshot
from runtime.trees import account, snapshot_of

FILES = {"authdaemonrc": 'authmodulelist="authuserdb"\n'}


def homes(userdb: Userdb, *snapshots: Snapshot) -> list[str | None]:
    """Where bob lives, in each generation in turn."""

    async def look(snapshot: Snapshot) -> str | None:
        found = await userdb.find("bob", "courier", snapshot)
        return None if found is None else found.home

    return [asyncio.run(look(snapshot)) for snapshot in snapshots]


def test_each_generation_has_its_own_accounts_in_whatever_order_they_are_asked(tmp_path: Path) -> None:
    old = snapshot_of(tmp_path / "old", FILES, {"userdb.dat": {"bob": account("/home/bob")}})
    new = snapshot_of(tmp_path / "new", FILES, {"userdb.dat": {"bob": account("/srv/bob")}})
    without = snapshot_of(tmp_path / "without", FILES, {"userdb.dat": {}})
    found = homes(Userdb(), old, old, new, without, without, old)
    assert found == ["/home/bob", "/home/bob", "/srv/bob", None, None, "/home/bob"]
