"""Our server and all peers on one wire, and how tests send between them and look at what arrives."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Final

from dialogue.zone import parse_zone
from real.courier_host import eventually
from real.machine import HERE, Exchange
from real.mail_host import OurServer
from real.peers.courier import Courier, furnish, tree
from real.peers.exim import Exim
from real.peers.opensmtpd import OpenSmtpd
from real.peers.peer import Peer
from real.peers.postfix import Postfix

OURS: Final = "198.18.1.10"
ANNA: Final = "anna@example.org"
"""Our user."""

_ADDRESSES: Final = {
    "postfix": "198.18.1.20",
    "exim": "198.18.1.21",
    "opensmtpd": "198.18.1.22",
    "courier": "198.18.1.23",
    "test": HERE,
}
PEERS: Final = ("postfix", "exim", "opensmtpd", "courier")
_DNS: Final = f"example.org MX 10 mx.example.org\nmx.example.org A {OURS}\n{OURS} PTR mx.example.org\n" + "".join(
    f"{name}.example MX 10 mx.{name}.example\nmx.{name}.example A {address}\n{address} PTR mx.{name}.example\n"
    for name, address in _ADDRESSES.items()
)
_MOST_OF_A_HEAD: Final = 8192
_LARGE: Final = 1024 * 1024

Log = Callable[[], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Stage:
    """Our server, its user's maildir, and the peers by name."""

    ours: OurServer
    inbox: Path
    peers: Mapping[str, Peer]

    def extended(self, extension: str) -> str:
        """Another address of our user."""
        return f"anna-{extension}@example.org"

    def log(self, name: str) -> Log:
        """What our server and a peer have said last."""
        return lambda: (*self.peers[name].machine.log[-15:], *self.ours.machine.log[-15:])


@contextmanager
def opened(scratch: Path) -> Iterator[Stage]:
    """All servers, running."""
    with ExitStack() as running:
        exchange = Exchange(parse_zone(_DNS))
        running.callback(exchange.close)
        ours = OurServer(
            "mx.example.org",
            OURS,
            tree("example.org", "anna", ("courier.example", "paul", _ADDRESSES["courier"]), scratch),
            scratch,
        )
        running.callback(ours.stop)
        peers: dict[str, Peer] = {}
        for name in PEERS:
            peers[name] = _start(name, scratch)
            running.callback(peers[name].stop)
        yield Stage(ours, furnish(ours, "example.org", "anna"), peers)


def _start(name: str, scratch: Path) -> Peer:
    address = _ADDRESSES[name]
    if name == "courier":
        return Courier(address, ("example.org", "anna", OURS), scratch / name)
    packaged: dict[str, Callable[[str, Path], Peer]] = {"postfix": Postfix, "exim": Exim, "opensmtpd": OpenSmtpd}
    return packaged[name](address, scratch)


def letter(subject: str, body: bytes = b"Good day.\r\n") -> bytes:
    """A message on the wire."""
    head = (
        f"From: <{ANNA}>\r\nTo: <paul@peer.example>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@test.example>\r\n"
        "Date: Wed, 25 Nov 2026 00:00:00 +0000\r\nMime-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return head.encode() + body


def send(
    address: str,
    sender: str,
    recipients: Sequence[str],
    text: bytes,
    mail_options: Sequence[str] = (),
    rcpt_options: Sequence[str] = (),
) -> None:
    """Hand a message to a server that relays for us; AssertionError if it does not take all of it."""
    with smtplib.SMTP(address, timeout=120) as client:
        assert client.sendmail(sender, recipients, text, ("BODY=8BITMIME", *mail_options), rcpt_options) == {}


def to_peer(stage: Stage, name: str, text: bytes, subject: str) -> bytes:
    """What becomes of a message on its way through us to a peer."""
    send(OURS, ANNA, [stage.peers[name].address], text)
    return received(stage.peers[name].inbox, subject, stage.log(name))


def to_us(stage: Stage, name: str, text: bytes, subject: str) -> bytes:
    """What becomes of a message on its way through a peer to us."""
    send(stage.peers[name].machine.address, stage.peers[name].address, [ANNA], text)
    return received(stage.inbox, subject, stage.log(name))


def arrived(inbox: Path, subject: str) -> list[Path]:
    """The new messages of this subject."""
    mark = f"\nSubject: {subject}\n".encode()
    return [path for path in (inbox / "new").iterdir() if mark in head_of(path)]


def head_of(path: Path) -> bytes:
    """The beginning of a file, which holds the headers."""
    with path.open("rb") as file:
        return file.read(_MOST_OF_A_HEAD)


def received(inbox: Path, subject: str, log: Log) -> bytes:
    """The one message of this subject, once it is there."""
    assert eventually(lambda: arrived(inbox, subject), 30), "\n".join(log())
    (path,) = arrived(inbox, subject)
    return path.read_bytes()


def body_of(message: bytes) -> bytes:
    """All after the headers."""
    return message.partition(b"\n\n")[2]


def trace(message: bytes | Path) -> str:
    """The trace header of the server that took a message last, in one line."""
    text = head_of(message) if isinstance(message, Path) else message
    return " ".join(str(message_from_bytes(text).get_all("Received", [])[0]).split())


def notices(inbox: Path, subject: str) -> list[Message]:
    """The notices about a message."""
    texts = [path.read_bytes() for path in (inbox / "new").iterdir() if path.stat().st_size < _LARGE]
    about = f"<{subject}@test.example>".encode()
    return [message_from_bytes(text) for text in texts if b"message/delivery-status" in text and about in text]


def notice(inbox: Path, subject: str, log: Log) -> tuple[Message, Message]:
    """The one notice about a message, which has one recipient: what it says of both."""
    assert eventually(lambda: notices(inbox, subject)), "\n".join(log())
    (message,) = notices(inbox, subject)
    (status,) = [part for part in message.walk() if part.get_content_type() == "message/delivery-status"]
    of_message, of_recipient = (field for field in status.get_payload() if isinstance(field, Message))
    return of_message, of_recipient
