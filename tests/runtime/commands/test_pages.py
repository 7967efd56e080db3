"""The command explains itself: a manual page, completion, units."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from courier_runtime.cli import STATUS, main, parser
from courier_runtime.commands.manpage import page
from courier_runtime.commands.units import install
from courier_schema.export.parser_page import subparsers


def test_the_manual_page_tells_of_every_verb_and_every_exit_code() -> None:
    text = "\n".join(page(parser(), STATUS))
    for verb in subparsers(parser()):
        assert f"courier\\-run {verb}" in text
    for code, _ in STATUS:
        assert f"\\fB{code}\\fR" in text


def test_the_manual_page_is_good_roff() -> None:
    text = "".join(f"{line}\n" for line in page(parser(), STATUS))
    done = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning"], input=text, capture_output=True, text=True, check=False
    )
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_verbs(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(verb in script for verb in ("serve", "status", "units", "sendmail"))


def test_completion_is_good_bash(capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "bash"])
    subprocess.run(["bash", "-n"], input=capsys.readouterr().out, text=True, check=True)


def test_a_unit_starts_the_command_that_wrote_it_and_leaves_nothing_to_fill_in(tmp_path: Path) -> None:
    texts = {path.name: path.read_text() for path in install(tmp_path, "/etc/courier")}
    assert not any("@" in text for text in texts.values())
    assert "/courier-run serve --log plain /etc/courier\n" in texts["courier-run.service"]
    assert "ListenStream=587\nFileDescriptorName=esmtpd-msa\n" in texts["courier-run-submission.socket"]
