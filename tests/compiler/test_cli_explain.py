"""explain: the reason of a setting, a record, a file, or a problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from courier_compiler.cli import main

Capture = pytest.CaptureFixture[str]

SITE = """\
site: example.org
host: {name: mx.example.org, postmaster: anna@example.net}
domains:
  hosted.example:
    kind: hosted
    aliases: {info: anna@example.net}
settings:
  esmtpd: {MAXPERIP: 8}
"""


def explain(place: Path, *words: str, site: str = SITE) -> int:
    (place / "site.yaml").write_text(site)
    return main(["explain", *words, "--site", str(place)])


def test_a_setting_that_was_said_names_its_line(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "esmtpd", "MAXPERIP") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("esmtpd MAXPERIP = 8\n")
    assert f"said in settings.esmtpd.MAXPERIP ({tmp_path}/site.yaml:8:" in printed


def test_a_record_names_the_alias_it_follows_from(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "aliases.dat", "info@hosted.example") == 0
    assert "follows from domains.hosted.example.aliases.info" in capsys.readouterr().out


def test_a_misspelt_setting_is_guessed_at(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "esmtpd", "MAXPERI") == 1
    assert "did you mean MAXPERIP?" in capsys.readouterr().err


def test_a_file_that_is_not_made_is_told(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "nosuchfile", "x") == 1
    assert "nosuchfile" in capsys.readouterr().err


def test_a_problem_is_explained_without_a_site(tmp_path: Path, capsys: Capture) -> None:
    assert main(["explain", "unknown-key", "--site", str(tmp_path / "none")]) == 0
    title, _, why = capsys.readouterr().out.partition("\n\n")
    assert title.startswith("unknown-key: ")
    assert len(why.split()) > 5


def test_a_site_with_errors_is_not_explained(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "esmtpd", "MAXPERIP", site=SITE + "nonsense: 1\n") == 1
    assert f"run courier-compile check {tmp_path}" in capsys.readouterr().err
