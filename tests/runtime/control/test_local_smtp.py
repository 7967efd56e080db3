"""Mail of `sendmail -bs` belongs to whoever has opened the socket, as the kernel knows him."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from courier_runtime.auth.userdb import Userdb
from courier_runtime.control import local_smtp
from courier_runtime.control.local_smtp import LocalSmtp
from courier_runtime.observe.metrics import NoMetrics
from runtime.serving import Client, Server, site
from runtime.spools import StandingClock


def test_mail_belongs_to_the_user_who_sends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_smtp, "peer_uid", lambda _: 54321)
    server = Server(site(tmp_path))
    pipe = LocalSmtp(tmp_path, intake=server.intake, authenticator=Userdb(), metrics=NoMetrics(), clock=StandingClock())

    async def story() -> None:
        ready = asyncio.Event()
        serving = asyncio.create_task(pipe.run(ready.set))
        await ready.wait()
        client = Client(*await asyncio.open_unix_connection(tmp_path / "smtp"))
        await client.reply()
        await client.say("EHLO me")
        await client.mail(b"Subject: x\r\n\r\nhi\r\n")
        await client.say("QUIT")
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(story())
    assert server.stored.envelopes[0].owner == 54321
    assert b"(IDENT: uid 54321)" in server.stored.text
