"""Secrets: references to them as values, and the sources that reveal them at the last moment.

A site holds references only. What a source reveals appears in no `repr` and in no message.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field
from select import POLLIN, poll
from typing import TYPE_CHECKING, Protocol, Self

from courier_schema.report import CourierSiteError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from subprocess import Popen

MASK = "********"
MAX_BYTES = 1 << 20
"""Longest secret, in bytes: keys are kilobytes, and a wrong path may name a disk."""


@dataclass(frozen=True, slots=True)
class PlainSecret:
    """A secret written into the site itself."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "a secret in the site"


@dataclass(frozen=True, slots=True)
class FileSecret:
    """A secret that is the content of a file, named relative to the base of the source that reveals it."""

    path: str

    def __str__(self) -> str:
        return f"the secret in file {self.path}"


@dataclass(frozen=True, slots=True)
class EnvSecret:
    """A secret that is the value of a variable of the environment."""

    name: str

    def __str__(self) -> str:
        return f"the secret in variable {self.name}"


@dataclass(frozen=True, slots=True)
class CommandSecret:
    """A secret that a program prints; run without a shell, in the base directory of the source."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, command: str | Sequence[str]) -> Self:
        """The command given as its words, or as a line in which quotes and backslashes work as in a shell.

        Raises ValueError for an empty command and for quotes left open.
        """
        from shlex import split  # slow to import, and few sites run commands

        words = tuple(split(command) if isinstance(command, str) else command)
        if not words or not words[0]:
            raise ValueError("the command is empty")
        return cls(words)

    def __str__(self) -> str:
        return f"the secret printed by {self.words[0]}"


SecretRef = PlainSecret | FileSecret | EnvSecret | CommandSecret
"""Where a secret is to be had."""


class SecretUnavailable(CourierSiteError):
    """A secret cannot be had now; the message names the reference and the reason, never a value."""

    def __init__(self, ref: SecretRef, reason: str) -> None:
        super().__init__(f"{ref} is not available: {reason}")
        self.ref = ref
        self.reason = reason


class SecretSource(Protocol):
    """Reveals secrets where finished bytes are made."""

    def reveal(self, ref: SecretRef) -> str:
        """The secret itself, without the newline that ends it. Raises `SecretUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class MaskedSecrets:
    """Reveals nothing: every secret is the same mask. For plans, explanations and reviews."""

    def reveal(self, ref: SecretRef) -> str:
        return MASK


@dataclass(frozen=True, slots=True)
class SeenSecrets:
    """Reveals nothing, but tells what this host certainly lacks: files and variables. Programs are not run."""

    base: Path

    def reveal(self, ref: SecretRef) -> str:
        match ref:
            case FileSecret(path):
                os.close(_opened(ref, self.base / path))
            case EnvSecret(name):
                _variable(ref, name)
            case PlainSecret() | CommandSecret():
                pass
        return MASK


@dataclass(frozen=True, slots=True)
class FixedSecrets:
    """Reveals what it was given."""

    values: Mapping[SecretRef, str] = field(repr=False)

    def reveal(self, ref: SecretRef) -> str:
        if ref in self.values:
            return self.values[ref]
        if isinstance(ref, PlainSecret):
            return ref.value
        raise SecretUnavailable(ref, "it is not among the fixed ones")


@dataclass(frozen=True, slots=True)
class HostSecrets:
    """Reveals the secrets of this host: its files, its environment, its programs.

    `base` is the directory of the file that names the secrets; `timeout` is how many seconds a program may run.
    """

    base: Path
    timeout: float = 30

    def reveal(self, ref: SecretRef) -> str:
        match ref:
            case PlainSecret(value):
                return value
            case FileSecret(path):
                content = _file(ref, self.base / path)
            case EnvSecret(name):
                content = _variable(ref, name)
            case CommandSecret(words):
                content = _output(ref, words, self.base, self.timeout)
        return _secret(ref, content)


def _file(ref: SecretRef, path: Path) -> bytes:
    try:
        with os.fdopen(_opened(ref, path), "rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SecretUnavailable(ref, _reason(error)) from None


def _opened(ref: SecretRef, path: Path) -> int:
    """The descriptor of a regular file; a pipe or a device could keep us waiting, or never end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SecretUnavailable(ref, _reason(error)) from None
    except ValueError:
        raise SecretUnavailable(ref, "a file name cannot contain NUL") from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    raise SecretUnavailable(ref, "is a directory" if stat.S_ISDIR(mode) else "it is not a regular file")


def _variable(ref: SecretRef, name: str) -> bytes:
    value = os.environb.get(os.fsencode(name))
    if value is None:
        raise SecretUnavailable(ref, "the variable is not set")
    return value


def _output(ref: SecretRef, words: tuple[str, ...], base: Path, timeout: float) -> bytes:
    """What the program prints. Its errors go where ours go; they may tell secrets, so no message repeats them."""
    import subprocess  # slow to import, and few sites run commands

    try:
        with subprocess.Popen(words, cwd=base, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as program:
            try:
                printed = _printed(program, time.monotonic() + timeout)
            finally:
                program.kill()
    except subprocess.TimeoutExpired:
        raise SecretUnavailable(ref, f"the program did not end within {timeout:g} seconds") from None
    except OSError as error:
        raise SecretUnavailable(ref, _reason(error)) from None
    except ValueError:
        raise SecretUnavailable(ref, "a command cannot contain NUL") from None
    if len(printed) <= MAX_BYTES:
        _refuse_failure(ref, program.returncode)
    return printed


def _printed(program: Popen[bytes], end: float) -> bytes:
    """What a program prints until it ends, or until that is too long for a secret. Raises TimeoutExpired."""
    import subprocess

    assert program.stdout is not None
    ready = poll()
    ready.register(program.stdout, POLLIN)
    printed = b""
    while len(printed) <= MAX_BYTES:
        left = max(0, end - time.monotonic())
        if not ready.poll(left * 1000):
            raise subprocess.TimeoutExpired(program.args, left)
        piece = os.read(program.stdout.fileno(), MAX_BYTES)
        if not piece:
            program.wait(left)
            break
        printed += piece
    return printed


def _refuse_failure(ref: SecretRef, status: int) -> None:
    if status < 0:
        raise SecretUnavailable(ref, f"signal {-status} ended the program")
    if status:
        raise SecretUnavailable(ref, f"the program ended with status {status}")


def _secret(ref: SecretRef, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise SecretUnavailable(ref, f"it is longer than {MAX_BYTES} bytes")
    content = content.removesuffix(b"\n").removesuffix(b"\r")
    if not content:
        raise SecretUnavailable(ref, "it is empty")
    if b"\0" in content:
        raise SecretUnavailable(ref, "it contains NUL")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SecretUnavailable(ref, "it is not UTF-8") from None


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
