"""The module `uucp`: mail for neighbours goes to uux(1), which runs rmail there.

All recipients of a job go with one call and share its outcome. Whatever goes wrong is final: what uux has taken is
stored, and what it refuses now it refuses tomorrow.
"""

from __future__ import annotations

import pwd
from collections.abc import Mapping
from typing import Final

from courier_runtime.mail.orders import Command, Identity
from courier_runtime.mail.outcome import Dialogue, Failed, Outcome, Relayed
from courier_runtime.routing.addresses import place, split
from courier_runtime.seams import Job, Steward
from courier_runtime.snapshot.model import Snapshot
from courier_schema.legacy.formats.hosted import Place

ACCOUNT: Final = "uucp"
PROGRAM: Final = "/usr/bin/uux"

_INLINE: Final = 64 * 1024
"""Bytes of a message that go with the order; a longer one is copied from where it lies."""
_REFUSED: Final = "uux terminated with a non-0 exit code."


class UucpTransport:
    """Implements `seams.Transport`."""

    def __init__(self, *, steward: Steward) -> None:
        self._steward = steward

    async def deliver(self, job: Job) -> Mapping[int, Outcome]:
        """Hand a message to uux."""
        return dict.fromkeys(job.recipients, await self._hand_over(job))

    async def _hand_over(self, job: Job) -> Outcome:
        try:
            ended = await self._steward.run(_command(job))
        except OSError as error:
            return Failed(Dialogue(replies=(f"uux: exec: {error.strerror}",)))
        said = tuple(ended.output.decode(errors="surrogateescape").splitlines())
        if ended.status:
            return Failed(Dialogue(replies=(*said, _REFUSED)))
        return Relayed(Dialogue(replies=said))


def outgoing(sender: str, snapshot: Snapshot) -> str:
    """A return address as a path that begins here: `ME!user` for one of ours, `ME!other.dom!user` for others."""
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


def _command(job: Job) -> Command:
    """The order. Flags that the configuration adds stand where uux looks for options."""
    snapshot, envelope = job.snapshot, job.message.envelope
    sender = outgoing(envelope.sender, snapshot) if envelope.sender else ""
    home, who = _account(snapshot)
    text, source, offset = _content(job)
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
        stdin=(text,),
        source=source,
        offset=offset,
        size=job.message.size if source else 0,
    )


def _account(snapshot: Snapshot) -> tuple[str, tuple[int, int]]:
    """Home, and user and group, of whoever runs uux; on a host without that user nobody does, as the steward says."""
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        return "/", (0, 0)
    return entry.pw_dir, (entry.pw_uid, entry.pw_gid)


def _content(job: Job) -> tuple[bytes, str, int]:
    """The message itself while it is short, else the file and offset where it lies."""
    text = job.message.text
    assert text is not None, "a job has a text"
    whole, at = text.whole(), text.place
    if at is not None and (whole is None or len(whole) > _INLINE):
        return b"", *at
    return (b"".join(text.chunks()) if whole is None else whole), "", 0
