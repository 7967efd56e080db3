"""Whatever a client says, it gets one reply for a command, and the server is there for the next."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.serving import Client, Server, site

VERBS = st.sampled_from(
    [
        "EHLO x.example", "HELO x", "MAIL FROM:<a@b.example>", "MAIL FROM:<>", "RCPT TO:<alice@example.com>",
        "RCPT TO:<team@example.com> NOTIFY=NEVER", "RCPT TO:<nobody@example.com>", "RSET", "NOOP", "VRFY alice",
        "EXPN team", "AUTH PLAIN AGEAYg==", "AUTH PLAIN =", "STARTTLS", "HELP", "MAIL FROM:<a@b.example> SIZE=1 RET=H",
    ]
)  # fmt: skip
NOISE = st.text(st.characters(exclude_characters="\r", codec="utf-8"), max_size=60)
SPOILT = st.builds(lambda verb, at, noise: verb[:at] + noise + verb[at:], VERBS, st.integers(0, 30), NOISE)
LINES = st.one_of(VERBS, SPOILT, NOISE)
MIDDLE = st.binary(max_size=300)
REPLY = re.compile(r"[2-5][0-9]{2}([ -].*)?", re.DOTALL)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sessions=st.lists(st.lists(st.one_of(LINES, MIDDLE), max_size=15), min_size=1, max_size=5))
def test_every_command_gets_a_reply(tmp_path: Path, sessions: list[list[str | bytes]]) -> None:
    server = Server(site(tmp_path, ESMTPAUTH="PLAIN"))
    defects: list[dict[str, Any]] = []

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, trouble: defects.append(trouble))
        async with server.running():
            for lines in sessions:
                await _talk(await server.connect(), lines)

    asyncio.run(whole())
    assert defects == []


async def _talk(client: Client, lines: list[str | bytes]) -> None:
    for line in lines:
        if isinstance(line, bytes):
            await _send_text(client, line)
            continue
        reply = await client.say(line)
        assert REPLY.fullmatch(reply), (line, reply)
        if reply.startswith("354"):
            assert REPLY.fullmatch(await client.say(b"\r\n.\r\n"))
        elif reply.startswith("334"):
            assert REPLY.fullmatch(await client.say("*"))
    assert await client.say("NOOP") == "250 Ok"


async def _send_text(client: Client, text: bytes) -> None:
    """A message of any bytes; the text ends where a server has to see its end, and nowhere before."""
    wire = b"x" + text.replace(b"\r\n.", b"") + b"\r\n.\r\n"
    for command in ("RSET", "EHLO x.example", "MAIL FROM:<a@b.example>", "RCPT TO:<bob@example.com>"):
        assert (await client.say(command)).startswith("250")
    assert (await client.say("DATA")).startswith("354")
    assert (await client.say(wire)).startswith("250 Ok. ")
