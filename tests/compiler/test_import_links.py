"""Symbolic links in an old directory: those in the place of what Courier reads stand for what they lead to, the others
are carried as links, and one that leads nowhere is as if it were not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compiler.old_installations import HOST_NAME, write
from courier_compiler import pipeline
from courier_compiler.cli import main
from courier_compiler.importing.installation import Installation, read_installation
from courier_schema.legacy.formats import gdbm

ANNA = "anna\tuid=500|gid=500|home=/home/anna\n"


def imported(directory: Path, tmp_path: Path) -> int:
    return main(["import", str(directory), "-o", str(tmp_path / "site.yaml"), "--host-name", HOST_NAME])


def tree_of(tmp_path: Path) -> dict[str, Any]:
    (reading,) = pipeline.read(tmp_path / "site.yaml")
    return dict(reading.document.tree)


def read(directory: Path) -> Installation:
    return read_installation(directory, None, HOST_NAME, "/etc/courier")


def linked(tmp_path: Path, name: str, files: dict[str, str | bytes], **others: str) -> Path:
    """An installation with a link to a directory of these files."""
    old = write(tmp_path / "old", {"me": "here.example\n", **others})
    write(tmp_path / "srv", files)
    (old / name).symlink_to(tmp_path / "srv")
    return old


@pytest.mark.parametrize(
    ("name", "text", "path", "said"),
    [
        ("aliases", "sales: anna, bert\n", ("aliases", "sales"), ["anna", "bert"]),
        ("aliases-esmtp", "sales: anna, bert\n", ("protocol_aliases", "esmtp", "sales"), ["anna", "bert"]),
        ("hosteddomains", "shop.example\n", ("domains", "shop.example", "kind"), "hosted"),
        ("esmtpacceptmailfor.dir", "far.example\n", ("domains", "far.example", "kind"), "relay"),
        ("smtpaccess", "192.0.2\tallow,RELAYCLIENT\n", ("access", "192.0.2.0/24"), "relay"),
        ("userdb", ANNA, ("accounts", "anna"), {}),
        ("maildroprcs", "exit\n", ("delivery", "maildrop_includes", "a"), "exit\n"),
    ],
)
def test_a_directory_that_is_a_link_is_read(
    name: str, text: str, path: tuple[str, ...], said: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(linked(tmp_path, name, {"a": text}), tmp_path) == 0
    found: Any = tree_of(tmp_path)
    for step in path:
        found = found[step]
    assert found == said
    assert f"{name} is a link to {tmp_path}/srv: what is there is in the site" in capsys.readouterr().out


def test_instructions_below_a_link_are_read(tmp_path: Path) -> None:
    assert imported(linked(tmp_path, "aliasdir", {".courier-help": "./Maildir\n"}), tmp_path) == 0
    assert tree_of(tmp_path)["delivery"]["dotfiles"] == {"help": "./Maildir"}


def test_an_access_table_that_settings_name_is_read_through_a_link(tmp_path: Path) -> None:
    esmtpd = "##NAME: ACCESSFILE:1\nACCESSFILE=${sysconfdir}/relaying\n##NAME: ESMTPDSTART:0\nESMTPDSTART=YES\n"
    old = linked(tmp_path, "relaying", {"a": "192.0.2\tallow,RELAYCLIENT\n"}, esmtpd=esmtpd)
    assert imported(old, tmp_path) == 0
    assert tree_of(tmp_path)["access"] == {"192.0.2.0/24": "relay"}


def test_a_circle_of_links_is_told_and_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = linked(tmp_path, "userdb", {"staff": ANNA})
    (tmp_path / "srv/again").symlink_to(tmp_path / "srv")
    assert imported(old, tmp_path) == 1
    assert f"userdb/again leads to {tmp_path}/srv, so back to a directory that it is in" in capsys.readouterr().out
    assert read(old).below("userdb") == ["staff"]


@pytest.mark.parametrize(
    "name",
    ["sizelimit", "locals", "locallowercase", "esmtpd", "bofh", "esmtproutes", "aliases", "hosteddomains.dat", "userdb",
     "aliases/more", "dsnfooter.txt", "vhost.192.0.2.7", "maildroprcs/a"],
)  # fmt: skip
def test_a_link_that_leads_nowhere_is_no_empty_file(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = write(tmp_path / "old", {"me": "here.example\n"})
    imported(old, tmp_path / "without")
    capsys.readouterr()
    (old / name).parent.mkdir(exist_ok=True)
    (old / name).symlink_to("/srv/none")
    assert imported(old, tmp_path) == 1
    told = capsys.readouterr().out
    assert f"{old}/{name} leads to /srv/none, which is not here: give the import the target, or remove the link" in told
    assert tree_of(tmp_path) == tree_of(tmp_path / "without")


def test_a_link_that_leads_nowhere_is_no_file_of_a_virtual_host(tmp_path: Path) -> None:
    old = write(tmp_path / "old", {"me": "here.example\n", "vhost.192.0.2.7": ""})
    (old / "sizelimit.192.0.2.7").symlink_to("/srv/none")
    assert imported(old, tmp_path) == 1
    assert "max_message_size" not in tree_of(tmp_path)["virtual_hosts"]["192.0.2.7"]


def test_a_link_to_nothing_in_particular_is_an_empty_file(tmp_path: Path) -> None:
    old = write(tmp_path / "old", {"me": "here.example\n"})
    (old / "locals").symlink_to("/dev/null")
    assert imported(old, tmp_path) == 0
    assert read(old).content("locals") == b""


@pytest.mark.parametrize("target", ["/srv/none", "srv"])
@pytest.mark.parametrize("name", ["esmtpd.pem", "ssl", "filters/active/own"])
def test_links_in_the_place_of_what_is_not_read_are_carried(name: str, target: str, tmp_path: Path) -> None:
    old = write(tmp_path / "old", {"me": "here.example\n"})
    key = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"
    place = write(tmp_path / "srv", {"key.pem": key}) if target == "srv" else Path(target)
    (old / name).parent.mkdir(parents=True, exist_ok=True)
    (old / name).symlink_to(place)
    assert imported(old, tmp_path) == 0
    tree = tree_of(tmp_path)
    links = {name: said["link"] for name, said in tree.get("files", {}).items()}
    links |= {f"filters/active/{name}": link for name, link in tree.get("filters", {}).get("active", {}).items()}
    assert links == {name: str(place)}


def test_accounts_behind_a_link_are_those_of_the_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = linked(tmp_path, "userdb", {"staff": ANNA})
    (old / "userdb.dat").write_bytes(gdbm.dumps({b"bert": b"uid=501|gid=501|home=/home/bert"}))
    assert imported(old, tmp_path) == 0
    assert tree_of(tmp_path)["accounts"].keys() == {"bert"}
    assert "that is a symbolic link, which makeuserdb refuses" in capsys.readouterr().out


def test_a_link_is_as_private_as_what_it_leads_to(tmp_path: Path) -> None:
    old = write(tmp_path / "old", {"me": "here.example\n"})
    write(tmp_path / "srv", {"open": "a\n", "closed": "b\n"}, {"closed": 0o600})
    for name in ("open", "closed"):
        (old / name).symlink_to(tmp_path / "srv" / name)
    found = read(old).files
    assert (found["open"].is_private, found["closed"].is_private) == (False, True)
