"""Sources behind symbolic links: what the real commands make of them they make of the rebuilt installation, too.

Both sides of an import's own proof are read by one reader, which could pass over a link on both; these are not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.old_installations import HOST_NAME, write
from courier_compiler.cli import main
from real.courier_root import CourierRoot
from real.test_import_real import STOCK, TABLES, listed, meaning, rebuilt, root_of, stored

SOURCES = {
    "makealiases": "sales@shop.example: anna@shop.example, bert@shop.example\nrobot: |/usr/local/bin/robot\n",
    "makehosteddomains": "shop.example\nstore.example\tshop.example\n",
    "makeacceptmailfor": "shop.example\nstore.example\nfar.example\n",
    "makesmtpaccess": "192.0.2\tallow,RELAYCLIENT\n203.0.113.7\tdeny\n",
    "makeuucpneighbors": "branch\tFR\n",
}


@pytest.mark.parametrize("target", ["directory", "file"])
def test_real_commands_read_the_same_behind_links_and_in_the_rebuilt_installation(target: str, tmp_path: Path) -> None:
    esmtpd = (STOCK / "esmtpd").read_bytes()
    old = write(tmp_path / "old", {"me": "here.example\n", "esmtpd": esmtpd, "aliasdir/.courier-x": "./Maildir\n"})
    for command, text in SOURCES.items():
        place = write(tmp_path / "srv" / command, {"a": text, "b/c": "no source\n"})
        (old / TABLES[command][0]).symlink_to(place if target == "directory" else place / "a")
    assert main(["import", str(old), "-o", str(tmp_path / "site.yaml"), "--host-name", HOST_NAME]) == 0
    before, after = CourierRoot(old, HOST_NAME), root_of(tmp_path / "new", rebuilt(tmp_path / "site.yaml"))
    for command in SOURCES:
        for root in (before, after):
            assert root.run(command).returncode == 0, (command, root.directory)
        database = TABLES[command][1]
        one, other = meaning(command, stored(old / database)), meaning(command, stored(after.directory / database))
        assert one, command
        if command == "makeacceptmailfor":  # a domain may stand in the list or in the database
            other |= listed(after.directory)
        assert one.items() <= other.items(), command


def test_makeuserdb_refuses_a_link_as_the_import_says(tmp_path: Path) -> None:
    old = write(tmp_path / "old", {"me": "here.example\n"})
    write(tmp_path / "srv", {"staff": "anna\tuid=500|gid=500|home=/home/anna\n"}, {"staff": 0o600})
    (tmp_path / "srv").chmod(0o700)
    (old / "userdb").symlink_to(tmp_path / "srv")
    done = CourierRoot(old, HOST_NAME).run("makeuserdb")
    assert (done.returncode, b"is a symbolic link" in done.stdout + done.stderr) == (255, True)
    assert not (old / "userdb.dat").exists()


def test_makealiases_does_not_take_a_link_that_leads_nowhere_for_an_empty_source(tmp_path: Path) -> None:
    old = CourierRoot.create(tmp_path / "old", {"me": b"here.example\n"}, HOST_NAME)
    (old.directory / "aliases").symlink_to("/srv/none")
    assert old.run("makealiases").returncode != 0
    assert not (old.directory / "aliases.dat").exists()
