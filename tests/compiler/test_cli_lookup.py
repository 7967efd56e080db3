"""lookup: the answer of the reading program first, then its reasons, and a status that scripts can use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from courier_compiler.cli import main
from courier_schema.legacy.formats import gdbm

Capture = pytest.CaptureFixture[str]

FILES = {
    "me": "mx.example.com\n",
    "defaultdomain": "example.com\n",
    "locals": "localhost\nexample.com\n",
    "aliases": "team: anna, ben@example.net\n@shop.example: sales\n",
    "aliases-esmtp": "team: gate@example.net\n",
    "smtpaccess": "10\tdeny\n10.1\tallow,RELAYCLIENT,SIZE=1\n127.0.0.1.587\tallow,LOCAL=1\n",
    "imapaccess": "10\tallow,IMAP=1\n",
    "hosteddomains": "hosted.example\n.wild.example\tcanon.example\n",
    "esmtpacceptmailfor": "example.com\n",
    "esmtpacceptmailfor.dir": "hosted.example\n",
    "esmtppercentrelay": "inner.example\n",
    "uucpneighbors": "hub\tFR\nleaf\n",
    "userdb": "anna\tuid=5000|gid=5001|home=/home/anna|imappw=hidden\nhalf\tuid=1\n",
}


@pytest.fixture
def etc(tmp_path: Path, capsys: Capture) -> Path:
    """A configuration directory with its databases."""
    (tmp_path / "aliasdir").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "userdb").chmod(0o600)
    assert main(["tables", str(tmp_path)]) == 0
    capsys.readouterr()
    return tmp_path


def look_up(etc: Path, *words: str) -> int:
    return main(["lookup", *words, "--dir", str(etc), "--host-name", "mailhost"])


@pytest.mark.parametrize(
    ("words", "status", "printed"),
    [
        (
            ["alias", "team"],
            0,
            ["anna@example.com", "ben@example.net", "  aliases.dat: team@example.com: found"],
        ),
        (
            ["alias", "team@localhost", "--protocol", "esmtp"],
            0,
            ["gate@example.net", "  aliases-esmtp.dat: team@example.com: found"],
        ),
        (
            ["alias", "x@shop.example"],
            0,
            [
                "sales-x@mx.example.com",
                "  aliases.dat: x@shop.example: not there",
                "  aliases.dat: @shop.example: found",
            ],
        ),
        (
            ["alias", "x@SHOP.example"],
            1,
            [
                "  aliases.dat: x@SHOP.example: not there",
                "  aliases.dat: @SHOP.example: not there",
                "  mail to x@SHOP.example is looked up as x@shop.example: ask for that",
            ],
        ),
        (
            ["access", "10.1.2.3"],
            0,
            [
                "accept",
                "RELAYCLIENT=",
                "SIZE=1",
                "  10.1.2.3: not there",
                "  10.1.2: not there",
                "  10.1: allow,RELAYCLIENT,SIZE=1",
            ],
        ),
        (["access", "10.2.0.0", "--database", "imapaccess.dat"], 0, ["accept", "IMAP=1"]),
        (["access", "10.2.0.0"], 1, ["deny"]),
        (
            ["access", "10.1.0.0", "--access-local", "--local", "127.0.0.1", "--port", "587"],
            0,
            ["accept", "LOCAL=1", "RELAYCLIENT=", "SIZE=1", "  127.0.0.1.587: allow,LOCAL=1"],
        ),
        (["access", "::1"], 0, ["accept", "  :0000:0000:0000:0000:0000:0000:0000:0001: not there"]),
        (["accept", "x@example.com"], 0, ["accepted", "  the text list has example.com"]),
        (
            ["accept", "hosted.example"],
            0,
            ["accepted", "  the text list has nothing that matches", "  hosted.example: 1"],
        ),
        (["accept", "a.org"], 1, ["refused", "  the text list has nothing that matches", "  a.org: not there"]),
        (["hosted", "x@localhost"], 0, ["local", "  locals has localhost", "  account: x"]),
        (
            ["hosted", "a-b@x.wild.example"],
            0,
            [
                "hosted canon.example",
                "  locals has nothing that matches",
                "  x.wild.example: not there",
                "  .wild.example: canon.example",
                "  account: a-b@canon.example",
                "  account: a@canon.example",
                "  account: alias@canon.example",
            ],
        ),
        (["hosted", "other.example"], 1, ["remote"]),
        (["percent", "a%inner.example@example.com"], 0, ["a@inner.example", "  the text list has inner.example"]),
        (["percent", "a%outer.example@example.com"], 1, ["a%outer.example@example.com"]),
        (["percent", "a%inner.example@else.example"], 1, ["a%inner.example@else.example"]),
        (["uucp", "hub!anna"], 0, ["accepted", "  hub: FR", "  rmail runs at hub"]),
        (
            ["uucp", "leaf!x!anna"],
            1,
            ["refused", "  leaf: 1", "  leaf!x: not there", "  nothing on the way accepts it"],
        ),
        (["uucp", "far!anna"], 1, ["rewritten", "  far: not there", "  far is no neighbour, so this is anna@far"]),
        (
            ["userdb", "anna", "--service", "imap"],
            0,
            [
                "uid=5000",
                "gid=5001",
                "home=/home/anna",
                "  userdb.dat: anna: found",
                "  userdbshadow.dat, imap: password",
            ],
        ),
        (["userdb", "half"], 1, ["  userdb.dat: half: its record lacks a home directory, or a numeric uid or gid"]),
        (["userdb", "nobody"], 1, ["  userdb.dat: nobody: no such record"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else str(value),
)
def test_answers_come_before_their_reasons(
    words: list[str], status: int, printed: list[str], etc: Path, capsys: Capture
) -> None:
    assert look_up(etc, *words) == status
    lines = capsys.readouterr().out.splitlines()
    answers = [line for line in lines if not line.startswith(" ")]
    assert lines[: len(printed)] == printed
    assert answers == [line for line in printed if not line.startswith(" ")]


def test_passwords_are_never_shown(etc: Path, capsys: Capture) -> None:
    for form in ("text", "json"):
        assert look_up(etc, "userdb", "anna", "--service", "imap", "--format", form) == 0
    assert "hidden" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["alias", "team"],
            {
                "found": True,
                "recipients": ["anna@example.com", "ben@example.net"],
                "tried": ["team@example.com"],
                "matched": "team@example.com",
            },
        ),
        (
            ["access", "10.9.9.9"],
            {
                "found": False,
                "action": "deny",
                "environment": {},
                "tried": ["10.9.9.9", "10.9.9", "10.9", "10"],
                "matched": "10",
            },
        ),
        (
            ["hosted", "a@hosted.example"],
            {
                "found": True,
                "place": "hosted",
                "domain": "hosted.example",
                "accounts": ["a@hosted.example", "alias@hosted.example"],
                "tried": ["hosted.example"],
                "matched": "hosted.example",
            },
        ),
        (
            ["uucp", "hub!anna"],
            {"found": True, "action": "accepted", "rmail_at": "hub", "tried": ["hub"], "matched": "hub"},
        ),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_programs_get_the_same_as_json(words: list[str], told: dict[str, object], etc: Path, capsys: Capture) -> None:
    assert look_up(etc, *words, "--format", "json") == (0 if told["found"] else 1)
    assert json.loads(capsys.readouterr().out) == told


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nosuchtable", "x"],
        ["alias"],
        ["alias", "x", "--protocol", "pigeon"],
        ["access", "example.com"],
        ["access", "10.0.0.1", "--access-local"],
        ["access", "10.0.0.1", "--port", "smtp"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_status_2(words: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["lookup", *words])
    assert ended.value.code == 2
    assert "usage: courier-compile lookup" in capsys.readouterr().err


def test_a_database_that_does_not_exist_holds_nothing(etc: Path) -> None:
    (etc / "hosteddomains.dat").unlink()
    assert look_up(etc, "hosted", "hosted.example") == 1


def test_a_database_that_was_named_must_exist(etc: Path, capsys: Capture) -> None:
    assert look_up(etc, "access", "10.0.0.1", "--database", "none.dat") == 1
    assert capsys.readouterr().err == f"courier-compile: {etc}/none.dat does not exist\n"


def test_a_database_that_is_none_is_trouble(etc: Path, capsys: Capture) -> None:
    (etc / "aliases.dat").write_text("team: anna\n" * 1000)
    assert look_up(etc, "alias", "team") == 1
    assert capsys.readouterr().err.startswith(f"courier-compile: {etc}/aliases.dat: malformed GDBM database")


def test_a_database_that_is_cut_off_is_told_by_name(etc: Path, capsys: Capture) -> None:
    whole = gdbm.dumps({b"%d@example.com" % number: b"x" * 50 for number in range(900)})
    (etc / "aliases.dat").write_bytes(whole[:9000])
    assert look_up(etc, "alias", "team") == 1
    assert capsys.readouterr().err.startswith(f"courier-compile: {etc}/aliases.dat: malformed GDBM database")


def test_the_access_database_is_where_the_settings_say(etc: Path) -> None:
    (etc / "smtpaccess.dat").rename(etc / "clients.dat")
    assert look_up(etc, "access", "10.2.0.0") == 0
    (etc / "esmtpd").write_text("ACCESSFILE=${sysconfdir}/clients\n")
    assert look_up(etc, "access", "10.2.0.0") == 1


def test_bytes_that_are_no_text_come_back_escaped(etc: Path, capsys: Capture) -> None:
    assert look_up(etc, "alias", "caf\udce9") == 1
    assert "caf\\udce9@example.com: not there" in capsys.readouterr().out


@pytest.mark.parametrize("spelling", ["192.0.2.9", "::ffff:192.0.2.9"])
def test_a_virtual_host_reads_files_of_its_own_as_a_whole(spelling: str, etc: Path, capsys: Capture) -> None:
    (etc / "defaultdomain.192.0.2.9").write_text("shop.example\n")
    (etc / "esmtpacceptmailfor.192.0.2.9").write_text("shop.example\n")
    assert look_up(etc, "accept", "example.com") == 0
    assert look_up(etc, "accept", "example.com", "--virtual-host", spelling) == 1
    assert look_up(etc, "accept", "shop.example", "--virtual-host", spelling) == 0
    assert look_up(etc, "accept", "hosted.example", "--virtual-host", spelling) == 0, "the database is everybody's"
    capsys.readouterr()
    assert look_up(etc, "alias", "team", "--virtual-host", spelling) == 0, "an alias takes that whole domain"
    assert "aliases.dat: team@shop.example: not there" in capsys.readouterr().out


def test_a_virtual_host_without_files_of_its_own_is_like_the_others(etc: Path) -> None:
    assert look_up(etc, "accept", "example.com", "--virtual-host", "shop.example") == 0
