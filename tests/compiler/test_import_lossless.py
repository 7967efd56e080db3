"""What an import must neither lose nor bring into force: tables without sources, accounts that nobody asks for, hosts
that only send, and files that no program reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compiler.old_installations import MD5, write
from courier_compiler.cli import main
from courier_schema.legacy.formats import gdbm


def imported(directory: Path, tmp_path: Path) -> int:
    site = tmp_path / "site.yaml"
    return main(["import", str(directory), "-o", str(site), "--host-name", "h.example"])


def built_from(tmp_path: Path) -> Path:
    assert main(["build", str(tmp_path / "site.yaml"), "-o", str(tmp_path / "out")]) == 0
    return tmp_path / "out/etc/courier"


@pytest.mark.parametrize("module", ["esmtp", "local", "uucp", "dsn", "fax"])
@pytest.mark.parametrize("place", ["", "/office"])
def test_aliases_for_each_way_in_which_mail_arrives_are_said(module: str, place: str, tmp_path: Path) -> None:
    files = {"me": "here.example\n", f"aliases-{module}{place}": "boss: anna@example.net\n"}
    assert imported(write(tmp_path / "old", dict(files)), tmp_path) == 0
    database = (built_from(tmp_path) / f"aliases-{module}.dat").read_bytes()
    assert dict(gdbm.Reader(database).items()) == {b"boss@here.example": b"anna@example.net\n"}


@pytest.mark.parametrize("name", ["aliases-sms", "aliases-sms/pager", "aliases-sms.dat"])
def test_aliases_for_a_module_that_courier_has_not_are_explained(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = write(tmp_path / "old", {"me": "here.example\n", name: "boss: anna@example.net\n"})
    assert imported(old, tmp_path) == 0
    assert "Courier has no module of that name, so no program has ever read it" in capsys.readouterr().out
    assert "boss" not in (tmp_path / "site.yaml").read_text()


def test_routes_without_their_source_are_decoded_and_those_that_no_domain_finds_left_out(tmp_path: Path) -> None:
    records = {
        b"a.example": b"[192.0.2.1],2525",
        b"b.example": b"relay.example /SECURITY=REQUIRED",
        b".c.example": b"never.example",
        b"D.example": b"never.example",
        b"": b"never.example",
    }
    old = write(tmp_path / "old", {"me": "here.example\n", "esmtproutes.dat": gdbm.dumps(records)})
    assert imported(old, tmp_path) == 0
    routes = [line for line in (built_from(tmp_path) / "esmtproutes").read_text().splitlines() if line[0] != "#"]
    assert routes == ["a.example:[192.0.2.1],2525", "b.example:relay.example/SECURITY=REQUIRED"]


@pytest.mark.parametrize("name", ["esmtproutes.dat", "aliases.dat", "hosteddomains.dat", "userdb.dat"])
def test_a_database_that_cannot_be_read_and_has_no_source_needs_a_hand(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = write(tmp_path / "old", {"me": "here.example\n", name: b"of another machine"})
    assert imported(old, tmp_path) == 1
    assert f"{name} has no source and cannot be read here" in capsys.readouterr().out


def test_a_host_without_a_local_domain_stays_one(tmp_path: Path) -> None:
    files = {"me": "null.example\n", "locals": "", "esmtproutes": ":smarthost.example\n", "esmtpacceptmailfor": ""}
    assert imported(write(tmp_path / "old", dict(files)), tmp_path) == 0
    made = built_from(tmp_path)
    entries = [line for line in (made / "locals").read_text().splitlines() if not line.startswith("#")]
    assert entries == []
    assert not (made / "aliases").exists(), "the customary names are those of the smarthost's side"


def test_a_server_whose_own_name_is_not_local_keeps_it_so(tmp_path: Path) -> None:
    files = {"me": "mx.here.example\n", "defaultdomain": "here.example\n", "locals": "here.example\n"}
    assert imported(write(tmp_path / "old", dict(files)), tmp_path) == 0
    assert "mx.here.example" not in (built_from(tmp_path) / "locals").read_text()


ANNA = f"anna\tuid=500|gid=500|home=/home/anna|systempw={MD5}\n"


@pytest.mark.parametrize(
    ("modules", "in_force"),
    [
        ("authpam", "authpam"),
        ("authpam authshadow", "authpam authshadow"),
        ("authcram authpam", "authpam"),
        ("authuserdb authpam", "authuserdb authpam"),
        ("authpam authuserdb", "authpam authuserdb"),
    ],
)
def test_accounts_are_never_switched_on_by_importing_them(modules: str, in_force: str, tmp_path: Path) -> None:
    files = {"me": "here.example\n", "userdb": ANNA, "authdaemonrc": f'authmodulelist="{modules}"\ndaemons=5\n'}
    assert imported(write(tmp_path / "old", dict(files), {"userdb": 0o600}), tmp_path) == 0
    made = built_from(tmp_path)
    (line,) = re.findall(r"(?m)^authmodulelist=.*", (made / "authdaemonrc").read_text())
    assert line.partition("=")[2].strip('"') == in_force
    records = dict(gdbm.Reader((made / "userdb.dat").read_bytes()).items())
    assert records.keys() == {b"anna"}, "they are kept, whether anybody asks for them or not"


def test_accounts_that_nobody_asks_for_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"me": "here.example\n", "userdb": ANNA, "authdaemonrc": 'authmodulelist="authpam"\n'}
    assert imported(write(tmp_path / "old", dict(files), {"userdb": 0o600}), tmp_path) == 0
    assert "authmodulelist does not name authuserdb" in capsys.readouterr().out
    assert "accounts:" not in (tmp_path / "site.yaml").read_text()


def test_accounts_of_which_no_file_says_whether_they_are_used_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = write(tmp_path / "old", {"me": "here.example\n", "userdb": ANNA}, {"userdb": 0o600})
    assert imported(old, tmp_path) == 0
    assert "there is no authdaemonrc that says whether the accounts of userdb were in use" in capsys.readouterr().out


def test_an_access_table_that_nothing_reads_does_not_come_into_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    esmtpd = "##NAME: ACCESSFILE:1\nACCESSFILE=/srv/mail/access\n##NAME: ESMTPDSTART:0\nESMTPDSTART=YES\n"
    files = {"me": "here.example\n", "smtpaccess/default": "10\tallow,RELAYCLIENT\n", "esmtpd": esmtpd}
    assert imported(write(tmp_path / "old", dict(files)), tmp_path) == 0
    assert "smtpaccess is not in the site: the settings name another table" in capsys.readouterr().out
    assert "10.0.0.0/8" not in (tmp_path / "site.yaml").read_text()
    assert "ACCESSFILE=/srv/mail/access" in (built_from(tmp_path) / "esmtpd").read_text()


def test_what_an_included_file_of_the_directory_holds_is_in_the_database(tmp_path: Path) -> None:
    files = {"me": "here.example\n", "aliases/x": "all: :include:/etc/courier/lists/all\n", "lists/all": "anna\nbert\n"}
    assert imported(write(tmp_path / "old", dict(files)), tmp_path) == 0
    records = dict(gdbm.Reader((built_from(tmp_path) / "aliases.dat").read_bytes()).items())
    assert records[b"all@here.example"] == b"anna@here.example\nbert@here.example\n"


def test_a_key_comes_with_its_certificate_even_where_that_is_the_one_of_the_package(tmp_path: Path) -> None:
    ssl = "##NAME: TLS_CERTFILE:0\nTLS_CERTFILE=/etc/courier/esmtpd.pem\n##NAME: ESMTPDSSLSTART:0\nESMTPDSSLSTART=YES\n"
    esmtpd = (
        "##NAME: TLS_CERTFILE:0\nKEYS=/srv/keys\nTLS_CERTFILE=$KEYS/chain.pem\nTLS_PRIVATE_KEYFILE=${KEYS}/key.pem\n"
    )
    esmtpd += "##NAME: ESMTPDSTART:0\nESMTPDSTART=YES\n"
    assert imported(write(tmp_path / "old", {"me": "a.example\n", "esmtpd": esmtpd, "esmtpd-ssl": ssl}), tmp_path) == 0
    made = built_from(tmp_path)
    assert "TLS_CERTFILE=/srv/keys/chain.pem\n" in (made / "esmtpd").read_text()
    assert "TLS_PRIVATE_KEYFILE=/srv/keys/key.pem\n" in (made / "esmtpd").read_text()
    assert "TLS_CERTFILE=/etc/courier/esmtpd.pem\n" in (made / "esmtpd-ssl").read_text()


def test_a_database_of_one_virtual_host_is_carried(tmp_path: Path) -> None:
    database = gdbm.dumps({b"b.example": b"1"})
    files: dict[str, str | bytes] = {
        "me": "a.example\n",
        "vhost.192.0.2.7": "",
        "hosteddomains.dat.192.0.2.7": database,
    }
    assert imported(write(tmp_path / "old", files), tmp_path) == 0
    assert (built_from(tmp_path) / "hosteddomains.dat.192.0.2.7").read_bytes() == database


def test_comments_in_the_encoding_of_their_time_are_readable_in_the_site(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"me": "a.example\n", "aliases/x": "# für die Büros\nall: anna\n".encode("latin-1")}
    assert imported(write(tmp_path / "old", files), tmp_path) == 0
    assert "# für die Büros\n" in (tmp_path / "site.yaml").read_text()


def test_secrets_of_challenge_and_response_are_carried_with_their_accounts(tmp_path: Path) -> None:
    secret = "0123456789abcdef" * 4
    line = f"anna\tuid=5000|gid=5000|home=/srv/anna|systempw={MD5}|hmac-md5pw={secret}\n"
    old = write(tmp_path / "old", {"me": "here.example\n", "userdb": line}, {"userdb": 0o600})
    assert main(["import", str(old), "-o", str(tmp_path / "site.yaml"), "--host-name", "h.example"]) == 0
    assert main(["build", str(tmp_path / "site.yaml"), "-o", str(tmp_path / "out")]) == 0
    assert f"hmac-md5pw={secret}" in (tmp_path / "out/etc/courier/userdb").read_text()
