"""tables: an existing configuration directory gets its databases, each as its make command would leave it."""

from __future__ import annotations

import fcntl
import gc
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from courier_compiler.cli import main
from courier_schema.legacy.formats import gdbm

Capture = pytest.CaptureFixture[str]

SOURCES = {
    "me": "mx.example.com\n",
    "defaultdomain": "example.com\n",
    "aliases/system": "root: anna\n",
    "aliases-esmtp": "only-by-smtp: anna\n",
    "smtpaccess/default": "10.0.0.0/8\tallow,RELAYCLIENT\n",
    "imapaccess": "*\tallow\n",
    "hosteddomains/a": "hosted.example\n",
    "esmtpacceptmailfor.dir/a": "example.com\n",
    "esmtppercentrelay.dir/a": "inner.example\n",
    "uucpneighbors": "hub\tF\n",
    "userdb": "anna\tuid=5000|gid=5000|home=/home/anna|systempw=secret\n",
}
DATABASES = {
    "aliases.dat": 0o664,
    "aliases-esmtp.dat": 0o664,
    "smtpaccess.dat": 0o644,
    "imapaccess.dat": 0o644,
    "hosteddomains.dat": 0o644,
    "esmtpacceptmailfor.dat": 0o644,
    "esmtppercentrelay.dat": 0o644,
    "uucpneighbors.dat": 0o644,
    "userdb.dat": 0o644,
    "userdbshadow.dat": 0o600,
}


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A configuration directory with one source of every kind."""
    (tmp_path / "aliasdir").mkdir()
    for name, text in SOURCES.items():
        put(tmp_path / name, text)
    (tmp_path / "userdb").chmod(0o600)
    return tmp_path


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def tables(etc: Path, *options: str) -> int:
    return main(["tables", str(etc), "--host-name", "mailhost", *options])


def records(path: Path) -> Mapping[bytes, bytes]:
    return dict(gdbm.Reader(path.read_bytes()).items())


def names(etc: Path) -> set[str]:
    return {path.name for path in etc.glob("*.dat")}


def test_every_source_that_exists_is_compiled(etc: Path, capsys: Capture) -> None:
    assert tables(etc) == 0
    assert names(etc) == set(DATABASES)
    printed = capsys.readouterr().out.splitlines()
    assert printed == [f"{etc}/{name}: 1 record" for name in DATABASES]


def test_databases_have_the_modes_of_the_real_tools_whatever_the_umask(etc: Path) -> None:
    before = os.umask(0o077)
    try:
        assert tables(etc) == 0
    finally:
        os.umask(before)
    assert {name: (etc / name).stat().st_mode & 0o7777 for name in DATABASES} == DATABASES


def test_only_what_is_named_is_compiled(etc: Path) -> None:
    assert tables(etc, "--only", "aliases,uucpneighbors", "--only", "userdb") == 0
    assert names(etc) == {"aliases.dat", "uucpneighbors.dat", "userdb.dat", "userdbshadow.dat"}


def test_an_unknown_name_is_guessed_at(etc: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        tables(etc, "--only", "aliases,hosteddomain")
    assert ended.value.code == 2
    assert "did you mean hosteddomains?" in capsys.readouterr().err
    assert names(etc) == set()


def test_a_named_source_that_does_not_exist_is_an_error(tmp_path: Path, capsys: Capture) -> None:
    assert tables(tmp_path, "--only", "hosteddomains") == 1
    told = capsys.readouterr().out
    assert told.startswith(f"error: `{tmp_path}/hosteddomains` does not exist [table-source-missing]\n")
    assert names(tmp_path) == set()


@pytest.mark.parametrize("place", ["empty", "missing"])
def test_a_directory_without_sources_is_trouble(place: str, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "empty").mkdir()
    assert tables(tmp_path / place) == 1
    assert str(tmp_path / place) in capsys.readouterr().err


def test_a_mistake_leaves_its_own_database_as_it_was_and_the_others_are_replaced(etc: Path, capsys: Capture) -> None:
    put(etc / "aliases.dat", "old")
    put(etc / "hosteddomains.dat", "old")
    put(etc / "hosteddomains/a", "one.example\ntwo.example\none.example\n")
    assert tables(etc) == 1
    printed = capsys.readouterr().out
    assert f"{etc}/hosteddomains/a:3:1: error: " in printed
    assert "   3 | one.example" in printed
    assert f"{etc}/aliases.dat: 1 record\n" in printed
    assert "hosteddomains.dat: " not in printed
    assert (etc / "hosteddomains.dat").read_text() == "old"
    assert records(etc / "aliases.dat") == {b"root@example.com": b"anna@example.com\n"}
    assert names(etc) == set(DATABASES)


def test_aliases_and_access_may_fail_each_for_themselves(etc: Path) -> None:
    put(etc / "aliases/system", "no colon\n")
    put(etc / "smtpaccess/default", "10.0.0.0/8\tallow\n10.0.0.0/8\tdeny\n")
    assert tables(etc) == 1
    assert names(etc) == set(DATABASES) - {"aliases.dat", "smtpaccess.dat"}


def test_warnings_do_not_fail_unless_told_to(etc: Path, capsys: Capture) -> None:
    put(etc / "hosteddomains/a", "Upper.Example\n")
    assert tables(etc) == 0
    assert "[domain-not-normal]" in capsys.readouterr().out
    assert tables(etc, "--strict") == 1


def test_problems_are_told_to_programs_alone(etc: Path, capsys: Capture) -> None:
    assert tables(etc, "--format", "json") == 0
    assert capsys.readouterr().out.replace("\n", "").replace(" ", "") == '{"problems":[],"counts":{}}'


def test_nothing_but_databases_and_the_lock_is_left_behind(etc: Path) -> None:
    before = {path.name for path in etc.iterdir()}
    assert tables(etc) == 0
    assert {path.name for path in etc.iterdir()} - before == {*DATABASES, "userdb.lock"}


def test_a_database_that_is_already_right_is_left_alone(etc: Path) -> None:
    assert tables(etc) == 0
    inode = (etc / "aliases.dat").stat().st_ino
    put(etc / "hosteddomains/a", "other.example\n")
    assert tables(etc) == 0
    assert (etc / "aliases.dat").stat().st_ino == inode
    assert records(etc / "hosteddomains.dat") == {b"other.example": b"1"}


def test_a_disk_that_refuses_leaves_everything_as_it_was(etc: Path, capsys: Capture) -> None:
    (etc / "userdb.dat").mkdir()
    assert tables(etc) == 1
    assert "cannot write" in capsys.readouterr().err
    assert not [path for path in etc.iterdir() if path.name.endswith(".tmp")]


def test_the_access_file_is_where_the_settings_say(etc: Path) -> None:
    put(etc / "esmtpd", "ACCESSFILE=${sysconfdir}/clients\n")
    put(etc / "esmtpd-msa", "ACCESSFILE=/etc/courier/senders\n")
    put(etc / "imapd", 'IMAPACCESSFILE="/opt/courier/readers"\n')
    for name in ("clients", "senders", "readers"):
        put(etc / name, f"*\tallow,FROM={name}\n")
    assert tables(etc, "--only", "smtpaccess") == 0
    assert records(etc / "clients.dat") == {b"*": b"allow,FROM=clients"}
    assert records(etc / "senders.dat") == {b"*": b"allow,FROM=senders"}
    assert names(etc) == {"clients.dat", "senders.dat"}
    assert tables(etc, "--only", "imapaccess", "--sysconfdir", "/opt/courier") == 0
    assert records(etc / "readers.dat") == {b"*": b"allow,FROM=readers"}


def test_both_servers_share_one_access_file_unless_told_otherwise(etc: Path, capsys: Capture) -> None:
    put(etc / "esmtpd", "ACCESSFILE=${sysconfdir}/smtpaccess\n")
    put(etc / "esmtpd-msa", "MAXPERIP=8\n")
    assert tables(etc, "--only", "smtpaccess") == 0
    assert capsys.readouterr().out == f"{etc}/smtpaccess.dat: 1 record\n"


def test_an_access_file_that_only_a_shell_could_name_is_a_problem(etc: Path, capsys: Capture) -> None:
    put(etc / "esmtpd", "ACCESSFILE=$(cat where)\n")
    assert tables(etc, "--only", "smtpaccess") == 1
    assert "[shell-expansion]" in capsys.readouterr().out


def test_an_access_file_that_no_setting_names_cannot_be_asked_for(etc: Path, capsys: Capture) -> None:
    put(etc / "esmtpd", "MAXPERIP=8\n")
    assert tables(etc, "--only", "smtpaccess") == 1
    assert "[access-file-not-set]" in capsys.readouterr().out


def test_program_files_come_and_go_with_their_aliases(etc: Path) -> None:
    shelf = etc / "aliasdir/.courier-:xalias"
    put(etc / "aliases/system", "bot: |reply\nlog: /var/log/mail\n")
    assert tables(etc, "--only", "aliases") == 0
    assert {path.name: path.read_text() for path in shelf.iterdir()} == {
        "bot@example+2ecom": "|reply\n",
        "log@example+2ecom": "/var/log/mail\n",
    }
    assert {path.stat().st_mode & 0o7777 for path in shelf.iterdir()} == {0o664}
    put(etc / "aliases/system", "log: /var/log/post\n")
    assert tables(etc, "--only", "aliases") == 0
    assert {path.name: path.read_text() for path in shelf.iterdir()} == {"log@example+2ecom": "/var/log/post\n"}
    put(etc / "aliases/system", "log: anna\n")
    assert tables(etc, "--only", "aliases") == 0
    assert not shelf.exists()


def test_each_protocol_has_program_files_of_its_own(etc: Path) -> None:
    put(etc / "aliases-esmtp", "bot: |reply\n")
    assert tables(etc, "--only", "aliases-esmtp") == 0
    assert (etc / "aliasdir/.courier-:xalias-esmtp/bot@example+2ecom").exists()
    assert records(etc / "aliases-esmtp.dat") == {
        b"bot@example.com": b'".xalias-esmtp/bot@example+2ecom"@example.com\n'
    }


def test_programs_that_courier_looks_for_under_another_name_are_mentioned(etc: Path, capsys: Capture) -> None:
    put(etc / "dotextension", "qmail\n")
    put(etc / "aliases/system", "bot: |reply\n")
    assert tables(etc, "--only", "aliases") == 0
    told = capsys.readouterr().out
    assert "[alias-programs-elsewhere]" in told
    assert f"{etc}/aliasdir/.qmail-:xalias" in told
    (etc / "aliasdir/.qmail-:xalias").symlink_to(".courier-:xalias")
    assert tables(etc, "--only", "aliases") == 0
    assert "[alias-programs-elsewhere]" not in capsys.readouterr().out


def test_after_a_mistake_the_program_files_stay(etc: Path) -> None:
    put(etc / "aliases/system", "bot: |reply\n")
    assert tables(etc, "--only", "aliases") == 0
    put(etc / "aliases/system", "bot: |other\nno colon\n")
    assert tables(etc, "--only", "aliases") == 1
    assert (etc / "aliasdir/.courier-:xalias/bot@example+2ecom").read_text() == "|reply\n"


def test_without_aliasdir_the_command_fails_as_the_real_one_does(etc: Path, capsys: Capture) -> None:
    (etc / "aliasdir").rmdir()
    assert tables(etc, "--only", "aliases") == 1
    assert "[aliasdir-missing]" in capsys.readouterr().out
    assert records(etc / "aliases.dat") == {b"root@example.com": b"anna@example.com\n"}
    put(etc / "aliases/system", "bot: |reply\n")
    (etc / "aliases.dat").unlink()
    assert tables(etc, "--only", "aliases") == 1
    assert not (etc / "aliases.dat").exists()


def test_a_built_tree_has_the_directory_even_if_no_alias_runs_a_program(tmp_path: Path) -> None:
    put(tmp_path / "site.yaml", "site: example.com\nhost: {name: mx.example.com, postmaster: a@example.net}\n")
    assert main(["build", str(tmp_path / "site.yaml"), "-o", str(tmp_path / "tree")]) == 0
    assert tables(tmp_path / "tree/etc/courier", "--only", "aliases") == 0


def test_includes_below_the_configured_directory_are_read_here(etc: Path) -> None:
    put(etc / "aliases/system", "all: :include:/etc/courier/lists/all\n")
    put(etc / "lists/all", "anna\nben@example.net\n")
    assert tables(etc, "--only", "aliases") == 0
    assert records(etc / "aliases.dat") == {b"all@example.com": b"anna@example.com\nben@example.net\n"}


def test_half_a_failed_userdb_is_replaced_as_the_real_tool_does(etc: Path) -> None:
    put(etc / "userdb", "anna\tuid=1\nanna\tuid=2\nben\tsystempw=secret\n")
    assert tables(etc) == 1
    assert names(etc) == set(DATABASES) - {"userdb.dat"}
    assert records(etc / "userdbshadow.dat") == {b"ben": b"systempw=secret"}


def test_a_userdb_behind_a_link_is_refused(etc: Path, capsys: Capture) -> None:
    (etc / "userdb").rename(etc / "elsewhere")
    (etc / "userdb").symlink_to("elsewhere")
    assert tables(etc, "--only", "userdb") == 1
    assert f"{etc}/userdb:1:1: error: " in capsys.readouterr().out
    assert names(etc) == set()


def test_problems_of_a_userdb_directory_name_whole_paths(etc: Path, capsys: Capture) -> None:
    (etc / "userdb").unlink()
    put(etc / "userdb/virtual/example.com", "anna uid=1\n")
    (etc / "userdb").chmod(0o700)
    assert tables(etc, "--only", "userdb") == 0
    assert f"{etc}/userdb/virtual/example.com:1:1: warning: " in capsys.readouterr().out


def test_userdb_waits_for_whoever_holds_the_lock(etc: Path) -> None:
    with (etc / "userdb.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        ours = threading.Thread(target=tables, args=(etc, "--only", "userdb"))
        ours.start()
        ours.join(0.3)
        assert ours.is_alive()
        assert not (etc / "userdb.dat").exists()
        fcntl.flock(held, fcntl.LOCK_UN)
        ours.join(30)
    assert (etc / "userdb.dat").exists()


def test_later_releases_have_other_rules(etc: Path, capsys: Capture) -> None:
    put(etc / "hosteddomains/a", "no-newline.example")
    assert tables(etc, "--only", "hosteddomains") == 1
    assert tables(etc, "--only", "hosteddomains", "--release", "2.0") == 0
    assert records(etc / "hosteddomains.dat") == {b"no-newline.example": b"1"}
    put(etc / "hosteddomains/a.rpmnew", "")
    capsys.readouterr()
    assert tables(etc, "--only", "hosteddomains", "--release", "2.0") == 1
    assert f"{etc}/hosteddomains/a.rpmnew:1:1: error: " in capsys.readouterr().out


def test_a_release_is_a_number(etc: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        tables(etc, "--release", "bookworm")
    assert ended.value.code == 2
    assert "'bookworm' is not a release" in capsys.readouterr().err


def test_the_host_name_stands_in_for_a_missing_me(etc: Path) -> None:
    (etc / "me").unlink()
    (etc / "defaultdomain").unlink()
    assert tables(etc, "--only", "aliases") == 0
    assert records(etc / "aliases.dat") == {b"root@mailhost": b"anna@mailhost\n"}


def test_the_garbage_collector_runs_again_afterwards(etc: Path) -> None:
    assert tables(etc) == 0
    assert gc.isenabled()


@pytest.mark.parametrize("wrong", ["mode", "link"])
def test_a_userdb_that_is_refused_leaves_no_lock_behind(wrong: str, etc: Path) -> None:
    (etc / "userdb.lock").unlink(missing_ok=True)
    if wrong == "mode":
        (etc / "userdb").chmod(0o644)
    else:
        (etc / "userdb").rename(etc / "elsewhere")
        (etc / "userdb").symlink_to("elsewhere")
    assert tables(etc, "--only", "userdb") == 1
    assert not (etc / "userdb.lock").exists()
