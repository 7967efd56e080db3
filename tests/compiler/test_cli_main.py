"""The command as a whole: its help, its version, and how it speaks of trouble."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from courier_compiler.cli import main, verb_names
from courier_schema import __version__

Capture = pytest.CaptureFixture[str]


def usage_error(arguments: list[str], capsys: Capture) -> str:
    """What a wrong call prints; it ends with status 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"courier-compile {__version__}\n"


def test_the_help_has_a_line_for_every_verb(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert {"build", "check", "dump", "explain", "lookup", "reference", "schema", "tables"} <= set(verb_names())
    assert all(f"\n    {name}" in printed for name in verb_names())


@pytest.mark.parametrize("verb", verb_names())
def test_every_verb_explains_its_arguments(verb: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: courier-compile {verb} ")


def test_wrong_usage_ends_with_status_2(capsys: Capture) -> None:
    assert "VERB" in usage_error([], capsys)
    assert "'chekc'" in usage_error(["chekc"], capsys)
    assert "--nonsense" in usage_error(["check", "--nonsense"], capsys)


def test_trouble_of_the_world_is_one_line_and_status_1(tmp_path: Path, capsys: Capture) -> None:
    assert main(["dump", str(tmp_path / "none.dat")]) == 1
    assert capsys.readouterr().err == f"courier-compile: cannot read {tmp_path}/none.dat: No such file or directory\n"


@pytest.mark.parametrize(
    ("to", "says"), [(">/dev/full", "cannot use standard output: No space left on device"), (">&-", "is closed")]
)
@pytest.mark.parametrize("verb", ["reference", "check none.yaml"])
def test_output_that_cannot_be_written_is_one_line_and_status_1(verb: str, to: str, says: str) -> None:
    line = f"{sys.executable} -m courier_compiler.cli {verb} {to}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_installed_command_survives_a_reader_that_goes_away() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "courier_compiler.cli", "schema"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
