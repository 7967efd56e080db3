"""The module `uucp`: mail for neighbours goes to uux(1), which runs rmail there.

All recipients of a job go with one call and share its outcome. Whatever goes wrong is final: what uux has taken is
stored, and what it refuses now it refuses tomorrow. With uucprewriteheaders the addresses in From, To, Cc and Reply-To
become paths as the neighbour sees them; Sender and the headers of resent mail do not.
"""

from __future__ import annotations

import asyncio
import pwd
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from courier_runtime.mail.address_lines import rewrite
from courier_runtime.mail.orders import Command, Identity
from courier_runtime.mail.outcome import Dialogue, Failed, Outcome, Relayed
from courier_runtime.routing.addresses import place, split
from courier_runtime.seams import Job, Steward, Text
from courier_runtime.snapshot.model import Snapshot
from courier_schema.legacy.formats.hosted import Place

ACCOUNT: Final = "uucp"
PROGRAM: Final = "/usr/bin/uux"

_INLINE: Final = 64 * 1024
"""Bytes of a message that go with the order; a longer one is copied from where it lies."""
_TAKEN: Final = " message accepted."
_REFUSED: Final = "uux terminated with a non-0 exit code."
_ADDRESSES: Final = re.compile(rb"^(from|to|cc|reply-to):([^\n]*(?:\n[ \t][^\n]*)*\n)", re.IGNORECASE | re.MULTILINE)


class UucpTransport:
    """Implements `seams.Transport`."""

    def __init__(self, *, steward: Steward) -> None:
        self._steward = steward

    async def deliver(self, job: Job) -> Mapping[int, Outcome]:
        """Hand a message to uux."""
        return dict.fromkeys(job.recipients, await self._hand_over(job))

    async def _hand_over(self, job: Job) -> Outcome:
        try:
            ended = await self._steward.run(await _order(job))
        except OSError as error:
            return Failed(Dialogue(replies=(f"uux: exec: {error.strerror}",)))
        said = ended.output.decode(errors="surrogateescape")
        if not ended.status:
            return Relayed(Dialogue(replies=_lines(said or _TAKEN)))
        return Failed(Dialogue(replies=_lines(said) if said else (_REFUSED,)))


def outgoing(sender: str, snapshot: Snapshot) -> str:
    """A return address as a path that begins here: `ME!user` for one of ours, `ME!other.dom!user` for others.

    The empty one, of notices, stays empty.
    """
    if not sender:
        return ""
    local_part, domain = split(sender)
    own = snapshot.uucp_name
    if not domain or place(domain, snapshot).place is Place.LOCAL:
        return f"{own}!{local_part or sender}"
    return f"{own}!{domain}!{local_part}"


def incoming(path: str, snapshot: Snapshot) -> str:
    """What a return path from a neighbour means: `user@node` for `node!user`, unless mail can go back along it."""
    there = path.removeprefix(f"{snapshot.uucp_name}!")
    node, bang, rest = there.partition("!")
    if bang and snapshot.uucp(node.encode(errors="surrogateescape")) is not None:
        return there
    return f"{rest}@{node}" if bang else node


def rewritten(head: bytes, host: str, snapshot: Snapshot) -> bytes:
    """Headers, line ends included, with the addresses of authors and readers as paths from this neighbour on."""
    every = partial(_path, host=host, snapshot=snapshot)
    return _ADDRESSES.sub(lambda found: found[1] + b":" + rewrite(found[1], found[2], every), head)


def _path(address: bytes, host: str, snapshot: Snapshot) -> bytes:
    """The way to an address, without what leads to the neighbour. The first at sign ends a user's name here."""
    user, _, domain = address.decode(errors="surrogateescape").partition("@")
    is_ours = not domain or place(domain, snapshot).place is Place.LOCAL
    path = f"{snapshot.uucp_name}!{user if is_ours else f'{domain}!{user}'}"
    return path.removeprefix(f"{snapshot.uucp_name}!{host}!").encode(errors="surrogateescape")


def _lines(said: str) -> tuple[str, ...]:
    """What uux has printed, as the log and notices show it."""
    return tuple(line for line in f"uux: {said}".splitlines() if line)


async def _order(job: Job) -> Command:
    """The order, made in a thread where the message has to be read for it."""
    text = job.message.text
    assert text is not None, "a job has a text"
    return await asyncio.to_thread(_command, job, text) if text.whole() is None else _command(job, text)


def _command(job: Job, text: Text) -> Command:
    """The order. Flags that the configuration adds stand where uux looks for options."""
    snapshot, envelope = job.snapshot, job.message.envelope
    sender = outgoing(envelope.sender, snapshot)
    home, who = _account(snapshot)
    content = _content(text)
    if snapshot.control.uucprewriteheaders:
        content = _with_paths(content, text, job.hop.host, snapshot)
    return Command(
        who=Identity(*who, home),
        arguments=(
            PROGRAM,
            "-p",
            *(("-z", "-a", sender) if sender else ("-n",)),
            *snapshot.courierd_environment.get("UUXFLAGS", "").split(),
            f"{job.hop.host}!rmail",
            *(("-f", f"({sender})") if sender else ()),
            *(f"({address})" for address in job.addresses),
        ),
        environment={**snapshot.courierd_environment, "PATH": "/usr/bin:/bin"},
        directory="/",
        stdin=(content.begin,),
        source=content.source,
        offset=content.offset,
        size=content.size,
    )


def _account(snapshot: Snapshot) -> tuple[str, tuple[int, int]]:
    """Home, and user and group, of whoever runs uux; on a host without that user nobody does, as the steward says."""
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        return "/", (0, 0)
    return entry.pw_dir, (entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True, slots=True)
class _Content:
    """A message: bytes, and where those lie that follow."""

    begin: bytes
    source: str = ""
    offset: int = 0
    size: int = 0


def _content(text: Text) -> _Content:
    """The message itself while it is short, else the file and offset where it lies."""
    whole, at = text.whole(), text.place
    if at is not None and (whole is None or len(whole) > _INLINE):
        return _Content(b"", *at, text.size)
    return _Content(b"".join(text.chunks()) if whole is None else whole)


def _with_paths(content: _Content, text: Text, host: str, snapshot: Snapshot) -> _Content:
    """The message with its headers rewritten; what follows them is copied from where it lies, as before."""
    head = _head(text.chunks())
    begin = rewritten(head, host, snapshot) + content.begin[len(head) :]
    if not content.source:
        return _Content(begin)
    return _Content(begin, content.source, content.offset + len(head), content.size - len(head))


def _head(chunks: Iterable[bytes]) -> bytes:
    """The headers, up to and with the end of their last line."""
    read = b""
    for chunk in chunks:
        read += chunk
        end = read.find(b"\n\n")
        if end >= 0:
            return read[: end + 1]
    return read
