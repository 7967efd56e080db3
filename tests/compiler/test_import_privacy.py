"""What not everybody could read in an old installation, nobody else reads after its import: not in the site, and not in
a report."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, Final

import pytest

from compiler.old_installations import MD5, write
from courier_compiler import pipeline
from courier_compiler.build import build
from courier_compiler.cli import main
from courier_compiler.importing import conninfo
from courier_schema.source.secrets import HostSecrets

SECRET: Final = "geheim"
PRIVATE: Final[dict[str, str]] = {
    "authmysqlrc": "# was geheim-1 until May\n# MYSQL_PASSWORD geheim-2\nMYSQL_SERVER db\nMYSQL_USERNAME u\n"
    "MYSQL_PASSWORD geheim-3\nMYSQL_DATABASE d\nMYSQL_PASSPHRASE geheim-4\n",
    "authpgsqlrc": "PGSQL_CONNECTION  host=db user=mail password=geheim-5 dbname=mail\nPGSQL_USER_TABLE users\n",
    "authldaprc": "LDAP_URI ldap://l.example\nLDAP_BASEDN o=x\nLDAP_BINDDN cn=x\nLDAP_BINDPW geheim-6\n",
    "ldapaliasrc": "LDAP_URI ldap://l.example\nLDAP_BASEDN o=x\nLDAP_BINDPW geheim-7\n",
    "esmtpauthclient": "# geheim-8\nrelay.example me geheim-9 geheim-10\ngeheim-11 geheim-12\n",
    "esmtpauthclient.192.0.2.7": "relay.example me geheim-13\n",
    "dsnfrom.192.0.2.7": "geheim-14 <x@y.example>\n",
    "webadmin/password": "geheim-15\ngeheim-16\n",
    "userdb": f"# geheim-17\nanna\tuid=500|gid=500|home=/home/anna|quota=geheim-18|systempw={MD5}\n",
    "private.conf": "token=geheim-19\n",
    "private.txt": "token=geheim-20",
    "esmtpd": "# geheim-21\nTOKEN=geheim-22\nTCPDOPTS='-user geheim-23'\nMAXDAEMONS=geheim-24 # geheim-25\n"
    "OTHER=`cat geheim-26`\nESMTPDSTART=YES\nMAXPERC='$geheim'\n",
    "courierd": "DEFAULTDELIVERY=./Maildir\nAUTH_MKHOMEDIR_SKEL=geheim-27\n",
    "maildroprc": "PASSWORD=geheim-28\n",
    "maildroprcs/more": "PASSWORD=geheim-29\n",
    "aliasdir/.courier-default": "|/usr/bin/curl -u me:geheim-30\n",
    "dsnfooter.txt": "geheim-31\n",
    "faxrc": "# geheim-32\ngeheim-33 x\n",
    "bofh": "# geheim-34\ngeheim-35 x\nbadmx geheim-36\nopt BOFHCHECKHELO=geheim-37\nopt BOFHCHECKDNS=geheim-38\n",
    "queuetime": "soon geheim-39\ngeheim-40\n",
    "sizelimit": "geheim-41\n",
    "locals": "a.example\ngeheim 42\n",
    "hosteddomains": "b.example\n# geheim-43\ngeheim 44\n",
    "smtpaccess": "# geheim-45\ngeheim-46\tallow\n192.0.2\tallow,geheim 47=geheim-48\n",
    "uucpneighbors": "geheim 49\tF\n# geheim-50\n",
    "aliases": "# geheim-51\nx: anna # geheim-52\ngeheim 58: anna\n",
    "esmtproutes": "# geheim-53\na.example:relay.example # geheim-54\ngeheim 60:relay.example\n",
    "ldapaddressbook": "book\tl.example\t389\to=x\tcn=geheim-62\n",
    "maildirshared": "Public /srv/public # geheim-55\n",
    "defaultdomain": "a geheim-56\n",
    "logindomainlist": "a.example:x:@\n geheim-57\n",
}  # fmt: skip
PUBLIC: Final = {"me": "mx.a.example\n", "vhost.192.0.2.7": ""}
REPORTED: Final = ("text", "json", "github", "sarif")


def installation(directory: Path, modes: int = 0o600) -> Path:
    files: dict[str, str | bytes] = {**PUBLIC, **PRIVATE}
    return write(directory, files, dict.fromkeys(PRIVATE, modes))


def imported(old: Path, site: Path, *options: str) -> int:
    return main(["import", str(old), "-o", str(site), "--host-name", "mx.a.example", *options])


def tree_of(site: Path) -> dict[str, Any]:
    (reading,) = pipeline.read(site)
    return dict(reading.document.tree)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("form", REPORTED)
def test_no_secret_of_a_tree_that_has_all_kinds_of_them_stands_in_the_site_or_in_a_report(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(installation(tmp_path / "etc"), tmp_path / "new/site.yaml", "--format", form)
    said = capsys.readouterr()
    assert said.out
    for text in (said.out, said.err, (tmp_path / "new/site.yaml").read_text()):
        assert [line for line in text.splitlines() if SECRET in line] == []


def test_secrets_are_in_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    imported(installation(tmp_path / "etc"), tmp_path / "new/site.yaml")
    with_secrets = [
        path for path in (tmp_path / "new").rglob("*") if path.is_file() and SECRET in path.read_text(errors="replace")
    ]
    assert len(with_secrets) > 10
    assert {path: mode(path) for path in with_secrets if mode(path) != 0o600} == {}


def test_files_of_back_ends_are_private_whatever_their_mode_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backends = ("authmysqlrc", "authpgsqlrc", "authldaprc", "ldapaliasrc", "esmtpauthclient", "userdb")
    files: dict[str, str | bytes] = {**PUBLIC, **{name: PRIVATE[name] for name in backends}}
    imported(write(tmp_path / "etc", files), tmp_path / "site.yaml")
    assert SECRET not in (tmp_path / "site.yaml").read_text()
    assert SECRET not in capsys.readouterr().out


def test_a_link_to_a_private_file_is_as_private(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = write(tmp_path / "srv", {"e": PRIVATE["esmtpd"]}, {"e": 0o600}) / "e"
    old = write(tmp_path / "etc", dict(PUBLIC))
    (old / "esmtpd").symlink_to(target)
    imported(old, tmp_path / "site.yaml")
    assert SECRET not in (tmp_path / "site.yaml").read_text()
    assert SECRET not in capsys.readouterr().out


@pytest.mark.parametrize(("modes", "wanted"), [(0o600, 0o600), (0o640, 0o600), (0o644, 0o644)])
def test_a_site_with_words_of_private_files_is_for_its_owner_alone(modes: int, wanted: int, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {**PUBLIC, "aliases": "x: anna\n"}
    imported(write(tmp_path / "etc", files, {"aliases": modes}), tmp_path / "site.yaml")
    assert mode(tmp_path / "site.yaml") == wanted


def test_the_reader_is_told_which_files_keep_the_site_from_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, str | bytes] = {**PUBLIC, "aliases": "x: anna\n"}
    imported(write(tmp_path / "etc", files, {"aliases": 0o640}), tmp_path / "site.yaml")
    assert "only its owner may read the site, because it says what stands in aliases" in capsys.readouterr().out


def test_a_private_file_of_a_virtual_host_is_carried_as_a_secret(tmp_path: Path) -> None:
    name = "esmtpauthclient.192.0.2.7"
    old = write(tmp_path / "etc", {**PUBLIC, name: PRIVATE[name]}, {name: 0o600})
    assert imported(old, tmp_path / "site.yaml") == 0
    assert tree_of(tmp_path / "site.yaml")["files"][name]["secret"] == {"from_file": f"secrets/{name}"}
    (reading,) = pipeline.read(tmp_path / "site.yaml")
    assert reading.resolved is not None
    made = build(reading.resolved, HostSecrets(tmp_path), "site.yaml")
    (built,) = [file for file in made.artefacts if file.path.endswith(name)]
    assert (built.content.decode(), built.mode) == (PRIVATE[name], 0o600)


def test_texts_of_private_files_stand_in_an_included_file_and_mean_the_same(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "me": "a.example\n",
        "maildroprc": PRIVATE["maildroprc"],
        "esmtpd": "##NAME: TOKEN:0\nTOKEN=geheim-22\n##NAME: ESMTPDSTART:0\nESMTPDSTART=YES\n",
    }
    old = write(tmp_path / "etc", files, {"maildroprc": 0o600, "esmtpd": 0o600})
    assert imported(old, tmp_path / "site.yaml") == 0
    assert (tmp_path / "site.yaml").read_text().startswith("version: 1\ninclude: [secrets/private.yaml]\n")
    tree = tree_of(tmp_path / "site.yaml")
    assert tree["environment"] == {"esmtpd": {"TOKEN": "geheim-22"}}
    assert tree["delivery"]["maildrop_rules"] == PRIVATE["maildroprc"]


def test_what_only_a_shell_could_carry_out_of_a_private_file_is_kept_among_the_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, str | bytes] = {**PUBLIC, "esmtpd": "ESMTPDSTART=YES\nOTHER=`cat geheim-26`\n"}
    old = write(tmp_path / "etc", files, {"esmtpd": 0o600})
    assert imported(old, tmp_path / "site.yaml") == 1
    assert "  OTHER=`cat geheim-26`\n" in (tmp_path / "secrets/comments.txt").read_text()
    assert f"(line 2 of {old}/esmtpd)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "connection",
    [
        "host=db user=mail password=geheim-5 dbname=mail",
        "password = 'geheim-5' host=db user=mail dbname=mail",
        "host=db password=wrong user=mail dbname=mail password=geheim-5",
        "postgresql://mail:geheim-5@db/mail",
        "postgres://db/mail?user=mail&password=geheim-5",
    ],
)
def test_the_password_of_a_connection_is_found_wherever_it_stands(
    connection: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authpgsqlrc = f"PGSQL_CONNECTION  {connection}\nPGSQL_USER_TABLE users\n"
    old = write(tmp_path / "etc", {"me": "a.example\n", "authpgsqlrc": authpgsqlrc})
    assert imported(old, tmp_path / "site.yaml") == 0
    assert (tmp_path / "secrets/postgresql-password").read_text() == "geheim-5\n"
    said = tree_of(tmp_path / "site.yaml")["auth"]["postgresql"]["connection"]
    assert conninfo.parse(said) == {"host": "db", "user": "mail", "dbname": "mail"}
    assert "PGSQL_CONNECTION" not in capsys.readouterr().out, "another order of words is no difference"


@pytest.mark.parametrize("connection", ["host=db sslpassword=geheim-5", "host=db password='geheim-5"])
def test_a_connection_with_a_secret_that_has_no_place_in_a_site_is_among_the_secrets(
    connection: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = write(tmp_path / "etc", {"me": "a.example\n", "authpgsqlrc": f"PGSQL_CONNECTION {connection}\n"})
    imported(old, tmp_path / "site.yaml")
    assert SECRET not in (tmp_path / "site.yaml").read_text()
    assert SECRET not in capsys.readouterr().out
    assert tree_of(tmp_path / "site.yaml")["auth"]["postgresql"]["connection"] == connection


def test_check_does_not_show_a_password_that_somebody_wrote_into_a_connection(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("site: a.example\nauth: {postgresql: {connection: host=db password=geheim-5, tabel: users}}\n")
    assert main(["check", str(site)]) == 1
    said = capsys.readouterr().out
    assert "password=********, tabel: users" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"host": "db", "password": "it's"}, r"host=db password='it\'s'"),
        ({"host": "db", "options": "-c a=b"}, "host=db options='-c a=b'"),
        ({"host": "db", "user": ""}, "host=db user=''"),
    ],
)
def test_words_of_a_connection_are_written_as_the_client_library_reads_them(words: dict[str, str], text: str) -> None:
    assert conninfo.write(words) == text
    assert conninfo.parse(text) == words


def test_hosts_of_an_address_are_words_of_a_connection() -> None:
    assert conninfo.parse("postgresql://a,[2001:db8::1]:5433/d%20b?sslmode=require") == {
        "host": "a,2001:db8::1", "port": ",5433", "dbname": "d b", "sslmode": "require",
    }  # fmt: skip
