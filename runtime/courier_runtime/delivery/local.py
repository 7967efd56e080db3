"""Local delivery: an account's instructions are read and followed, one after the other, in its owner's name.

An instruction that fails or defers ends the delivery; those before it stay done, and another attempt begins at the top.
The common case, a mailbox and no instruction file, is a single order to the steward.
"""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from courier_runtime.delivery import dotforward
from courier_runtime.delivery.dotcourier import Dynamic, Forward, Instruction, Mailbox, Program, parse
from courier_runtime.delivery.environment import Situation, situation, variables
from courier_runtime.delivery.postroom import Postroom
from courier_runtime.mail.envelope import Envelope, Notify, Recipient
from courier_runtime.mail.orders import Command, Identity, Instructions, Letter
from courier_runtime.mail.outcome import Deferred, Delivered, Dialogue, Failed, Outcome
from courier_runtime.routing.instructions import candidates
from courier_runtime.routing.local import LocalHop
from courier_runtime.seams import Intake, Job, Steward, Text
from courier_schema.legacy.codecs import seconds

DEEPEST: Final = 3
"""Instructions that may print further instructions, one inside the other."""

_STOP: Final = 99
_FAILURES: Final = frozenset({64, 65, 67, 68, 69, 76, 77, 78, 100, 112})
_FORGOTTEN_FAILURE: Final = 70
_HEADERS: Final = 256 * 1024
"""Bytes in which Delivered-To headers are looked for."""
_WRITABLE: Final = 0o002
_INLINE: Final = 64 * 1024
"""Bytes of a message that go to the steward with the order; a longer one is copied from where it lies."""

_parsed: Final = lru_cache(16)(parse)
"""DEFAULTDELIVERY is the same for every delivery of a generation."""

_DONE: Final = Delivered(Dialogue(replies=("Message delivered.",)))


@dataclass(frozen=True, slots=True)
class _Step:
    """How an instruction ended: an outcome that ends the delivery, or the way to the next instruction."""

    ends: Outcome | None = None
    printed: tuple[str, ...] = ()


class LocalTransport:
    """The module `local`."""

    def __init__(self, *, steward: Steward, intake: Intake) -> None:
        self._steward = steward
        self._intake = intake
        self._postroom = Postroom(steward)

    async def deliver(self, job: Job) -> Mapping[int, Outcome]:
        """Deliver to the job's recipients."""
        hop = LocalHop.parse(job.hop.host)
        return {number: await self._deliver(situation(job, number, hop)) for number in job.recipients}

    async def _deliver(self, about: Situation) -> Outcome:
        try:
            if _is_looping(about):
                return Failed(_said("Mail loop - already have my Delivered-To: header."), is_remembered=False)
            if about.hop.extension:
                return await self._follow_extension(about)
            return await self._deliver_default(about)
        except OSError as error:
            return _trouble(error)

    async def _deliver_default(self, about: Situation) -> Outcome:
        """Follow the default delivery unless the account has instructions of its own."""
        own = f"{about.home}/.{about.snapshot.control.dotextension or 'courier'}"
        default = _default_delivery(about)
        if len(default) == 1 and isinstance(default[0], Mailbox):
            stored = await self._postroom.store(_letter(about, default[0], unless=own))
            if isinstance(stored, Instructions):
                return await self._follow_file(about, stored)
            return _trouble(stored) if isinstance(stored, OSError) else _DONE
        found = await self._steward.read(_identity(about), (own,))
        if found is not None and found.content:
            return await self._follow_file(about, found)
        return await self._follow(about, default)

    async def _follow_extension(self, about: Situation) -> Outcome:
        ending = about.snapshot.control.dotextension or "courier"
        files = {
            f"{about.home}/{candidate.name}": candidate
            for candidate in candidates(about.hop.extension, ending, lowercase=about.snapshot.locality.lowercase)
        }
        found = await self._steward.read(_identity(about), tuple(files))
        if found is None:
            local_part = about.recipient.rpartition("@")[0]
            return Failed(_said(f"550 User <{local_part}> unknown"))
        return await self._follow_file(replace(about, default=files[found.path].default), found)

    async def _follow_file(self, about: Situation, found: Instructions) -> Outcome:
        if found.mode & _WRITABLE:
            return Deferred(_said(".courier file is globally writeable."))
        return await self._follow(about, parse(found.content.decode(errors="surrogateescape")))

    async def _follow(self, about: Situation, instructions: tuple[Instruction, ...], depth: int = 0) -> Outcome:
        printed: list[str] = []
        for instruction in instructions:
            step = await self._carry_out(about, instruction, depth)
            if step.ends is not None:
                return step.ends
            printed += step.printed
        return Delivered(Dialogue(replies=(*printed, "Message delivered.")))

    async def _carry_out(self, about: Situation, instruction: Instruction, depth: int) -> _Step:
        match instruction:
            case Mailbox():
                stored = await self._postroom.store(_letter(about, instruction))
                return _Step(_trouble(stored) if isinstance(stored, OSError) else None)
            case Program(command):
                return await self._run(about, command)
            case Forward(addresses):
                return await self._forward(about, addresses)
            case Dynamic(command):
                return await self._ask(about, command, depth)

    async def _run(self, about: Situation, command: str) -> _Step:
        maildrop = about.snapshot.control.maildrop
        arguments: tuple[str, ...]
        if maildrop is not None and command == maildrop:
            arguments = (command, "-A", about.delivered_to.strip(), "-A", about.return_path.strip(), "-f", about.sender)
        else:
            arguments = (about.snapshot.courierd.shell or "/bin/sh", "-c", command)
        ended = await self._steward.run(_command(about, arguments))
        said = _lines(ended.output)
        if ended.status == 0:
            return _Step(printed=said)
        if ended.status == _STOP:
            return _Step(Delivered(Dialogue(replies=(*said, "Message delivered."))))
        return _Step(_outcome_of(ended.status, said))

    async def _ask(self, about: Situation, command: str, depth: int) -> _Step:
        """Run a command for the instructions that it prints."""
        if about.snapshot.courierd.dynamicdeliveries is False:
            return _Step(Failed(_said("Dynamic delivery instructions disabled by administrator.")))
        if depth >= DEEPEST:
            text = "Maximum recursion level for dynamic delivery instructions exceeded."
            return _Step(Failed(_said(text)))
        if os.path.basename(command) == "dotforward":  # noqa: PTH119 - a command, not a path of this machine
            status, output = await self._dotforward(about)
        else:
            shell = about.snapshot.courierd.shell or "/bin/sh"
            ended = await self._steward.run(_command(about, (shell, "-c", command)))
            status, output = ended.status, ended.output.decode(errors="surrogateescape")
        if status not in (0, _STOP):
            return _Step(_outcome_of(status, _lines(output.encode(errors="surrogateescape"))))
        outcome = await self._follow(about, parse(output), depth + 1)
        return _Step(outcome if status == _STOP or not isinstance(outcome, Delivered) else None)

    async def _dotforward(self, about: Situation) -> tuple[int, str]:
        """What the program of that name would say: its exit status and output."""
        who = _identity(about)
        known: dict[str, str | None] = {}
        found = await self._steward.read(who, (f"{about.home}/.forward",))
        if found is None:
            return 0, ""
        text = found.content.decode(errors="surrogateescape")
        while True:
            wanted: list[str] = []

            def read(path: str, wanted: list[str] = wanted) -> str | None:
                if path not in known:
                    wanted.append(path)
                return known.get(path)

            try:
                made = dotforward.translate(text, read, about.recipient, _delivered_to(about))
            except dotforward.Unreadable:
                if not wanted:
                    return 67, ""
                path = wanted[0]
                place = path if path.startswith("/") else f"{about.home}/{path}"
                included = await self._steward.read(who, (place,))
                known[path] = None if included is None else included.content.decode(errors="surrogateescape")
                continue
            return 0 if made.delivers_here_too else _STOP, made.instructions

    async def _forward(self, about: Situation, addresses: tuple[str, ...]) -> _Step:
        original = about.job.message.envelope
        notify = about.snapshot.courierd.dsnnotify
        wanted = Notify.of_letters("".join(word[:1] for word in notify)) if notify else Notify.FAILURE
        envelope = Envelope(
            sender=original.sender,
            recipients=tuple(Recipient(address, about.recipient, wanted) for address in addresses),
            source="local",
            origin="dns; localhost (localhost [127.0.0.1])",
            eight_bit=original.eight_bit,
            smtputf8=original.smtputf8,
            security=original.security,
            virtual_host=original.virtual_host,
        )
        comment = f"forwarded by {about.recipient}"
        header = about.delivered_to.encode(errors="surrogateescape")
        reply = await self._intake.submit(envelope, _text(about), comment, (header,))
        if not reply.is_refusal:
            return _Step()
        said = Dialogue(replies=tuple(reply.text.split("\n")), is_smtp=True)
        return _Step(Failed(said) if reply.is_permanent else Deferred(said))


def _default_delivery(about: Situation) -> tuple[Instruction, ...]:
    """What the account back-end says, or DEFAULTDELIVERY."""
    if about.hop.maildir:
        return (Mailbox(about.hop.maildir.rstrip("/")),)
    return _parsed(about.snapshot.courierd.defaultdelivery or "./Maildir")


def _identity(about: Situation) -> Identity:
    return Identity(about.hop.uid, about.hop.gid, about.home)


def _letter(about: Situation, mailbox: Mailbox, unless: str = "") -> Letter:
    ground = about.snapshot.ground
    path = mailbox.path.removeprefix("./")
    place = str(ground.place(path)) if path.startswith("/") else f"{about.home}/{path}"
    text, source, offset = _content(about)
    return Letter(
        who=_identity(about),
        mailbox=place,
        envelope_line=about.envelope_line.encode(errors="surrogateescape"),
        head=(about.delivered_to + about.return_path).encode(errors="surrogateescape"),
        text=text,
        source=source,
        offset=offset,
        size=about.job.message.size if source else 0,
        quota=about.hop.quota,
        unless=unless,
        is_made=ground.is_embedded and mailbox.path in ("./Maildir", about.hop.maildir),
    )


def _command(about: Situation, arguments: tuple[str, ...]) -> Command:
    text, source, offset = _content(about)
    return Command(
        who=_identity(about),
        arguments=arguments,
        environment=variables(about),
        directory=about.home,
        stdin=(text,),
        source=source,
        offset=offset,
        size=about.job.message.size if source else 0,
        timeout=float(seconds(about.snapshot.control.localtimeout or "15m")),
    )


def _content(about: Situation) -> tuple[bytes, str, int]:
    """The message itself while it is short, else the file and offset where it lies."""
    text = _of(about)
    whole, place = text.whole(), text.place
    if whole is not None and (len(whole) <= _INLINE or place is None):
        return whole, "", 0
    if place is not None:
        return b"", place[0], place[1]
    return b"".join(text.chunks()), "", 0


def _of(about: Situation) -> Text:
    text = about.job.message.text
    if text is None:
        raise OSError(errno.EIO, "the text of the message is not at hand")
    return text


async def _text(about: Situation) -> AsyncIterator[bytes]:
    for chunk in _of(about).chunks():
        yield chunk


def _delivered_to(about: Situation) -> tuple[str, ...]:
    """The addresses in the message's Delivered-To headers."""
    text = _of(about)
    start = text.whole() or next(iter(text.chunks()), b"")[:_HEADERS]
    end = start.find(b"\n\n")
    headers = start if end < 0 else start[: end + 1]
    if b"elivered-" not in headers and b"ELIVERED-" not in headers:
        return ()
    lines = headers.split(b"\n")
    found = (line[13:].strip() for line in lines if line[:13].lower() == b"delivered-to:")
    return tuple(address.decode(errors="surrogateescape") for address in found)


def _is_looping(about: Situation) -> bool:
    found = _delivered_to(about)
    return about.recipient in found or about.delivered_address in found


def _outcome_of(status: int, said: tuple[str, ...]) -> Outcome:
    """What an exit status means for the delivery; a signal is a failure."""
    dialogue = Dialogue(replies=said)
    if status < 0 or status in _FAILURES:
        return Failed(dialogue)
    if status == _FORGOTTEN_FAILURE:
        return Failed(dialogue, is_remembered=False)
    return Deferred(dialogue)


def _trouble(error: OSError) -> Outcome:
    if error.errno == errno.EDQUOT:
        return Deferred(_said("Maildir over quota."))
    return Deferred(_said(error.strerror or str(error)))


def _said(text: str) -> Dialogue:
    return Dialogue(replies=(text,))


def _lines(output: bytes) -> tuple[str, ...]:
    return tuple(output.decode(errors="surrogateescape").rstrip("\n").split("\n")) if output.strip() else ()
