"""Secrets: what each kind of reference reveals, why it cannot, and that nothing shows by accident."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from courier_schema.report import CourierSiteError
from courier_schema.source.secrets import (
    MASK,
    CommandSecret,
    EnvSecret,
    FileSecret,
    FixedSecrets,
    HostSecrets,
    MaskedSecrets,
    PlainSecret,
    SecretRef,
    SecretSource,
    SecretUnavailable,
    SeenSecrets,
)

WORD = "hunter2"


def prints(code: str) -> CommandSecret:
    return CommandSecret((sys.executable, "-c", code))


def reason(source: SecretSource, ref: SecretRef) -> str:
    with pytest.raises(SecretUnavailable) as caught:
        source.reveal(ref)
    assert isinstance(caught.value, CourierSiteError)
    assert caught.value.__cause__ is None
    assert WORD not in str(caught.value)
    assert WORD not in repr(caught.value)
    return caught.value.reason


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2\n\n", "hunter2\n"),
        (b" two\nlines ", " two\nlines "),
        ("gehäuse".encode(), "gehäuse"),
    ],
)
def test_one_newline_at_the_end_is_no_part_of_a_secret(tmp_path: Path, content: bytes, secret: str) -> None:
    (tmp_path / "word").write_bytes(content)
    assert HostSecrets(tmp_path).reveal(FileSecret("word")) == secret
    code = f"import sys; sys.stdout.buffer.write({content!r})"
    assert HostSecrets(tmp_path).reveal(prints(code)) == secret


def test_file_names_are_relative_to_the_base_or_absolute(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "anna").write_text(WORD)
    assert HostSecrets(tmp_path).reveal(FileSecret("secrets/anna")) == WORD
    assert HostSecrets(Path("/")).reveal(FileSecret(f"{tmp_path}/secrets/anna")) == WORD


def test_a_variable_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = HostSecrets(tmp_path)
    assert reason(source, EnvSecret("COURIER_TEST_WORD")) == "the variable is not set"
    monkeypatch.setenv("COURIER_TEST_WORD", WORD)
    assert source.reveal(EnvSecret("COURIER_TEST_WORD")) == WORD


def test_a_plain_secret_is_its_value(tmp_path: Path) -> None:
    assert HostSecrets(tmp_path).reveal(PlainSecret(f"{WORD}\n")) == f"{WORD}\n"


def test_a_command_is_words_or_a_line_without_a_shell(tmp_path: Path) -> None:
    assert CommandSecret.of(["pass", "show", "a b"]).words == ("pass", "show", "a b")
    assert CommandSecret.of("pass show 'a b' $HOME").words == ("pass", "show", "a b", "$HOME")
    assert HostSecrets(tmp_path).reveal(CommandSecret.of("echo 'a  b' $HOME")) == "a  b $HOME"


@pytest.mark.parametrize("command", ["", "  ", "''", "'open", [], [""]])
def test_a_command_without_a_program_or_with_an_open_quote_is_a_value_error(command: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"empty|quotation"):
        CommandSecret.of(command)


def test_a_command_runs_in_the_base_directory_with_nothing_to_read(tmp_path: Path) -> None:
    script = tmp_path / "word"
    script.write_text(f"#!/bin/sh\ncat\npwd\necho {WORD}\n")
    script.chmod(0o700)
    revealed = HostSecrets(tmp_path).reveal(CommandSecret(("./word",)))
    assert revealed == f"{tmp_path.resolve()}\n{WORD}"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"\n", "it is empty"),
        (b"hunter2\0", "it contains NUL"),
        (b"hunter2\xff", "it is not UTF-8"),
        (b"x" * (1 << 20) + b"hunter2", "it is longer than 1048576 bytes"),
    ],
)
def test_a_secret_that_could_not_be_written_down_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "word").write_bytes(content)
    assert reason(HostSecrets(tmp_path), FileSecret("word")) == why


@pytest.mark.parametrize(
    ("path", "why"),
    [("gone", "no such file or directory"), (".", "is a directory"), ("a\0b", "a file name cannot contain NUL")],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, path: str, why: str) -> None:
    assert reason(HostSecrets(tmp_path), FileSecret(path)) == why


@pytest.mark.parametrize(
    ("ref", "why"),
    [
        (CommandSecret(("./gone",)), "no such file or directory"),
        (CommandSecret(("echo", "a\0b")), "a command cannot contain NUL"),
        (prints(f"print('{WORD}'); raise SystemExit(3)"), "the program ended with status 3"),
        (prints(f"import os; print('{WORD}', flush=True); os.kill(os.getpid(), 9)"), "signal 9 ended the program"),
    ],
)
def test_a_command_that_fails_says_how_and_not_what_it_printed(tmp_path: Path, ref: SecretRef, why: str) -> None:
    assert reason(HostSecrets(tmp_path), ref) == why


def test_a_command_that_hangs_is_given_up(tmp_path: Path) -> None:
    began = time.monotonic()
    source = HostSecrets(tmp_path, timeout=0.2)
    ref = prints(f"import time; print('{WORD}', flush=True); time.sleep(60)")
    assert reason(source, ref) == "the program did not end within 0.2 seconds"
    assert time.monotonic() - began < 10


def test_a_command_that_prints_without_end_is_stopped_when_it_has_printed_too_much(tmp_path: Path) -> None:
    began = time.monotonic()
    assert reason(HostSecrets(tmp_path), CommandSecret(("yes", WORD))) == "it is longer than 1048576 bytes"
    assert time.monotonic() - began < 10


def test_a_command_that_prints_all_it_may_in_pieces_is_heard_to_its_end(tmp_path: Path) -> None:
    code = "import sys, time\nfor _ in range(16):\n print(end='x' * 65536, flush=True)\n time.sleep(0.01)"
    assert HostSecrets(tmp_path).reveal(prints(code)) == "x" * (1 << 20)


def test_a_command_that_closes_its_output_and_stays_is_given_up(tmp_path: Path) -> None:
    ref = prints("import os, time; os.close(1); time.sleep(60)")
    assert reason(HostSecrets(tmp_path, timeout=0.5), ref) == "the program did not end within 0.5 seconds"


def test_the_message_names_the_reference_but_no_arguments(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match=r"^the secret in file gone is not available: no such file"):
        HostSecrets(tmp_path).reveal(FileSecret("gone"))
    with pytest.raises(SecretUnavailable) as caught:
        HostSecrets(tmp_path).reveal(CommandSecret(("false", f"--token={WORD}")))
    assert str(caught.value) == "the secret printed by false is not available: the program ended with status 1"


def test_no_representation_shows_a_secret() -> None:
    ref = PlainSecret(WORD)
    shown = [repr(ref), str(ref), repr(FixedSecrets({ref: WORD})), str(SecretUnavailable(ref, "no reason"))]
    assert not [text for text in shown if WORD in text]


def test_masked_secrets_reveal_the_mask_only() -> None:
    refs: list[SecretRef] = [PlainSecret(WORD), FileSecret("gone"), EnvSecret("GONE"), CommandSecret(("false",))]
    assert {MaskedSecrets().reveal(ref) for ref in refs} == {MASK}


def test_fixed_secrets_reveal_what_they_were_given() -> None:
    source = FixedSecrets({FileSecret("a"): WORD})
    assert source.reveal(FileSecret("a")) == WORD
    assert source.reveal(PlainSecret("b")) == "b"
    assert reason(source, EnvSecret("A")) == "it is not among the fixed ones"


def test_seen_secrets_reveal_nothing_but_tell_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "word").write_text(WORD)
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.delenv("COURIER_TEST_WORD", raising=False)
    seen = SeenSecrets(tmp_path)
    assert {seen.reveal(ref) for ref in (FileSecret("word"), PlainSecret(WORD), CommandSecret(("false",)))} == {MASK}
    assert reason(seen, FileSecret("none")) == "no such file or directory"
    assert reason(seen, FileSecret("pipe")) == "it is not a regular file"
    assert reason(seen, EnvSecret("COURIER_TEST_WORD")) == "the variable is not set"
