"""Old installations become sites that mean the same, and whatever does not is told."""

from __future__ import annotations

import re
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from compiler.old_installations import (
    DES,
    HOST_NAME,
    copied,
    databases_only,
    names,
    provider,
    sysconfdir,
    write,
)
from courier_compiler import pipeline
from courier_compiler.build import Build, build, manifest
from courier_compiler.cli import main
from courier_compiler.importing.compare import Difference, compare, losses
from courier_compiler.importing.importer import import_site
from courier_compiler.importing.installation import built_installation, read_installation
from courier_compiler.importing.write import write as write_site
from courier_compiler.profile import load_profile
from courier_compiler.resolved import ResolvedSite
from courier_compiler.tree import write_tree
from courier_schema.source.secrets import HostSecrets

SCRIPTED = {"hand-edited-1.0": 2}
"""Installations whose settings files hold something that only a shell could carry out, and how often."""


def imported(directory: Path, site: Path, *options: str) -> int:
    """The exit status of the command."""
    return main(["import", str(directory), "-o", str(site), "--host-name", HOST_NAME, *options])


def tree_of(site: Path) -> dict[str, Any]:
    (reading,) = pipeline.read(site)
    assert reading.resolved is not None, [str(problem) for problem in reading.report]
    return dict(reading.document.tree)


def built(site: Path) -> tuple[ResolvedSite, Build]:
    (reading,) = pipeline.read(site)
    assert reading.resolved is not None
    return reading.resolved, build(reading.resolved, HostSecrets(site.parent), "site.yaml")


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines of the report that say something."""
    return [line for line in capsys.readouterr().out.splitlines() if re.search(r"\[[a-z-]+\]$", line)]


@pytest.mark.parametrize("name", names())
def test_nothing_of_an_old_installation_is_lost(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = copied(name, tmp_path / "etc")
    status = imported(old, tmp_path / "new" / "site.yaml", "--sysconfdir", sysconfdir(name))
    lost = [line for line in told(capsys) if "[import-loss]" in line]
    assert len(lost) == SCRIPTED.get(name, 0), lost
    assert status == (1 if lost else 0)


@pytest.mark.parametrize("name", names())
def test_the_site_of_an_old_installation_builds_without_a_mistake(name: str, tmp_path: Path) -> None:
    site = tmp_path / "new" / "site.yaml"
    imported(copied(name, tmp_path / "etc"), site, "--sysconfdir", sysconfdir(name))
    _, made = built(site)
    assert [str(problem) for problem in made.problems if problem.severity == "error"] == []


@pytest.mark.parametrize("name", names())
def test_importing_what_an_imported_site_builds_changes_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "one" / "site.yaml", tmp_path / "two" / "site.yaml"
    imported(copied(name, tmp_path / "etc"), first, "--sysconfdir", sysconfdir(name))
    resolved, made = built(first)
    write_tree(tmp_path / "tree", made.artefacts, manifest(resolved, made.artefacts))
    capsys.readouterr()
    assert imported(tmp_path / "tree" / "etc" / "courier", second) == 0
    assert [line for line in told(capsys) if "[import-change]" in line] == []


def test_words_of_the_administrator_stand_where_they_belong(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    imported(copied("unmarked-0.29", tmp_path / "etc"), site, "--sysconfdir", sysconfdir("unmarked-0.29"))
    text = site.read_text()
    assert "# everybody reads mail with pine, so mbox it is\n  default: {mbox: ./Mailbox}\n" in text
    assert "# the line is slow, more than that it does not bear\n    max_connections: 20\n" in text
    assert "# the office\n  192.168.7.0/24: relay\n" in text
    assert "# whoever is at the desk\n  reception: [petra, olaf]\n" in text


def test_comments_that_courier_ships_are_left_out(tmp_path: Path) -> None:
    shipped = "# Courier does not deliver to root, therefore forward root mail to postmaster\n"
    files: dict[str, str | bytes] = {"me": "a.example\n", "aliases/system": f"{shipped}\nroot: anna\n# ours\nx: anna\n"}
    imported(write(tmp_path / "etc", files), tmp_path / "site.yaml")
    text = (tmp_path / "site.yaml").read_text()
    assert "therefore forward" not in text
    assert "# ours\n  x: anna\n" in text


def test_a_database_of_accounts_keeps_its_password_in_a_file_of_its_own(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    imported(copied("mysql-0.42", tmp_path / "etc"), site, "--sysconfdir", sysconfdir("mysql-0.42"))
    secret = tmp_path / "secrets" / "mysql-password"
    assert secret.read_text() == "sh0p keeper\n"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert "sh0p" not in site.read_text()
    assert tree_of(site)["auth"]["mysql"]["password"] == {"from_file": "secrets/mysql-password"}


def test_before_0_43_the_maildir_decided_about_delivery(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    imported(copied("mysql-0.42", tmp_path / "etc"), site, "--sysconfdir", sysconfdir("mysql-0.42"))
    columns = tree_of(site)["auth"]["mysql"]["columns"]
    assert (columns["maildir"], columns["delivery"]) == ("maildir", "maildir")


def test_programs_of_the_old_build_are_those_of_the_target(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    imported(copied("mysql-0.42", tmp_path / "etc"), site, "--sysconfdir", sysconfdir("mysql-0.42"))
    assert tree_of(site)["delivery"]["default"] == {"filter": "maildrop"}
    assert "/usr/lib/courier" not in site.read_text()


def test_server_and_port_of_a_directory_become_its_address(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    imported(copied("ldap-0.47", tmp_path / "etc"), site, "--sysconfdir", sysconfdir("ldap-0.47"))
    tree = tree_of(site)
    assert tree["auth"]["ldap"]["uri"] == ["ldap://ldap.verein.example"]
    assert tree["ldap_aliases"]["uri"] == ["ldap://ldap.verein.example"]
    assert tree["tls"] == {"certificate": "/etc/ssl/private/verein.pem"}


def test_a_connection_to_postgresql_is_put_together(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    imported(copied("webmail-0.66", tmp_path / "etc"), site, "--sysconfdir", sysconfdir("webmail-0.66"))
    assert (tmp_path / "secrets" / "postgresql-password").read_text() == "it's secret\n"
    said = tree_of(site)["auth"]["postgresql"]
    assert said["connection"] == "host=db.city.example port=5433 dbname=citizens user=mail"
    built_files = {file.path: file.content for file in built(site)[1].artefacts}
    assert rb"user=mail password='it\'s secret'" in built_files["etc/courier/authpgsqlrc"]


def test_a_certificate_of_one_service_is_not_said_for_all(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    imported(copied("webmail-0.66", tmp_path / "etc"), site, "--sysconfdir", sysconfdir("webmail-0.66"))
    tree = tree_of(site)
    assert tree["listeners"]["pop3s"] == {"tls": {"certificate": "/etc/ssl/pop.pem"}}
    assert "tls" not in tree


def test_many_comments_about_nothing_in_the_site_are_counted_and_not_carried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "".join(f"# line {number} of another release\n" for number in range(40))
    esmtpd = f"##NAME: PORT:1\n{words}PORT=smtp\n##NAME: TARPIT:1\n# mine\nTARPIT=0\n"
    esmtpd += "##NAME: ESMTPDSTART:0\nESMTPDSTART=YES\n"
    assert imported(write(tmp_path / "etc", {"me": "a.example\n", "esmtpd": esmtpd}), tmp_path / "site.yaml") == 0
    text = (tmp_path / "site.yaml").read_text()
    assert "of another release" not in text
    assert "# mine\n    tarpit: false" in text
    assert any("40 comment lines of esmtpd" in line for line in told(capsys))


def test_a_setting_with_an_impossible_value_is_told_as_a_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    esmtpd = "##NAME: MAXDAEMONS:0\nMAXDAEMONS=lots\n##NAME: ESMTPDSTART:0\nESMTPDSTART=YES\n"
    assert imported(write(tmp_path / "etc", {"me": "a.example\n", "esmtpd": esmtpd}), tmp_path / "site.yaml") == 1
    assert any("MAXDAEMONS of esmtpd: 'lots' becomes '40' [import-loss]" in line for line in told(capsys))


def test_a_login_under_the_servers_own_name_is_lent_to_the_smarthost(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    imported(copied("smarthost-0.54", tmp_path / "etc"), site, "--sysconfdir", sysconfdir("smarthost-0.54"))
    smarthost = tree_of(site)["smarthost"]
    assert smarthost["host"] == "smtp.provider.example"
    assert smarthost["login"]["user"] == "home7"
    assert "s3cret" not in site.read_text()


def test_a_script_is_not_run_but_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = f"MAXDAEMONS=`touch {tmp_path}/ran; echo 7`\nPORT=smtp\nESMTPDSTART=YES\n"
    old = write(tmp_path / "etc", {"me": "a.example\n", "esmtpd": script})
    assert imported(old, tmp_path / "site.yaml") == 1
    assert not (tmp_path / "ran").exists()
    assert f"{old}/esmtpd:1:1: error: esmtpd: `MAXDAEMONS=" in capsys.readouterr().out
    assert f"#   MAXDAEMONS=`touch {tmp_path}/ran; echo 7`\n" in (tmp_path / "site.yaml").read_text()


def test_databases_without_sources_are_decoded(tmp_path: Path) -> None:
    assert imported(databases_only(tmp_path / "etc"), tmp_path / "site.yaml") == 0
    tree = tree_of(tmp_path / "site.yaml")
    assert tree["domains"]["shop.example"]["aliases"] == {"sales": ["anna", "bert"]}
    assert tree["domains"]["store.example"] == {"kind": "hosted", "alias_of": "shop.example"}
    assert tree["aliases"]["robot"] == {"program": "/usr/local/bin/robot --quiet"}
    assert tree["access"] == {"192.0.2.0/24": "relay", "203.0.113.7": "deny"}
    assert tree["domains"]["shop.example"]["accounts"]["anna"]["password"] == f"{{CRYPT}}{DES}"


def test_a_source_that_does_not_compile_leaves_its_database_in_force(tmp_path: Path) -> None:
    old = databases_only(tmp_path / "etc")
    write(old, {"hosteddomains": "shop.example\nshop.example\n"})
    assert imported(old, tmp_path / "site.yaml") == 0
    assert tree_of(tmp_path / "site.yaml")["domains"]["store.example"]["kind"] == "hosted"


def test_a_provider_is_imported_in_seconds(tmp_path: Path) -> None:
    old = provider(tmp_path / "etc")
    started = time.monotonic()
    assert imported(old, tmp_path / "site.yaml") == 0
    assert time.monotonic() - started < 30  # takes three: the rest is for slow machines that measure coverage
    domain = tree_of(tmp_path / "site.yaml")["domains"]["customer7.example"]
    assert domain["accounts"]["user7"] == {"password": "$1$abcdefgh$ZtyqLvFJYVuyVp0N9uYBa1"}
    assert domain["aliases"]["alias7"] == ["user7", "user49@customer49.example"]


def test_password_hashes_stand_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    imported(provider(tmp_path / "etc", accounts=100, aliases=10), tmp_path / "site.yaml")
    hashes = tmp_path / "secrets" / "accounts.yaml"
    assert stat.S_IMODE(hashes.stat().st_mode) == 0o600
    assert "$1$" in hashes.read_text()
    assert "$1$" not in (tmp_path / "site.yaml").read_text()


def test_accounts_that_a_site_cannot_describe_are_carried_as_they_are(tmp_path: Path) -> None:
    userdb = "anna\tuid=500|gid=500|home=/srv/anna|hmac-md5pw=0123|systempw=$1$a$b\n"
    old = write(tmp_path / "etc", {"me": "a.example\n", "userdb": userdb}, {"userdb": 0o600})
    assert imported(old, tmp_path / "site.yaml") == 0
    assert (tmp_path / "secrets" / "userdb").read_text() == userdb
    _, made = built(tmp_path / "site.yaml")
    found = {file.path: file for file in made.artefacts}
    assert found["etc/courier/userdb"].content == userdb.encode()
    assert found["etc/courier/userdb"].mode == 0o600
    assert "etc/courier/userdbshadow.dat" in found


def test_a_tree_of_accounts_becomes_one_list(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "me": "a.example\n",
        "userdb/staff": "anna\tuid=500|gid=500|home=/home/anna\n",
        "userdb/guests/today": "bert\tuid=501|gid=501|home=/home/bert|options=disableimap=1\n",
    }
    assert imported(write(tmp_path / "etc", files), tmp_path / "site.yaml") == 0
    tree = tree_of(tmp_path / "site.yaml")
    assert tree["accounts"] == {"anna": {}, "bert": {"uid": 501, "gid": 501, "options": {"disable": ["imap"]}}} or (
        tree["accounts"]["bert"].get("options") == {"disable": ["imap"]}
    )


def test_files_of_the_account_library_may_lie_elsewhere(tmp_path: Path) -> None:
    old = write(tmp_path / "etc", {"me": "a.example\n"})
    authdir = write(tmp_path / "authlib", {"authdaemonrc": 'authmodulelist="authpwd"\ndaemons=9\n'})
    assert imported(old, tmp_path / "site.yaml", "--authdir", str(authdir)) == 0
    assert tree_of(tmp_path / "site.yaml")["auth"] == {"order": ["pwd"], "workers": 9}


def test_files_that_nobody_knows_are_carried_with_their_permissions(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "me": "a.example\n",
        "notes.txt": "remember\n",
        "private.conf": "token=abc\n",
        "blob.bin": b"\x00\xff\x00",
        "bin/tool": "#!/bin/sh\nexit 0\n",
    }
    old = write(tmp_path / "etc", files, {"private.conf": 0o600, "bin/tool": 0o755})
    (old / "shortcut").symlink_to("bin/tool")
    assert imported(old, tmp_path / "site.yaml") == 0
    _, made = built(tmp_path / "site.yaml")
    found = {file.path.removeprefix("etc/courier/"): file for file in made.artefacts}
    assert {name: found[name].content for name in files if name != "me"} == {
        name: content if isinstance(content, bytes) else content.encode()
        for name, content in files.items()
        if name != "me"
    }
    assert (found["private.conf"].mode, found["bin/tool"].mode) == (0o600, 0o755)
    assert found["private.conf"].secret
    assert "token" not in (tmp_path / "site.yaml").read_text()
    assert found["shortcut"].content == b"/etc/courier/bin/tool"


def test_keys_and_leftovers_are_no_part_of_a_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"
    old = write(tmp_path / "etc", {"me": "a.example\n", "esmtpd.pem": key, "esmtpd.bak": "PORT=1\n"})
    assert imported(old, tmp_path / "site.yaml") == 0
    said = capsys.readouterr().out
    assert f"{old}/esmtpd.pem is not in the site" in said
    assert f"{old}/esmtpd.bak is not in the site" in said
    assert "files" not in tree_of(tmp_path / "site.yaml")


def test_secrets_are_never_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files: dict[str, str | bytes] = {
        "me": "a.example\n",
        "esmtpauthclient": "smtp.b.example,587 user hunter2\nrelay9.c.example user hunter3\n",
        "authmysqlrc": "MYSQL_SERVER db\nMYSQL_USERNAME u\nMYSQL_PASSWORD hunter4\nMYSQL_DATABASE d\n",
        "webadmin/password": "hunter5\n",
        "userdb": "x\tuid=1|gid=1|home=/x|systempw=hunter6\n",
    }
    imported(write(tmp_path / "etc", files), tmp_path / "site.yaml")
    assert "hunter" not in capsys.readouterr().out
    assert "hunter" not in (tmp_path / "site.yaml").read_text()
    for path in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize(
    ("local", "accepted", "domains"),
    [
        ("!x.b.example .b.example", "!x.b.example .b.example", {".b.example": {"excluding": ["x.b.example"]}}),
        (
            "!x.b.example .b.example",
            ".b.example",
            {".b.example": {"excluding": ["x.b.example"]}, "x.b.example": {"kind": "relay"}},
        ),
        (".b.example", "!x.b.example .b.example", {".b.example": {}, "x.b.example": {"accept": False}}),
        (".b.example !x.b.example", ".b.example", {".b.example": {}}),
        ("!.x.b.example .b.example b.example", "!.x.b.example .b.example b.example",
         {"b.example": {"subdomains": True, "excluding": [".x.b.example"]}}),
        ("", "!x.b.example .b.example", {".b.example": {"kind": "relay", "excluding": ["x.b.example"]}}),
        ("x.b.example !.x.b.example !x.b.example .b.example", "x.b.example .b.example",
         {"x.b.example": {}, ".b.example": {"excluding": [".x.b.example"]}, ".x.b.example": {"kind": "relay"}}),
    ],
)  # fmt: skip
def test_exclusions_of_lists_are_said_and_nothing_is_lost(
    tmp_path: Path, local: str, accepted: str, domains: dict[str, Any]
) -> None:
    files: dict[str, str | bytes] = {
        "me": "a.example\n",
        "locals": "\n".join(("a.example", *local.split(), "")),
        "esmtpacceptmailfor": "\n".join(("a.example", *accepted.split(), "")),
    }
    assert imported(write(tmp_path / "etc", files), tmp_path / "site.yaml") == 0
    assert tree_of(tmp_path / "site.yaml")["domains"] == domains


def test_the_words_above_an_exclusion_stay_with_it(tmp_path: Path) -> None:
    local = "a.example\n# moved away in spring\n!x.b.example\n.b.example\n"
    old = write(tmp_path / "etc", {"me": "a.example\n", "locals": local, "esmtpacceptmailfor": local})
    assert imported(old, tmp_path / "site.yaml") == 0
    text = (tmp_path / "site.yaml").read_text()
    assert re.search(r"# moved away in spring\n +excluding: ?\n? *(\[|- )x\.b\.example", text), text


def test_a_wildcard_behind_a_percent_sign_is_said_with_what_is_excluded_from_it(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"me": "a.example\n", "esmtppercentrelay": ".lan.example\n"}
    assert imported(write(tmp_path / "etc", files), tmp_path / "site.yaml") == 0
    assert tree_of(tmp_path / "site.yaml")["percent_relay"] == [".lan.example"]
    excluding = "!x.lan.example\n!.y.lan.example\n.lan.example\n!never.lan.example\n!elsewhere.example\n"
    (tmp_path / "etc/esmtppercentrelay").write_text(excluding)
    assert imported(tmp_path / "etc", tmp_path / "other.yaml") == 0
    said = {"domains": [".lan.example"], "excluding": ["x.lan.example", ".y.lan.example"]}
    assert tree_of(tmp_path / "other.yaml")["percent_relay"] == said


def test_an_existing_site_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = write(tmp_path / "etc", {"me": "a.example\n"})
    (tmp_path / "site.yaml").write_text("mine\n")
    assert imported(old, tmp_path / "site.yaml") == 1
    assert (tmp_path / "site.yaml").read_text() == "mine\n"
    assert "exists: remove it" in capsys.readouterr().err


def test_an_unknown_profile_is_named_with_what_was_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(write(tmp_path / "etc", {}), tmp_path / "site.yaml", "--profile", "debian-21") == 1
    assert "did you mean debian-12?" in capsys.readouterr().err


def test_a_site_for_another_target_says_so(tmp_path: Path) -> None:
    old = copied("upstream-2.0", tmp_path / "etc")
    options = ("--profile", "upstream-2.0", "--sysconfdir", "/usr/lib/courier/etc")
    assert imported(old, tmp_path / "site.yaml", *options) == 0
    tree = tree_of(tmp_path / "site.yaml")
    assert tree["profile"] == "upstream-2.0"
    assert tree["tls"]["minimum"] == "1.2"


def differences_without(old: Path, tmp_path: Path, *path: str) -> list[Difference]:
    """What the comparison finds when a value of the site goes missing."""
    installation = read_installation(old, None, HOST_NAME, "/etc/courier")
    found = import_site(installation, load_profile("debian-12"))
    assert found.draft.said(path) is not None, path
    found.draft.unsay(path)
    write_site(found.draft, tmp_path / "damaged" / "site.yaml")
    resolved, made = built(tmp_path / "damaged" / "site.yaml")
    new = built_installation(made.artefacts, resolved.profile, HOST_NAME)
    return losses(compare(installation, new, found.wanted))


@pytest.mark.parametrize(
    "path",
    [
        ("aliases", "support"),
        ("aliases", "ticket"),
        ("host", "greeting"),
        ("host", "source_ipv4"),
        ("host", "postmaster"),
        ("domains", ".branch.firm.example"),
        ("domains", "partner.example"),
        ("domains", "old-firm.example"),
        ("accounts", "printer"),
        ("access", "10.20.30.40"),
        ("access", "198.51.100.0/25"),
        ("submission_access", "*"),
        ("listeners", "smtp", "tarpit"),
        ("listeners", "submission", "max_connections"),
        ("tls", "certificate"),
        ("queue", "retry_pause"),
        ("queue", "timeouts", "local_delivery"),
        ("delivery", "default"),
        ("delivery", "dotfiles", "default"),
        ("filters", "apply_to"),
        ("filters", "perlfilter"),
        ("policy", "spf"),
        ("backscatter", "refuse_failing"),
        ("bounces", "sender"),
        ("bounces", "texts", "footer"),
        ("fax", "rules"),
        ("auth", "order"),
        ("account_defaults", "options"),
        ("virtual_hosts", "192.0.2.7", "helo"),
        ("settings", "courierd", "PATH"),
        ("environment", "courierd", "FIRM_FILTER_LEVEL"),
        ("files", "firm-notes.txt"),
    ],
    ids="-".join,
)
def test_whatever_goes_missing_is_noticed(path: tuple[str, ...], tmp_path: Path) -> None:
    old = copied("hand-edited-1.0", tmp_path / "etc")
    assert differences_without(old, tmp_path, *path) != []
