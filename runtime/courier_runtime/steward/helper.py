"""The helper: the process that writes into mailboxes and runs programs. Where the server was started as root it is the
one that keeps root's rights: it binds ports, opens files of the configuration, starts the compiler of the site, and
acts in recipients' names, no more.

It is started with sockets, one for orders and others on which descriptors are asked for, and ends when orders can come
no more. It parses no mail and no configuration, imports the standard library and the acts beside it, and refuses to act
as root. With its own rights it opens files of the configuration and of the spool, nothing else, and only to read; and
it starts the compiler by the command that it was given at its own start, to which nobody can add a word. Without root,
everybody is its own user.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Final

from courier_runtime.mail.orders import Identity, Letter, Stored
from courier_runtime.steward import acts
from courier_runtime.steward.order import answer_of, command_of, letters_of, stored_answer
from courier_runtime.steward.ports import bind
from courier_runtime.wire.frames import Decoder, Frame

_READ: Final = 1024 * 1024


class Helper:
    """Serves orders until its socket closes."""

    def __init__(
        self,
        orders: socket.socket,
        askers: Sequence[socket.socket],
        configuration: str,
        spool: str,
        rights: Callable[[Identity], AbstractContextManager[None]] | None,
        compiler: Sequence[str],
    ) -> None:
        """`askers` are the sockets on which descriptors are asked for; with no `rights` all is done as oneself.

        `compiler` is the command that keeps the configuration up to date with its site, empty if there is none.
        """
        self._orders = orders
        self._askers = askers
        self._configuration = configuration
        self._spool = spool
        self._rights = rights
        self._compiler = compiler
        self._compiling: subprocess.Popen[bytes] | None = None
        self._decoder = Decoder()
        self._selector = selectors.DefaultSelector()
        self._acts: dict[str, Callable[[Frame], Frame | None]] = {
            "read": self._read,
            "store": self._store,
            "run": self._run,
        }
        self._children: set[int] = set()

    def serve(self) -> None:
        """Work."""
        self._selector.register(self._orders, selectors.EVENT_READ, self._take_orders)
        for asker in self._askers:
            self._selector.register(asker, selectors.EVENT_READ, partial(self._open, asker))
        try:
            while all(key.data() for key, _ in self._selector.select()):
                pass
        finally:
            for child in self._children:
                os.kill(child, signal.SIGTERM)

    def _take_orders(self) -> bool:
        data = self._orders.recv(_READ)
        for frame in self._decoder.feed(data):
            answer = self._acts[frame.said["do"]](frame)
            if answer is not None:
                self._orders.sendall(answer.encode())
        return bool(data)

    def _read(self, frame: Frame) -> Frame:
        number = frame.said["n"]
        try:
            with self._as(Identity(*frame.said["who"])):
                return answer_of(number, acts.read(frame.said["paths"]))
        except OSError as error:
            return answer_of(number, error)

    def _store(self, frame: Frame) -> Frame:
        return stored_answer(frame.said["n"], [self._stored(letter) for letter in letters_of(frame)])

    def _stored(self, letter: Letter) -> Stored:
        """Store a letter; its source is opened with our own rights, for the recipient may not read the queue."""
        source = None
        try:
            source = _open_below(self._spool, letter.source) if letter.source else None
            with self._as(letter.who):
                return acts.store(letter, source)
        except OSError as error:
            return error
        finally:
            if source is not None:
                os.close(source)

    def _run(self, frame: Frame) -> Frame | None:
        """Run a program from a child of our own, whose answer is passed on when it comes."""
        number = frame.said["n"]
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(read_end)
                with os.fdopen(write_end, "wb") as pipe:
                    pipe.write(self._ended(frame).encode())
            finally:
                os._exit(0)
        os.close(write_end)
        self._children.add(child)
        answer = bytearray()

        def collect() -> bool:
            data = os.read(read_end, _READ)
            answer.extend(data)
            if not data:
                self._selector.unregister(read_end)
                os.close(read_end)
                os.waitpid(child, 0)
                self._children.discard(child)
                lost = answer_of(number, OSError(errno.EIO, os.strerror(errno.EIO))).encode()
                self._orders.sendall(bytes(answer) or lost)
            return True

        self._selector.register(read_end, selectors.EVENT_READ, collect)
        return None

    def _as(self, who: Identity) -> AbstractContextManager[None]:
        return nullcontext() if self._rights is None else self._rights(who)

    def _open(self, asker: socket.socket) -> bool:
        """Answer a request for a port, a file of the configuration or a compiler: descriptors, or an error number."""
        data = asker.recv(4096)
        if not data:
            self._selector.unregister(asker)
            return True
        try:
            descriptors = self._opened(json.loads(data))
        except OSError as error:
            asker.sendall(json.dumps({"errno": error.errno}).encode())
            return True
        socket.send_fds(asker, [b"{}"], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _opened(self, wanted: dict[str, Any]) -> Sequence[int]:
        if "port" in wanted:
            return (bind(wanted["address"], wanted["port"]).detach(),)
        if "path" in wanted:
            return (_open_below(self._configuration, wanted["path"]),)
        return self._compile()

    def _compile(self) -> Sequence[int]:
        """Start the compiler, one at a time: what it says, and its standard input, whose end is its own."""
        if not self._compiler:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        if self._compiling is not None and self._compiling.poll() is None:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        said, output = os.pipe()
        held, life = os.pipe()
        try:
            self._compiling = subprocess.Popen(self._compiler, stdin=held, stdout=output, stderr=output)
        except OSError:
            os.close(said)
            os.close(life)
            raise
        finally:
            os.close(output)
            os.close(held)
        return said, life

    def _ended(self, frame: Frame) -> Frame:
        """Run a program to its end, in a process of our own that does nothing else."""
        command, number = command_of(frame), frame.said["n"]
        who = None if self._rights is None else (command.who.uid, command.who.gid)
        if who is not None and 0 in who:
            return answer_of(number, PermissionError(errno.EPERM, "nothing is run as root"))
        for asked in (signal.SIGINT, signal.SIGTERM):
            signal.signal(asked, signal.SIG_DFL)
        try:
            source = _open_below(self._spool, command.source) if command.source else None
            return answer_of(number, acts.run(command, source, who, _end_together))
        except OSError as error:
            return answer_of(number, error)


def _open_below(directory: str, path: str) -> int:
    """Open a file to read if it lies below a directory. Raises OSError."""
    base, real = os.path.realpath(directory), os.path.realpath(path)
    if os.path.commonpath((base, real)) != base:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)


@contextmanager
def rights_of(who: Identity) -> Iterator[None]:
    """Be somebody for a while: effective ids, no other groups."""
    if who.uid == 0 or who.gid == 0:
        raise PermissionError(errno.EPERM, "nothing is done as root")
    os.setegid(who.gid)
    os.seteuid(who.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def _end_together(group: int) -> None:
    """When we are asked to stop, so is the program that we wait for."""
    signal.signal(signal.SIGTERM, lambda *_: acts.end(group))


def main() -> None:
    """Serve the sockets that the command line names by number, orders first. Before them stand configuration, spool,
    whose name is acted in, `recipients` or `oneself`, and the command of the compiler, in JSON.

    Signals are for the server: a helper that ends while deliveries are finished would be in the way of that.
    """
    configuration, spool, name, compiler, *numbers = sys.argv[1:]
    orders, *askers = (socket.socket(fileno=int(text)) for text in numbers)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    if name == "recipients":
        os.setgroups([])
    rights = rights_of if name == "recipients" else None
    Helper(orders, askers, configuration, spool, rights, json.loads(compiler)).serve()


if __name__ == "__main__":
    main()
