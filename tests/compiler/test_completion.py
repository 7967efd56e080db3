"""Completion, asked of real shells: what they would offer for a beginning of a command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from courier_compiler.cli import main, verb_names
from courier_compiler.cli.completion import SHELLS, script

SITE: Final = """\
site: example.org
host: {postmaster: anna@example.net}
hosts: {mx-one: {host: {name: one.example.org}}, mx-two: {host: {name: two.example.org}}}
"""
_BASH: Final = """\
source "$SCRIPT"
COMP_WORDS=($LINE "$LAST"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE="$LINE $LAST"; COMP_POINT=${#COMP_LINE}
complete_with=$(complete -p courier-compile); complete_with=${complete_with##*-F }
${complete_with%% *} courier-compile "$LAST" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
_FISH: Final = 'source "$SCRIPT"; complete --do-complete "$LINE $LAST"'
_ZSH: Final = """\
# a shell in a pseudo terminal: what it would list is caught where it is added
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell 'PROMPT=; autoload -U compinit; compinit -u -D; eval "$(<$SCRIPT)"'
zpty -w shell 'compadd() { local -a hits; builtin compadd -A hits "$@"; print -rl -- $hits >> "$FOUND" }'
zpty -w shell 'show() { zle complete-word; print -r done >> "$FOUND" }; zle -N show; bindkey "^T" show'
zpty -w shell 'print -r ready >> "$FOUND"'
repeat 200; do [[ -s $FOUND ]] && break; sleep 0.05; done
zpty -w -n shell "$LINE $LAST"$'\\C-t'
repeat 200; do grep -q '^done$' "$FOUND" && break; sleep 0.05; done
grep -v -e '^ready$' -e '^done$' "$FOUND"
"""
_PROGRAMS: Final = {"bash": _BASH, "fish": _FISH, "zsh": _ZSH}
INSTALLED: Final = [shell for shell in SHELLS if shutil.which(shell)]

Offered = Callable[[str], set[str]]


@cache
def _script(shell: str) -> str:
    return script(shell)


@pytest.fixture(params=INSTALLED)
def offered(request: pytest.FixtureRequest, tmp_path: Path) -> Offered:
    """What a shell offers for a line whose last word is begun, in a directory with a site of two hosts."""
    shell = request.param
    place = tmp_path / "place"
    (place / "folder").mkdir(parents=True)
    (place / "site.yaml").write_text(SITE)
    (tmp_path / "script").write_text(_script(shell))

    def offers(line: str) -> set[str]:
        before, _, last = line.rpartition(" ")
        (tmp_path / "found").unlink(missing_ok=True)
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "TERM": "dumb",
            "SCRIPT": str(tmp_path / "script"),
            "FOUND": str(tmp_path / "found"),
            "LINE": before,
            "LAST": last,
        }
        words = [shell, *(["-f"] if shell == "zsh" else []), "-c", _PROGRAMS[shell]]
        done = subprocess.run(
            words, cwd=place, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return {one.partition("\t")[0].rstrip("/ ") for one in done.stdout.splitlines() if one}

    return offers


def test_bash_is_always_among_the_shells() -> None:
    assert "bash" in INSTALLED


@pytest.mark.parametrize("shell", INSTALLED)
def test_the_script_is_what_its_shell_can_read(shell: str, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(_script(shell))
    done = subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("shell", INSTALLED)
def test_reading_the_script_asks_for_nothing_yet(shell: str, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(_script(shell))
    (tmp_path / "courier-compile").write_text("#!/bin/sh\ntouch asked\n")
    (tmp_path / "courier-compile").chmod(0o755)
    read = 'autoload -U compinit; compinit -u -D; eval "$(<script)"' if shell == "zsh" else "source script"
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    words = [shell, *(["-f"] if shell == "zsh" else []), "-c", read]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (tmp_path / "asked").exists()


def test_every_verb_is_offered(offered: Offered) -> None:
    assert set(verb_names()) <= offered("courier-compile ")


def test_a_begun_verb_is_completed(offered: Offered) -> None:
    assert offered("courier-compile che") & set(verb_names()) == {"check"}


def test_options_are_those_of_the_verb(offered: Offered) -> None:
    found = offered("courier-compile apply --")
    assert {"--root", "--confirm", "--dry-run"} <= found
    assert "--against" not in found


def test_words_to_choose_from_are_offered(offered: Offered) -> None:
    assert {"text", "json", "github", "sarif"} <= offered("courier-compile check --format ")


def test_sites_are_files(offered: Offered) -> None:
    assert "site.yaml" in offered("courier-compile check si")


def test_hosts_are_those_of_the_site_at_hand(offered: Offered) -> None:
    assert {"mx-one", "mx-two"} <= offered("courier-compile build --host ")


def test_problems_can_be_explained_by_the_beginning_of_their_ids(offered: Offered) -> None:
    assert "alias-loop" in offered("courier-compile explain alias-l")
    assert "esmtpd" in offered("courier-compile explain esmt")


def test_words_for_the_scripts_are_printed_one_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "site.yaml").write_text(SITE)
    assert main(["completion", "hosts", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == ["mx-one", "mx-two"]
    assert main(["completion", "subjects", str(tmp_path)]) == 0
    assert {"alias-loop", "esmtpd", "aliases.dat"} <= set(capsys.readouterr().out.splitlines())


def test_without_a_site_there_are_no_hosts_and_no_complaint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "hosts", str(tmp_path / "none")]) == 0
    assert capsys.readouterr() == ("\n", "")
