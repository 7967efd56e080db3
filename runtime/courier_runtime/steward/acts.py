"""What a steward does, act by act, with the rights that the process has at the moment.

Nothing here parses mail. Paths are those of the machine. Mailbox files are written under a lock, and what did not fit
is taken back; a message reaches `new` only when it is whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Final

from courier_runtime.mail.orders import Command, Exit, Instructions, Letter, Stored
from courier_runtime.steward import quota

OUTPUT_LIMIT: Final = 8191
"""Bytes of a program's output that are kept."""

_GRACE: Final = 10.0
"""Seconds between the friendly and the unfriendly end of a program that took too long."""
_CHUNK: Final = 256 * 1024
_FROM: Final = re.compile(rb"^From ", re.MULTILINE)
_HOST: Final = socket.gethostname().replace("/", "\\057").replace(":", "\\072")
_NUMBERS: Final = count()


def read(paths: Sequence[str]) -> Instructions | None:
    """The first of these files that exists. Raises OSError for one that may not be read."""
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            continue
        with os.fdopen(descriptor, "rb") as file:
            return Instructions(path, file.read(), stat.S_IMODE(os.fstat(descriptor).st_mode))
    return None


def store(letter: Letter, source: int | None = None) -> Stored:
    """Put a letter where it belongs; `source` is its source file, opened by whoever may."""
    try:
        if letter.unless:
            found = read((letter.unless,))
            if found is not None and found.content:
                return found
        if _is_sticky(letter):
            return OSError(errno.EAGAIN, "The account is closed for a while: its home directory is sticky.")
        try:
            return _to_maildir(letter, source)
        except (FileNotFoundError, NotADirectoryError):
            return _to_other(letter, source)
    except OSError as error:
        return error


def _is_sticky(letter: Letter) -> bool:
    """Whether the home directory says so; one that will be made with its maildir does not yet."""
    try:
        return bool(os.stat(letter.who.home).st_mode & stat.S_ISVTX)  # noqa: PTH116 - Path is three times as slow
    except FileNotFoundError:
        if letter.is_made:
            return False
        raise


def _to_other(letter: Letter, source: int | None) -> str:
    """What is no maildir yet, or a file. Asked only after a try, for nearly every mailbox is a maildir."""
    if letter.is_made:
        _make_maildir(letter.mailbox)
    if os.path.isdir(letter.mailbox):  # noqa: PTH112
        return _to_maildir(letter, source)
    return _to_mbox(letter, source)


def _make_maildir(path: str) -> None:
    for name in ("", "/tmp", "/new", "/cur"):
        if not os.path.isdir(path + name):  # noqa: PTH112
            Path(path + name).mkdir(mode=0o700, parents=True, exist_ok=True)


def _to_maildir(letter: Letter, source: int | None) -> str:
    """Write into `tmp`, rename into `new`. The name holds time, device and inode, so that it occurs once."""
    whole = len(letter.head) + (len(letter.text) or letter.size)
    now = time.time_ns()
    stem = f"{now // 10**9}.M{now // 1000 % 10**6}P{os.getpid()}"
    draft = f"{letter.mailbox}/tmp/{stem}_{next(_NUMBERS)}.{_HOST}"
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        try:
            _write(descriptor, letter, source)
            facts = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if not quota.admit(Path(letter.mailbox), letter.quota, whole):
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), letter.mailbox)
        name = f"{stem}V{facts.st_dev:016X}I{facts.st_ino:016X}_{next(_NUMBERS)}.{_HOST},S={whole}"
        final = f"{letter.mailbox}/new/{name}"
        os.rename(draft, final)  # noqa: PTH104
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)  # noqa: PTH108
        raise
    return final


def _to_mbox(letter: Letter, source: int | None) -> str:
    """Append under a lock; what was written of a message that did not fit is taken back."""
    descriptor = os.open(letter.mailbox, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        before = os.fstat(descriptor).st_size
        text = letter.text or _copied(source, letter)
        quoted = _FROM.sub(b">From ", text)
        try:
            _write_all(descriptor, letter.envelope_line + letter.head + quoted.rstrip(b"\n") + b"\n\n")
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)
    return letter.mailbox


def _write(descriptor: int, letter: Letter, source: int | None) -> None:
    if source is None:
        _write_all(descriptor, letter.head + letter.text)
        return
    _write_all(descriptor, letter.head)
    at, left = letter.offset, letter.size
    while left:
        sent = os.sendfile(descriptor, source, at, min(left, _CHUNK))
        if not sent:
            raise OSError(errno.EIO, "the spooled message is shorter than it should be")
        at, left = at + sent, left - sent


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _copied(source: int | None, letter: Letter) -> bytes:
    return b"" if source is None else os.pread(source, letter.size, letter.offset)


def run(
    command: Command,
    source: int | None = None,
    identity: tuple[int, int] | None = None,
    on_start: Callable[[int], None] = lambda group: None,
) -> Exit:
    """Run a program to its end; with an identity, as that user and group and with no other group.

    One that takes too long is asked to stop, with all that it started, and killed ten seconds later. `on_start` gets to
    know the process group that it leads. Raises OSError if it cannot be started.
    """
    stdin = _stdin(command, source)
    user, group = identity if identity is not None else (None, None)
    try:
        process = subprocess.Popen(
            command.arguments,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(command.environment),
            cwd=command.directory,
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if identity is None else [],
        )
    finally:
        os.close(stdin)
    on_start(process.pid)
    deadline = time.monotonic() + command.timeout
    output = _read_until(process, deadline)
    return Exit(_end(process, deadline), output)


def _stdin(command: Command, source: int | None) -> int:
    """The message as a file of its own, so that the program can seek in it and need not read it."""
    descriptor = os.memfd_create("message", os.MFD_CLOEXEC)
    _write_all(descriptor, b"".join(command.stdin))
    at, left = command.offset, command.size
    while source is not None and left:
        sent = os.sendfile(descriptor, source, at, min(left, _CHUNK))
        if not sent:
            break
        at, left = at + sent, left - sent
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _read_until(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """The beginning of what a program prints; the rest is read and dropped, so that it never waits for us."""
    assert process.stdout is not None
    kept = bytearray()
    has_ended = False
    descriptor = process.stdout.fileno()
    os.set_blocking(descriptor, False)
    with process.stdout:
        while time.monotonic() < deadline:
            try:
                piece = os.read(descriptor, 65536)
            except BlockingIOError:
                if has_ended:
                    break
                has_ended = process.poll() is not None  # its last words may have come since: they are read before we go
                if not has_ended:
                    time.sleep(0.005)
                continue
            if not piece:
                break
            kept += piece[: OUTPUT_LIMIT - len(kept)]
    return bytes(kept)


def _end(process: subprocess.Popen[bytes], deadline: float) -> int:
    try:
        return process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        end(process.pid)
    try:
        return process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        end(process.pid, signal.SIGKILL)
        return process.wait()


def end(group: int, number: signal.Signals = signal.SIGTERM) -> None:
    """Ask a program, and all that it has started, to stop."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
