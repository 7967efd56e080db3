"""Mixed traffic through a whole server, and the books that are kept of it outside: who was promised what, who got what.

Each message has a mark of its own, in a header and as its envelope id, so that copies in mailboxes, at the remote sink
and in the queue, and the notices that came back, can be told apart.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import smtplib
import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from courier_runtime.control import SUBMIT, Unreachable
from courier_runtime.control.submission import submit
from courier_runtime.seams import Queued, State
from courier_runtime.spool.filesystem import boot_id
from runtime.running import Running
from runtime.spools import open_spool, run, text_of

Key = tuple[str, str]
"""A message, by its mark, and a recipient."""

TEAM: Final = ("anna", "boris", "clara", "dora", "egon")
SENDER: Final = "sender@example.com"
SITE: Final = """\
site: example.com
host: {name: mx.example.com, postmaster: anna}
listeners:
  smtp: {max_per_address: 200, max_connections: 200, max_per_network: 200}
account_defaults: {home: "/home/{user}", uid: 5000, gid: 5000}
accounts: {anna: {}, boris: {}, clara: {}, dora: {}, egon: {}, sender: {}, robot: {}}
aliases: {team: [anna, boris, clara, dora, egon]}
routes: {remote.example: {via: "[127.0.0.1]", port: SINK}}
queue: {retry_pause: 1s, series_pause: 1s, series_doublings: 0, host_pause: 1s}
settings:
  esmtpd: {BOFHCHECKDNS: false, TARPIT: false, TCPDOPTS: [-nodnslookup]}
"""
PAUSE: Final = 0.015
"""Seconds between two messages of a customer, so that deliveries keep up and are under way at every instant."""
ROBOT: Final = "| sed -n 's/^X-Mark: //p' >> got; sleep 0.03\n./Maildir\n"
"""What the account robot has in its .courier."""

MARK: Final = re.compile(rb"^X-Mark: (\S+)$", re.MULTILINE)
_ABOUT: Final = re.compile(rb"^Original-Envelope-Id: (\S+)$", re.MULTILINE)
_NAME: Final = re.compile(rb"^Message-ID: (\S+)$", re.MULTILINE)
_REPORTED: Final = re.compile(rb"^Final-Recipient: rfc822; (\S+)\nAction: failed$", re.MULTILINE)


def is_hopeless(address: str) -> bool:
    """Whether mail to an address has to come back."""
    return address.startswith(("nobody.", "refused."))


class Sink(socketserver.ThreadingTCPServer):
    """A remote server. `later` addresses are put off once, in turn at RCPT and behind the text; `refused` ones fail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.taken: Counter[Key] = Counter()
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.talking = 0
        self.strange: list[tuple[list[str], bytes]] = []
        """Texts that nobody sent, and to whom they went."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def answer(self, address: str) -> bytes:
        """To RCPT."""
        with self.lock:
            self.asked[address] += 1
            if address.startswith("later.") and self.asked[address] == 1:
                return b"451 not now\r\n"
        return b"550 never\r\n" if address.startswith("refused.") else b"250 fine\r\n"

    def take(self, addresses: list[str], text: bytes) -> bytes:
        """Behind the text."""
        found = MARK.search(text)
        if found is None:
            self.strange.append((addresses, text))
            return b"554 what is that\r\n"
        with self.lock:
            if any(address.startswith("slow.") and self.asked[address] == 1 for address in addresses):
                return b"452 come back\r\n"
            self.taken.update((found[1].decode(), address) for address in addresses)
        return b"250 taken\r\n"


class _Talk(socketserver.StreamRequestHandler):
    server: Sink

    def handle(self) -> None:
        with self.server.lock:
            self.server.talking += 1
        try:
            with contextlib.suppress(ConnectionError):
                self._talk()
        finally:
            with self.server.lock:
                self.server.talking -= 1

    def _talk(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        accepted: list[str] = []
        while line := self.rfile.readline().strip():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            elif verb == b"MAIL":
                accepted = []
                self.wfile.write(b"250 fine\r\n")
            elif verb == b"RCPT":
                address = line.partition(b"<")[2].partition(b">")[0].decode()
                reply = self.server.answer(address)
                if reply.startswith(b"250"):
                    accepted.append(address)
                self.wfile.write(reply)
            elif verb == b"DATA":
                self.wfile.write(b"354 go on\r\n" if accepted else b"554 nobody\r\n")
                if accepted:
                    text = self._text()
                    if text is None:
                        return
                    self.wfile.write(self.server.take(accepted, text))
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 fine\r\n")

    def _text(self) -> bytes | None:
        """The text, line ends as LF; None if the client has gone in the middle of it."""
        lines: list[bytes] = []
        while line := self.rfile.readline():
            if line == b".\r\n":
                return b"".join(lines).replace(b"\r\n", b"\n")
            lines.append(line)
        return None


@contextlib.contextmanager
def sinking() -> Iterator[Sink]:
    """A sink that serves."""
    with Sink() as sink:
        thread = threading.Thread(target=sink.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            sink.shutdown()
            thread.join()


@dataclass
class Promises:
    """What was offered, and what the server has said yes to."""

    offered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)


class Customers:
    """Threads that send until the server goes away, or, if they are patient, come again with another message."""

    def __init__(self, server: Running, promises: Promises, life: int, *, are_patient: bool = False) -> None:
        self._port, self._submit = server.port(), f"{server.state}/run/{SUBMIT}"
        self._promises = promises
        self._are_patient = are_patient
        self._is_over = threading.Event()
        work = (self._local, self._local, self._team, self._robot, self._remote, self._remote, self._inside)
        self._threads = [
            threading.Thread(target=self._send, args=(one, f"{life}.{number}")) for number, one in enumerate(work)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """No more messages; wait for what is under way."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _send(self, one: Callable[[str, Random], None], name: str) -> None:
        chance = Random(name)
        count = 0
        while not self._is_over.wait(PAUSE):
            try:
                one(f"{name}.{count}", chance)
            except (OSError, smtplib.SMTPException, Unreachable):
                if not self._are_patient:
                    return
            count += 1

    def _local(self, mark: str, chance: Random) -> None:
        self._over_smtp(mark, ["anna@example.com"], ("anna@example.com",), chance)

    def _team(self, mark: str, chance: Random) -> None:
        self._over_smtp(mark, ["team@example.com"], tuple(f"{name}@example.com" for name in TEAM), chance)

    def _robot(self, mark: str, chance: Random) -> None:
        to = ["robot@example.com", "clara@example.com"]
        self._over_smtp(mark, to, tuple(to), chance)

    def _remote(self, mark: str, chance: Random) -> None:
        kind = chance.choice(("fine", "fine", "later", "slow", "refused"))
        to = [f"{kind}.{mark}@remote.example"]
        self._over_smtp(mark, to, tuple(to), chance)

    def _inside(self, mark: str, chance: Random) -> None:
        """As `sendmail` does; unknown users are taken, and come back."""
        to = chance.choice((f"nobody.{mark}@example.com", "dora@example.com"))
        self._promises.offered[mark] = (to,)
        said = (("sender", SENDER), ("recipient", to), ("envelope_id", mark))
        if submit(self._submit, said, _text(mark, chance).encode()).startswith("250 "):
            self._promises.accepted.add(mark)

    def _over_smtp(self, mark: str, to: list[str], recipients: tuple[str, ...], chance: Random) -> None:
        self._promises.offered[mark] = recipients
        with smtplib.SMTP("127.0.0.1", self._port, timeout=30) as client:
            client.sendmail(SENDER, to, _text(mark, chance), mail_options=[f"ENVID={mark}"])
            self._promises.accepted.add(mark)


def _text(mark: str, chance: Random) -> str:
    """Mostly short; some longer than the spool keeps in its log."""
    size = 300_000 if chance.random() < 0.04 else 1000
    return f"From: {SENDER}\nSubject: x\nX-Mark: {mark}\n\n" + "x" * 70 * (size // 70)


@dataclass
class Books:
    """Where everything is at one moment, the server being dead or idle."""

    delivered: Counter[Key] = field(default_factory=Counter)
    """Copies in mailboxes and at the sink. A notice's mark is its Message-ID."""
    told: dict[Key, set[str]] = field(default_factory=dict)
    """Failures, and the notices that tell of each: in the sender's mailbox, or on the way there."""
    pending: set[Key] = field(default_factory=set)
    """Recipients that the queue still has to serve."""
    untold: set[Key] = field(default_factory=set)
    """Those whose failure it still has to tell of."""

    def count_notice(self, text: bytes) -> str:
        """Enter a notice, wherever it is; its mark."""
        about, name = _ABOUT.search(text), _NAME.search(text)
        assert about is not None, "a notice that does not say which message it is about"
        assert name is not None, "a notice without a name"
        for address in _REPORTED.findall(text):
            self.told.setdefault((about[1].decode(), address.decode()), set()).add(name[1].decode())
        return name[1].decode()

    def count_queued(self, message: Queued) -> None:
        """Enter a message of the queue."""
        envelope = message.envelope
        mark = envelope.envelope_id if envelope.sender else self.count_notice(text_of(message))
        for recipient, progress in zip(envelope.recipients, message.progress, strict=True):
            if progress.state is State.PENDING:
                self.pending.add((mark, recipient.address))
            elif progress.state is State.FAILED:
                self.untold.add((mark, recipient.address))

    @property
    def open(self) -> set[Key]:
        """What may still happen."""
        return self.pending | self.untold

    @property
    def notices(self) -> set[str]:
        """The marks of all notices."""
        return {name for names in self.told.values() for name in names}


class Auditor:
    """Looks into every mailbox, at the sink and into the queue. Each file of a mailbox is read once."""

    def __init__(self, server: Running, sink: Sink, scratch: Path) -> None:
        self._server, self._sink, self._scratch = server, sink, scratch
        self._seen: set[Path] = set()
        self._delivered: Counter[Key] = Counter()
        self._notices: list[bytes] = []

    def look(self) -> Books:
        """The books of this moment. The server must not be running."""
        for user in (*TEAM, "robot", "sender"):
            self._read(user)
        books = Books(self._delivered + self._sink.taken)
        for notice in self._notices:
            books.delivered[books.count_notice(notice), SENDER] += 1
        copy = self._scratch / "copy"
        shutil.copytree(self._server.state / "spool", copy)
        run(_read_queue(copy, books))
        shutil.rmtree(copy)
        return books

    def robot(self) -> Counter[str]:
        """How often the robot's program was run for each message."""
        got = self._server.homes / "robot/got"
        return Counter(got.read_text().split()) if got.exists() else Counter()

    def _read(self, user: str) -> None:
        for path in self._server.inbox(user):
            if path in self._seen:
                continue
            self._seen.add(path)
            text = path.read_bytes()
            if user == "sender":
                self._notices.append(text)
            else:
                found = MARK.search(text)
                assert found is not None, f"{path} is no message of ours, or not whole"
                self._delivered[found[1].decode(), f"{user}@example.com"] += 1


async def _read_queue(path: Path, books: Books) -> None:
    """Enter what a dead server's spool holds; works on a copy, for opening it writes."""
    spool = open_spool(path, boot=boot_id())
    for message in spool.scan():
        books.count_queued(message)
    await spool.close()
