"""The command plan: what it compares, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from courier_compiler.cli import main

Capture = pytest.CaptureFixture[str]

SITE = "site: example.org\nhost: {name: mx.example.org, postmaster: anna@example.net}\n"
ALIAS = "aliases: {info: eva@example.net}\n"


@pytest.fixture
def place(tmp_path: Path, capsys: Capture) -> Path:
    """A directory with a site and its build."""
    (tmp_path / "site.yaml").write_text(SITE)
    assert main(["build", str(tmp_path), "-o", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    return tmp_path


def plan(place: Path, site: str, *options: str, against: str = "out") -> int:
    (place / "site.yaml").write_text(site)
    return main(["plan", str(place), "--against", str(place / against), *options])


def test_nothing_to_do_is_0(place: Path, capsys: Capture) -> None:
    assert plan(place, SITE) == 0
    assert capsys.readouterr().out == f"mx.example.org against {place}/out: nothing to do\n"


def test_changes_are_3_and_nothing_is_written(place: Path, capsys: Capture) -> None:
    before = {path: path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()}
    assert plan(place, SITE + ALIAS) == 3
    assert f"aliases.dat: + info@example.org -> eva@example.net ({place}/site.yaml:3)" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()} == before


def test_a_mistake_in_the_site_is_1_and_there_is_no_plan(place: Path, capsys: Capture) -> None:
    assert plan(place, SITE + "domians: {}\n", "--format", "json") == 1
    record = json.loads(capsys.readouterr().out)
    assert record["plans"] == []
    assert [problem["id"] for problem in record["problems"]] == ["unknown-key"]


def test_a_guard_is_1_until_it_is_allowed(place: Path, capsys: Capture) -> None:
    site = SITE + "access: {10.0.0.0/8: relay}\n"
    assert plan(place, site) == 1
    assert "[guard-relay]" in capsys.readouterr().out
    assert plan(place, site, "--allow", "relay") == 3
    assert plan(place, site, "--allow", "tls") == 1


def test_wrong_usage_is_2(place: Path) -> None:
    for options in (("--allow", "everything"), ("--loss", "101"), ("--loss", "x"), ("--format", "sarif")):
        with pytest.raises(SystemExit) as ended:
            plan(place, SITE, *options)
        assert ended.value.code == 2


def test_the_loss_that_needs_a_word_can_be_chosen(place: Path) -> None:
    aliases = SITE + "aliases:\n" + "".join(f"  a{number}: x@example.net\n" for number in range(20))
    (place / "site.yaml").write_text(aliases)
    assert main(["build", str(place), "-o", str(place / "out")]) == 0
    assert plan(place, SITE) == 1
    assert plan(place, SITE, "--loss", "90") == 3


def test_an_edit_in_a_build_is_drift(place: Path, capsys: Capture) -> None:
    (place / "out/etc/courier/locals").write_text("example.org\nelse.example\n")
    assert plan(place, SITE) == 3
    assert "drift  /etc/courier/locals" in capsys.readouterr().out


def test_drift_is_told_from_what_the_site_changes_by_what_the_last_apply_left(place: Path, capsys: Capture) -> None:
    root = place / "root"
    site = SITE + "listeners: {smtp: {max_per_address: 4}}\n"
    (place / "site.yaml").write_text(site)
    assert main(["apply", str(place), "--root", str(root), "--no-owners"]) == 0
    esmtpd = root / "etc/courier/esmtpd"
    esmtpd.write_text(esmtpd.read_text().replace("MAXPERIP=4", "MAXPERIP=9"))
    (root / "etc/courier/locals").unlink()
    capsys.readouterr()
    assert plan(place, site.replace("4", "6"), "--no-owners", against="root") == 3
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "by hand: MAXPERIP 4 -> 9" in lines
    assert any(line.startswith("esmtpd: MAXPERIP 9 -> 6") for line in lines)
    assert {"by hand: - example.org", "by hand: - mx.example.org"} <= {*lines}
    plan(place, site.replace("4", "6"), "--no-owners", "--format", "json", against="root")
    (told,) = json.loads(capsys.readouterr().out)["plans"]
    (change,) = (one for one in told["changes"] if one["path"] == "/etc/courier/esmtpd")
    (by_hand,) = change["by_hand"]
    assert (by_hand["key"], by_hand["before"], by_hand["after"]) == ("MAXPERIP", "4", "9")
    plan(place, site.replace("4", "6"), "--no-owners", "--format", "markdown", against="root")
    assert "  - by hand: `MAXPERIP 4 -> 9`" in capsys.readouterr().out


def test_of_drift_whose_former_state_is_not_kept_only_the_present_is_told(place: Path, capsys: Capture) -> None:
    root = place / "root"
    assert main(["apply", str(place), "--root", str(root), "--no-owners"]) == 0
    for kept in (root / "etc/courier/.courier-site/generations").glob("*/etc/courier/locals"):
        kept.write_text("rot")
    (root / "etc/courier/locals").write_text("example.org\n")
    capsys.readouterr()
    assert plan(place, SITE, "--no-owners", against="root") == 3
    assert "by hand:" not in capsys.readouterr().out


def test_secrets_that_were_edited_by_hand_stay_masked(place: Path, capsys: Capture) -> None:
    root = place / "root"
    (place / "word").write_text("first-word\n")
    site = SITE + "credentials: {b.example: {user: me, password: {from_file: word}}}\n"
    (place / "site.yaml").write_text(site)
    assert main(["apply", str(place), "--root", str(root), "--no-owners"]) == 0
    (root / "etc/courier/esmtpauthclient").write_text("b.example me second-word\n")
    capsys.readouterr()
    for form in ("text", "json", "markdown", "github"):
        plan(place, site, "--no-owners", "--full", "--format", form, against="root")
    out = capsys.readouterr().out
    assert "by hand" in out
    assert "first-word" not in out
    assert "second-word" not in out


def test_a_root_without_anything_is_created(place: Path, capsys: Capture) -> None:
    (place / "root").mkdir()
    assert plan(place, SITE, against="root") == 3
    assert "create /etc/courier/me" in capsys.readouterr().out


def test_owners_of_a_root_can_be_left_out(place: Path) -> None:
    root = place / "root/etc/courier"
    root.mkdir(parents=True)
    assert plan(place, SITE, "--no-owners", against="root") == 3


def test_a_directory_that_is_not_there_is_said_so(place: Path, capsys: Capture) -> None:
    assert plan(place, SITE, against="nowhere") == 1
    assert f"{place}/nowhere is not a directory" in capsys.readouterr().err


def test_a_broken_manifest_is_said_so(place: Path, capsys: Capture) -> None:
    (place / "out/manifest.json").write_text("{}")
    assert plan(place, SITE) == 1
    assert "manifest.json: not a manifest" in capsys.readouterr().err


def test_several_hosts_are_compared_with_their_builds(place: Path, capsys: Capture) -> None:
    hosts = SITE + "hosts:\n  first: {}\n  second: {host: {name: mx2.example.org}}\n"
    (place / "site.yaml").write_text(hosts)
    assert main(["build", str(place), "-o", str(place / "hosts")]) == 0
    capsys.readouterr()
    assert plan(place, hosts, against="hosts") == 0
    assert capsys.readouterr().out == (
        f"mx.example.org against {place}/hosts/first: nothing to do\n\n"
        f"mx2.example.org against {place}/hosts/second: nothing to do\n"
    )
    assert plan(place, hosts + "  third: {host: {name: mx3.example.org}}\n", "--format", "json", against="hosts") == 3
    assert [one["counts"].keys() for one in json.loads(capsys.readouterr().out)["plans"]] == [set(), set(), {"create"}]


def test_one_of_several_hosts_has_to_be_named_for_a_root(place: Path, capsys: Capture) -> None:
    hosts = SITE + "hosts:\n  first: {}\n  second: {host: {name: mx2.example.org}}\n"
    assert plan(place, hosts) == 2
    assert "name one with --host" in capsys.readouterr().err
    assert plan(place, hosts, "--host", "first") == 0


def test_a_long_list_is_whole_with_full(place: Path, capsys: Capture) -> None:
    site = SITE + "aliases:\n" + "".join(f"  a{number:02d}: x@example.net\n" for number in range(50))
    assert plan(place, site) == 3
    assert "and 30 more" in capsys.readouterr().out
    assert plan(place, site, "--full") == 3
    assert " more" not in capsys.readouterr().out


def test_two_versions_of_a_site_are_compared_without_secrets(place: Path, capsys: Capture) -> None:
    account = "account_defaults: {uid: 1000, gid: 1000}\naccounts: {eva: {password: {from_file: nowhere}}}\n"
    (place / "before").mkdir()
    (place / "before/site.yaml").write_text(SITE + account)
    assert plan(place, SITE + account, against="before") == 0
    assert plan(place, SITE + account + ALIAS, against="before/site.yaml") == 3
    assert "+ info@example.org -> eva@example.net" in capsys.readouterr().out
    assert plan(place, SITE + account, against="out") == 1
    assert "[secret-unavailable]" in capsys.readouterr().out


def test_an_earlier_version_with_errors_is_named(place: Path, capsys: Capture) -> None:
    (place / "before").mkdir()
    (place / "before/site.yaml").write_text("site: [\n")
    assert plan(place, SITE, against="before") == 1
    assert f"{place}/before has errors: run courier-compile check {place}/before" in capsys.readouterr().err


def test_an_earlier_version_that_no_build_would_take_is_named_too(place: Path, capsys: Capture) -> None:
    (place / "before").mkdir()
    (place / "before/site.yaml").write_text(SITE + "aliases: {a: b, b: a}\n")
    assert plan(place, SITE, against="before") == 1
    assert f"{place}/before has errors: run courier-compile check {place}/before" in capsys.readouterr().err


def test_each_host_is_compared_with_its_own_earlier_version(place: Path, capsys: Capture) -> None:
    hosts = "hosts: {one: {host: {name: one.example.org}}, two: {host: {name: two.example.org}}}\n"
    (place / "before").mkdir()
    (place / "before/site.yaml").write_text(SITE + hosts)
    assert plan(place, SITE + hosts.replace("two.e", "three.e"), *("--format", "json"), against="before") == 3
    plans = json.loads(capsys.readouterr().out)["plans"]
    assert [one["host"] for one in plans if not one["changes"]] == ["one.example.org"]
