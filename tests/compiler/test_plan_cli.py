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
