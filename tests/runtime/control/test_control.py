"""The control sockets answer commands and take mail; what is no request is answered, not crashed on."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from courier_runtime.control import CONTROL, SUBMIT, Unreachable
from courier_runtime.control import server as server_module
from courier_runtime.control.page import Page
from courier_runtime.control.server import ControlServer, is_for, make_directory
from courier_runtime.control.submission import submit
from courier_runtime.control.wire import ask
from courier_runtime.mail.envelope import ByHeaders, Envelope, Notify, Recipient
from courier_runtime.mail.reply import Reply
from runtime.messages import RecordingIntake
from runtime.trees import snapshot_of

T = TypeVar("T")


def served(directory: Path, say: Callable[[], T], intake: RecordingIntake | None = None) -> T:
    """What is heard while a server runs that echoes and takes mail in."""

    async def echo(request: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"heard": request["text"]}

    async def caller(request: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"caller": request["caller"]}

    async def go() -> T:
        server = ControlServer(
            directory,
            commands={"echo": echo, **dict.fromkeys(("queue", "cancel", "stop"), caller)},
            intake=intake or RecordingIntake(),
            snapshot=lambda: snapshot_of(directory),
        )
        ready = asyncio.Event()
        serving = asyncio.create_task(server.run(ready.set))
        await ready.wait()
        try:
            return await asyncio.to_thread(say)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    return asyncio.run(go())


def spoken(path: Path, said: bytes) -> bytes:
    """What is answered to these bytes; nothing if the server hangs up on them."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        try:
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return b""
        return connection.recv(1000)


def talk(directory: Path, said: Mapping[str, Any]) -> Any:
    """What a server answers to one command."""
    return served(directory, lambda: ask(str(directory / CONTROL), said))


def mailed(directory: Path, intake: RecordingIntake, fields: Iterable[tuple[str, str]], text: bytes) -> str:
    """What a server answers to one message."""
    return served(directory, lambda: submit(str(directory / SUBMIT), fields, text), intake)


def test_a_command_is_answered(tmp_path: Path) -> None:
    assert talk(tmp_path, {"do": "echo", "text": "ä"}) == {"heard": "ä"}


def test_an_unknown_command_is_answered_too(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="this server knows no such command"):
        talk(tmp_path, {"do": "dance"})


def _called_by(uid: int, verb: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What somebody hears, and as whom the command knows him."""
    monkeypatch.setattr(server_module, "peer_uid", lambda _: uid)
    return talk(directory, {"do": verb, "caller": None})


@pytest.mark.parametrize("verb", ["queue", "cancel"])
def test_an_ordinary_user_is_known_by_the_kernels_word_not_his_own(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _called_by(54321, verb, tmp_path, monkeypatch) == {"caller": 54321}


@pytest.mark.parametrize("uid", [0, os.getuid()])
@pytest.mark.parametrize("verb", ["queue", "stop"])
def test_root_and_the_servers_own_user_are_not_restricted(
    uid: int, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _called_by(uid, verb, tmp_path, monkeypatch) == {"caller": None}


def test_an_ordinary_user_commands_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreachable, match="only root and the user of the mail system may say this"):
        _called_by(54321, "stop", tmp_path, monkeypatch)


@pytest.mark.parametrize(("caller", "sees"), [(None, True), (54321, True), (54322, False)])
def test_a_message_exists_for_its_owner_and_for_the_unrestricted(caller: int | None, sees: bool) -> None:
    envelope = Envelope("anna@example.com", (Recipient("boris@example.com"),), owner=54321)
    assert is_for({"caller": caller}, envelope) is sees


def test_nobody_but_the_unrestricted_sees_the_mail_systems_own_mail() -> None:
    assert not is_for({"caller": 54321}, Envelope("", (Recipient("boris@example.com"),)))


def test_mail_is_taken_with_its_envelope_and_the_caller_is_named(tmp_path: Path) -> None:
    intake = RecordingIntake()
    said = (
        ("sender", "anna@example.com"), ("recipient", "boris@example.com"), ("notify", "success,fail"),
        ("returns", "hdrs"), ("envelope_id", "x"), ("verp", "yes"), ("security", "STARTTLS"), ("bcc_only", ""),
    )  # fmt: skip
    assert mailed(tmp_path, intake, said, b"Subject: x\n\n" + b"y" * 200_000) == "250 Ok."
    ((envelope, text),) = intake.taken
    assert len(text) == 200_012
    assert (envelope.sender, envelope.source, envelope.returns, envelope.verp, envelope.security) == (
        "anna@example.com", "local", "headers", True, "starttls",
    )  # fmt: skip
    assert envelope.recipients[0].notify == Notify.SUCCESS | Notify.FAILURE
    assert envelope.by_headers == ByHeaders(Notify.SUCCESS | Notify.FAILURE)
    assert intake.comments[0] == f"uid {os.getuid()}"
    assert envelope.owner == os.getuid()


def test_mail_from_uucp_has_addresses_for_paths_and_names_the_neighbour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "peer_uid", lambda _: 54321)
    monkeypatch.setattr(server_module, "_who_brings_uucp", lambda: frozenset({54321}))
    intake = RecordingIntake()
    to = (("recipient", path) for path in ("mx!anna", "dom.tld!x", "gate!y"))
    said = (("sender", "apple!john"), *to, ("uucp", "apple!john"))
    assert mailed(tmp_path, intake, said, b"Subject: x\n\n") == "250 Ok."
    ((envelope, _),) = intake.taken
    assert (envelope.sender, envelope.source, envelope.origin) == ("john@apple", "uucp", "unknown; uucp (apple!john)")
    assert [recipient.address for recipient in envelope.recipients] == ["anna", "x@dom.tld", "gate!y"]
    assert envelope.owner == 54321
    assert intake.comments == [""]


def test_a_refusal_reaches_the_caller(tmp_path: Path) -> None:
    intake = RecordingIntake(Reply.of(431, "Mail system full."))
    assert mailed(tmp_path, intake, (("sender", ""), ("recipient", "x")), b"") == "431 Mail system full."


@pytest.mark.parametrize("said", [b"size=12\0recipient=x\0\0Subject: x\n", b"size=12\0recipient=x\0\0"])
def test_a_message_whose_sender_was_killed_in_the_middle_is_not_taken(said: bytes, tmp_path: Path) -> None:
    intake = RecordingIntake()
    assert served(tmp_path, lambda: spoken(tmp_path / SUBMIT, said), intake) == b"451 The message was cut short.\n"
    assert not intake.taken


@pytest.mark.parametrize("said", [b"", b"\0\0", b"size=many\0\0", b"sender=x\0\0", b"size\0\0", b"x" * 3_000_000])
def test_what_is_no_envelope_is_refused(said: bytes, tmp_path: Path) -> None:
    assert served(tmp_path, lambda: spoken(tmp_path / SUBMIT, said)) in (b"550 There is no envelope.\n", b"")


def test_addresses_arrive_as_they_were_said_whatever_their_bytes(tmp_path: Path) -> None:
    intake = RecordingIntake()
    sender, recipient = b"b\xf6rn@example.com".decode(errors="surrogateescape"), "a=b\nc@example.com"
    assert mailed(tmp_path, intake, (("sender", sender), ("recipient", recipient)), b"Subject: x\n\n\0\0") == "250 Ok."
    ((envelope, text),) = intake.taken
    assert (envelope.sender, envelope.recipients[0].address, text) == (sender, recipient, b"Subject: x\n\n\0\0")


def test_everybody_may_call_at_the_sockets_but_not_look_around(tmp_path: Path) -> None:
    async def go() -> None:
        server = ControlServer(tmp_path, commands={}, intake=RecordingIntake(), snapshot=lambda: snapshot_of(tmp_path))
        ready = asyncio.Event()
        serving = asyncio.create_task(server.run(ready.set))
        await ready.wait()
        assert stat.S_IMODE((tmp_path / CONTROL).stat().st_mode) == 0o666
        assert stat.S_IMODE((tmp_path / SUBMIT).stat().st_mode) == 0o666
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(go())
    assert stat.S_IMODE(make_directory(tmp_path / "run").stat().st_mode) == 0o711


@pytest.mark.parametrize("rubbish", [b"", b"\n", b"[]\n", b"\xff\n", b"{\n", b"x" * 3_000_000])
def test_rubbish_gets_an_answer_or_a_hang_up(rubbish: bytes, tmp_path: Path) -> None:
    answer = served(tmp_path, lambda: spoken(tmp_path / CONTROL, rubbish))
    assert answer in (b"", b'{"error": "this server knows no such command"}\n')


def test_nobody_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no server answers at"):
        ask(str(tmp_path / CONTROL), {"do": "status"})


@pytest.mark.parametrize(
    ("request_line", "status"),
    [("GET /metrics", "200"), ("GET /health", "503"), ("GET /", "404"), ("POST /metrics", "405"), ("nonsense", "405")],
)
def test_the_page_serves_machines(request_line: str, status: str) -> None:
    async def go() -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        page = Page("127.0.0.1", port, metrics=lambda: b"up 1\n", health=lambda: "the spool is full")
        ready = asyncio.Event()
        serving = asyncio.create_task(page.run(ready.set))
        await ready.wait()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{request_line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        return answer

    assert asyncio.run(go()).startswith(f"HTTP/1.1 {status} ")
