"""check: reports in every form, and an exit status that agrees with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from courier_compiler.cli import main

Capture = pytest.CaptureFixture[str]

SOUND = """\
site: example.org
host: {name: mx.example.org, postmaster: anna@example.net}
domains:
  hosted.example:
    kind: hosted
    aliases: {info: anna@example.net}
"""
MISSPELT = SOUND.replace("    kind:", "    knid:")
WARNED = SOUND + "accounts:\n  ben: {uid: 5000, gid: 5000, password: {from_file: secret}}\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of a site whose files the tests write."""
    secret = tmp_path / "secret"
    secret.write_text("swordfish\n")
    secret.chmod(0o644)
    return tmp_path


def check(place: Path, site: str, *options: str) -> int:
    (place / "site.yaml").write_text(site)
    return main(["check", str(place), *options])


def test_a_sound_site_is_passed_without_a_word(place: Path, capsys: Capture) -> None:
    assert check(place, SOUND) == 0
    assert capsys.readouterr().out == ""


def test_a_mistake_is_shown_with_its_place_and_remedy(place: Path, capsys: Capture) -> None:
    assert check(place, MISSPELT) == 1
    assert capsys.readouterr().out == (
        f"{place}/site.yaml:5:5: error: domains.hosted.example has no key 'knid' [unknown-key]\n"
        "    5 |     knid: hosted\n"
        "      |     ^\n"
        "   = did you mean 'kind'?\n"
        "\n"
        "1 error\n"
    )


def test_programs_get_the_same_as_json(place: Path, capsys: Capture) -> None:
    assert check(place, MISSPELT, "--format", "json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] == {"error": 1}
    (problem,) = told["problems"]
    assert (problem["id"], problem["line"], problem["column"]) == ("unknown-key", 5, 5)


def test_github_and_code_scanning_get_their_own_forms(place: Path, capsys: Capture) -> None:
    assert check(place, MISSPELT, "--format", "github") == 1
    assert capsys.readouterr().out.startswith(f"::error file={place}/site.yaml,line=5,col=5,title=unknown-key::")
    assert check(place, MISSPELT, "--format", "sarif") == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["unknown-key"]


def test_warnings_fail_only_when_told_to(place: Path, capsys: Capture) -> None:
    assert check(place, WARNED) == 0
    assert "[secret-file-exposed]" in capsys.readouterr().out
    assert check(place, WARNED, "--strict") == 1


def test_secrets_that_are_missing_here_are_warned_of_and_on_the_host_a_file_is_an_error(
    place: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    (place / "ran").unlink(missing_ok=True)
    sources = ("{from_file: none}", "{from_env: NOT_SET_HERE}", f"{{from_command: [touch, {place}/ran]}}")
    accounts = (f"  a{n}: {{uid: 5000, gid: 5000, password: {said}}}\n" for n, said in enumerate(sources))
    site = SOUND + "accounts:\n" + "".join(accounts)
    for options, severities in (((), ["warning", "warning"]), (("--on-host",), ["error", "warning"])):
        assert check(place, site, "--format", "json", *options) == ("error" in severities)
        told = [one for one in json.loads(capsys.readouterr().out)["problems"] if one["id"] == "secret-unavailable"]
        assert [(one["line"], one["severity"]) for one in told] == list(zip((8, 9), severities, strict=True))
    assert not (place / "ran").exists(), "check runs no commands"


@pytest.mark.parametrize("name", ["pipe", "/dev/zero"])
def test_pipes_and_devices_are_neither_waited_for_nor_read(place: Path, capsys: Capture, name: str) -> None:
    os.mkfifo(place / "pipe")
    whole = name if name.startswith("/") else str(place / name)
    tls = f"tls: {{certificate: {whole}}}\nlisteners: {{imaps: {{}}}}\nfiles: {{x: {{from_file: {whole}}}}}\n"
    assert check(place, WARNED.replace("from_file: secret", f"from_file: {name}") + tls) == 1
    printed = capsys.readouterr().out
    assert printed.count("it is not a regular file") == 2
    assert "chmod 600" not in printed


def test_a_site_that_does_not_exist_is_a_problem(tmp_path: Path, capsys: Capture) -> None:
    assert main(["check", str(tmp_path / "none.yaml")]) == 1
    assert "[file-missing]" in capsys.readouterr().out


def test_a_host_that_the_site_does_not_know_is_a_problem(place: Path, capsys: Capture) -> None:
    assert check(place, SOUND, "--host", "backup") == 1
    assert "[unknown-host]" in capsys.readouterr().out


def test_one_of_several_hosts_can_be_checked_alone(place: Path) -> None:
    hosts = SOUND + "hosts:\n  sound: {}\n  broken: {host: {nmae: x}}\n"
    assert check(place, hosts) == 1
    assert check(place, hosts, "--host", "broken") == 1
    assert check(place, hosts, "--host", "sound") == 0


def test_on_the_mail_host_its_files_are_looked_at(place: Path, capsys: Capture) -> None:
    with_tls = SOUND + "tls: {certificate: /etc/ssl/mx.pem}\nlisteners: {imaps: {}}\n"
    elsewhere = place / "root"
    elsewhere.mkdir()
    assert check(place, with_tls, "--root", str(elsewhere)) == 0
    capsys.readouterr()
    assert check(place, with_tls, "--root", str(elsewhere), "--on-host") == 1
    assert "/etc/ssl/mx.pem" in capsys.readouterr().out


def test_a_site_with_files_of_its_own_is_checked_against_all_that_is_made(place: Path, capsys: Capture) -> None:
    assert check(place, SOUND + "files: {dsnheader.txt: {content: x}, locals/x: {content: y}}\n") == 1
    printed = capsys.readouterr().out
    assert "[file-twice]" in printed
    assert "[file-below-file]" in printed
