"""The module `fax`: a message becomes pages, by the converters of courier-faxmail, and sendfax(8) transmits them.

The cover page bears the first text; every other part has a converter of its type, or the message is refused, or with
the option `ignore` the cover page says what is missing. What sendfax ends with decides: from 10 on it is final, below
it is tried again; 2 says that the line is in use, and is waited for.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses
from pathlib import Path
from typing import Final

from courier_runtime.mail.orders import Command, Exit, Identity
from courier_runtime.mail.outcome import Deferred, Delivered, Dialogue, Failed, Outcome
from courier_runtime.seams import Job, Log, Steward, Text

PROGRAM: Final = "/usr/sbin/sendfax"
CONVERTERS: Final = "lib/courier/faxmail"
"""Where the converters are below the prefix: `coverpage`, and `TYPE-SUBTYPE.filter`."""

PAUSE: Final = 60.0
"""Seconds to wait for a line that is in use."""
_LOCKED: Final = 2
_FINAL: Final = 10
_LONGEST: Final = 86400.0
"""Seconds that a transmission may take."""
_CRASHED: Final = "courierfax: child process crashed."
_NAME: Final = "courierfax"


@dataclass(frozen=True, slots=True)
class Part:
    """A document: its type and its content, decoded."""

    kind: str
    content: bytes


class Unfit(Exception):
    """The message cannot become pages: the arguments are lines that say why."""


class FaxTransport:
    """Implements `seams.Transport`. One fax at a time, as the module's limits have it.

    Files are made, looked at and removed in threads. What a crash leaves is removed when the message comes again.
    """

    def __init__(self, *, steward: Steward, log: Log, pause: float = PAUSE) -> None:
        self._steward, self._log, self._pause = steward, log, pause

    async def deliver(self, job: Job) -> Mapping[int, Outcome]:
        """Convert a message and transmit it."""
        directory = job.snapshot.ground.state / f"fax-{job.message.id}-{job.recipients[0]}"
        try:
            await asyncio.to_thread(_make_empty, directory)
            return dict.fromkeys(job.recipients, await self._fax(job, directory))
        finally:
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)

    async def _fax(self, job: Job, directory: Path) -> Outcome:
        assert job.message.text is not None, "a job has a text"
        message, parts = await asyncio.to_thread(_read, job.message.text)
        try:
            cover, documents = await self._pages(job, message, parts, directory)
        except Unfit as why:
            return Failed(Dialogue(replies=("\n".join(why.args),)))
        return await self._transmit(job, cover, documents)

    async def _pages(
        self, job: Job, message: Message, found: list[Part], directory: Path
    ) -> tuple[list[Path], list[Path]]:
        """The pages of the cover and of all else. Raises Unfit."""
        converters = Path(job.snapshot.ground.prefix, CONVERTERS)
        options = job.hop.host.split("-")[1:]
        text, parts = _apart(found[: 1 if "cover" in options else None])
        missing = await asyncio.to_thread(_missing, converters, parts)
        if missing and "ignore" not in options:
            raise Unfit(
                "This message contains an attachment with the document type of",
                f'"{missing[0]}".  This document type cannot be faxed.',
            )
        environment = {**_environment(job), "FAXRES": _resolution(job)}
        documents: list[Path] = []
        for number, part in enumerate(parts, 1):
            if part.kind not in missing:
                program = converters / _converter(part.kind)
                documents += await self._convert(program, part.content, environment, directory, number)
        said = {**_about(message), "PAGES": str(len(documents))}
        cover = converters / "coverpage"
        content = b"".join(map(_apology, missing)) + text
        return await self._convert(cover, content, {**environment, **said}, directory, 0), documents

    async def _convert(
        self, program: Path, content: bytes, environment: Mapping[str, str], directory: Path, number: int
    ) -> list[Path]:
        """The pages that a converter makes of a document. Raises Unfit."""
        made = directory / ".tmp"
        await asyncio.to_thread(_make_empty, made)
        try:
            ended = await self._run((str(program), str(made)), environment, content)
        except OSError as error:
            ended = Exit(1, f"{program}: {error.strerror}\n".encode())
        if ended.status:
            raise Unfit(*_lines(ended), f"{program}: terminated with exit status {ended.status}")
        pages = await asyncio.to_thread(_numbered, made, directory, number)
        if not pages:
            raise Unfit(f"{program}: failed to convert input data.")
        return pages

    async def _transmit(self, job: Job, cover: list[Path], documents: list[Path]) -> Outcome:
        low = ("-n",) if _resolution(job) == "lo" else ()
        arguments = (PROGRAM, "-v", "-r", *low, job.hop.address, *map(str, (*cover, *documents)))
        while True:
            try:
                ended = await self._run(arguments, {**_environment(job), "FAXRES": _resolution(job)}, b"")
            except OSError as error:
                ended = Exit(1, f"{PROGRAM}: {error.strerror}\n".encode())
            if not ended.status:
                pages = f"{len(cover) + len(documents)} pages - including {len(cover)} cover page(s)"
                return Delivered(Dialogue(replies=(f"{pages} - sent by fax.",)))
            said = _lines(ended) or [_CRASHED]
            for line in said:
                self._log.info(_NAME, f"courierfax: {PROGRAM}: {line}")
            if ended.status != _LOCKED:
                break
            self._log.info(_NAME, "courierfax: detected locked modem line, sleeping...")
            await asyncio.sleep(self._pause)
        gone = [await asyncio.to_thread(_gone, pages) for pages in (cover, documents)]
        sent = f"{gone[0]} cover pages, {gone[1]} document pages sent."
        told = Dialogue(replies=(said[-1], sent))
        return Failed(told) if ended.status >= _FINAL else Deferred(told)

    async def _run(self, arguments: tuple[str, ...], environment: Mapping[str, str], stdin: bytes) -> Exit:
        who = Identity(os.getuid(), os.getgid(), "/")
        return await self._steward.run(
            Command(who, arguments, environment, directory="/", stdin=(stdin,), timeout=_LONGEST)
        )


def _read(text: Text) -> tuple[Message, list[Part]]:
    """A message, and its documents."""
    message = BytesParser(policy=compat32).parsebytes(b"".join(text.chunks()))
    return message, list(_leaves(message))


def _make_empty(directory: Path) -> None:
    """Make a directory, without what an attempt that was cut off has left there."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(0o700)


def _missing(converters: Path, parts: Iterable[Part]) -> list[str]:
    """The types that nothing can convert."""
    return [part.kind for part in parts if not (converters / _converter(part.kind)).exists()]


def _numbered(made: Path, directory: Path, number: int) -> list[Path]:
    """What a converter has made, under names in the order of the pages."""
    return [page.rename(directory / f"f{number:04}-{at:04}.g3") for at, page in enumerate(sorted(made.iterdir()), 1)]


def _leaves(message: Message) -> Iterator[Part]:
    """The documents of a message: all of a mixture, the last of alternatives, the first of what belongs together."""
    kind, payload = message.get_content_type(), message.get_payload()
    if not kind.startswith("multipart/") or not isinstance(payload, list):
        content = message.get_payload(decode=True)
        yield Part(kind, content if isinstance(content, bytes) else _nested(message))
        return
    parts = [part for part in payload if isinstance(part, Message)]
    chosen = {"multipart/alternative": parts[-1:], "multipart/related": parts[:1], "multipart/signed": parts[:1]}
    for part in chosen.get(kind, parts):
        yield from _leaves(part)


def _nested(message: Message) -> bytes:
    """The content of a message inside a message."""
    return b"".join(part.as_bytes() for part in message.get_payload() if isinstance(part, Message))


def _apart(parts: list[Part]) -> tuple[bytes, list[Part]]:
    """The text for the cover page, and the documents behind it."""
    if parts and parts[0].kind == "text/plain":
        return parts[0].content, parts[1:]
    return b"", parts


def _converter(kind: str) -> str:
    """The file name of a type's converter, which is none of another directory whatever the type."""
    return f"{kind.replace('/', '-')}.filter"


def _apology(kind: str) -> bytes:
    return f'Document type "{kind}" cannot be faxed\n{"-" * 64}\n\n'.encode(errors="replace")


def _about(message: Message) -> Mapping[str, str]:
    """What the cover page tells of the message."""
    readers = [value for name, value in message.items() if name.lower() in ("to", "cc")]
    subjects = message.get_all("Subject", [""])
    return {
        "FROM": _people(message.get_all("From", [])),
        "TO": _people(readers),
        "SUBJECT": _plain(subjects[-1]),
        "DATE": _plain(message.get("Date", "")),
    }


def _people(values: list[str]) -> str:
    """Names, or addresses of those without one."""
    return ", ".join(_plain(name or address) for name, address in getaddresses(list(map(str, values))))


def _plain(value: object) -> str:
    """Encoded words decoded, on one line, without what is not ASCII: converters know no other characters."""
    try:
        text = str(make_header(decode_header(str(value))))
    except (LookupError, ValueError):
        text = str(value)
    return " ".join(text.encode("ascii", "ignore").decode().replace("\0", "").split())


def _environment(job: Job) -> dict[str, str]:
    return {**job.snapshot.courierd_environment, "PATH": "/usr/bin:/bin:/usr/local/bin"}


def _resolution(job: Job) -> str:
    return "lo" if "lowres" in job.hop.host.split("-") else "hi"


def _lines(ended: Exit) -> list[str]:
    return [line for line in ended.output.decode(errors="surrogateescape").splitlines() if line]


def _gone(pages: list[Path]) -> int:
    """How many were sent: sendfax removes each page that it has sent."""
    return sum(not page.exists() for page in pages)
