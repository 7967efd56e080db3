"""build: a finished tree, or a report and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from courier_compiler.cli import main
from courier_schema.legacy.manifest import NAME, load_manifest

Capture = pytest.CaptureFixture[str]

SITE = "site: example.org\nhost: {name: mx.example.org, postmaster: anna@example.net}\n"


def build(place: Path, site: str, *options: str) -> int:
    (place / "site.yaml").write_text(site)
    return main(["build", str(place), "-o", str(place / "out"), *options])


def test_a_build_writes_the_files_and_says_how_many(tmp_path: Path, capsys: Capture) -> None:
    assert build(tmp_path, SITE) == 0
    manifest = load_manifest((tmp_path / "out" / NAME).read_bytes())
    assert capsys.readouterr().out == (
        f"{tmp_path}/out: {len(manifest.files)} files for mx.example.org, generation {manifest.generation}\n"
    )
    assert (tmp_path / "out/etc/courier/me").read_text() == "mx.example.org\n"
    assert {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()} == {
        *manifest.files,
        NAME,
    }


def test_after_a_mistake_the_old_tree_stays(tmp_path: Path, capsys: Capture) -> None:
    assert build(tmp_path, SITE) == 0
    before = (tmp_path / "out" / NAME).read_bytes()
    capsys.readouterr()
    assert build(tmp_path, SITE + "domians: {}\n") == 1
    assert "[unknown-key]" in capsys.readouterr().out
    assert (tmp_path / "out" / NAME).read_bytes() == before


def test_after_a_first_mistake_there_is_no_tree(tmp_path: Path) -> None:
    assert build(tmp_path, SITE + "domians: {}\n") == 1
    assert not (tmp_path / "out").exists()


def test_what_is_not_ours_is_not_replaced(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/diary").write_text("dear diary\n")
    assert build(tmp_path, SITE) == 1
    assert str(tmp_path / "out") in capsys.readouterr().err
    assert (tmp_path / "out/diary").read_text() == "dear diary\n"


def test_several_hosts_get_a_directory_each(tmp_path: Path) -> None:
    hosts = SITE + "hosts:\n  first: {}\n  second: {host: {name: mx2.example.org}}\n"
    assert build(tmp_path, hosts) == 0
    assert (tmp_path / "out/first/etc/courier/me").read_text() == "mx.example.org\n"
    assert (tmp_path / "out/second/etc/courier/me").read_text() == "mx2.example.org\n"


def test_one_of_several_hosts_is_built_without_a_directory_of_its_own(tmp_path: Path) -> None:
    hosts = SITE + "hosts:\n  first: {}\n  second: {host: {name: mx2.example.org}}\n"
    assert build(tmp_path, hosts, "--host", "second") == 0
    assert (tmp_path / "out/etc/courier/me").read_text() == "mx2.example.org\n"


def test_missing_secrets_are_all_reported_and_nothing_is_written(tmp_path: Path, capsys: Capture) -> None:
    accounts = "accounts:\n  anna: {uid: 5000, gid: 5000, password: {from_file: none}}\n"
    accounts += '  ben: {uid: 5001, gid: 5001, password: {from_command: ["false"]}}\n'
    assert build(tmp_path, SITE + accounts, "--format", "json") == 1
    told = json.loads(capsys.readouterr().out)["problems"]
    assert [(one["id"], one["line"]) for one in told] == [("secret-unavailable", 4), ("secret-unavailable", 5)]
    assert not (tmp_path / "out").exists()


def test_a_tree_is_written_even_when_nothing_can_be_printed(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(SITE)
    command = [sys.executable, "-m", "courier_compiler.cli", "build", str(tmp_path), "-o", str(tmp_path / "out")]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr == b"courier-compile: cannot use standard output: No space left on device\n"
    assert (tmp_path / "out" / NAME).exists()


def test_a_report_for_programs_is_not_mixed_with_words(tmp_path: Path, capsys: Capture) -> None:
    assert build(tmp_path, SITE, "--format", "json") == 0
    assert '"problems": []' in capsys.readouterr().out
    assert (tmp_path / "out" / NAME).exists()
