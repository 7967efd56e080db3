"""A real process under load, killed again and again: nothing accepted is lost, nothing recorded comes back."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from runtime.spools import open_spool
from runtime.spools import run as run_story

ROUNDS = 20
_TESTS = str(Path(__file__).parents[1])
_SERVER = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from runtime.spools import NOON, envelope, open_spool, put, served

def say(*words):
    os.write(1, (" ".join(words) + "\\n").encode())

async def post(spool, life, number):
    count = 0
    while True:
        sender = f"{{life}}.{{number}}.{{count}}"
        await put(spool, b"x" * (200_000 if count % 20 == 7 else 3000), envelope("a@x", "b@x", sender=sender))
        say("accepted", sender)
        count += 1

async def deliver(spool):
    while True:
        for message in await spool.lease(5, NOON + 1e9):
            sender = message.envelope.sender
            first = message.pending[0]
            say("delivered", f"{{sender}}/{{first}}")
            now = served(message, first)
            await (spool.settle(now) if now.pending else spool.remove(now))
            say("recorded", f"{{sender}}/{{first}}")
        await asyncio.sleep(0)

async def main():
    spool = open_spool(Path(sys.argv[1]), segment_size=200_000)
    say("ready")
    await asyncio.gather(*(post(spool, sys.argv[2], number) for number in range(8)), deliver(spool), deliver(spool))

asyncio.run(main())
"""


def test_twenty_kills_under_load_lose_and_repeat_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    for life in range(ROUNDS):
        command = [sys.executable, "-c", _SERVER.format(tests=_TESTS), str(tmp_path / "spool"), str(life)]
        with (tmp_path / f"said{life}").open("wb") as file, subprocess.Popen(command, stdout=file) as process:
            _wait_for(tmp_path / f"said{life}")
            time.sleep(0.02 + 0.013 * (life % 7))
            process.send_signal(signal.SIGKILL)
        said += (tmp_path / f"said{life}").read_text().splitlines()
    accepted = {line.split()[1] for line in said if line.startswith("accepted")}
    assert len(accepted) > ROUNDS * 5
    _look(tmp_path / "spool", accepted, said)


def _wait_for(path: Path) -> None:
    end = time.monotonic() + 20
    while b"ready" not in path.read_bytes():
        assert time.monotonic() < end, "the server does not start"
        time.sleep(0.005)


def _look(path: Path, accepted: set[str], said: list[str]) -> None:
    """Hold what is left against what was said."""
    delivered = Counter(line.split()[1] for line in said if line.startswith("delivered"))
    recorded: set[str] = set()
    for line in said:
        verb, _, what = line.partition(" ")
        if verb == "recorded":
            recorded.add(what)
        elif verb == "delivered":
            assert what not in recorded, f"{what} was recorded and delivered again"
    left = run_story(_left(path))
    for sender in accepted:
        for number in range(2):
            key = f"{sender}/{number}"
            assert delivered[key] or key in left, f"{key} is lost"
    assert not recorded & left, "recorded and still in the queue"


async def _left(path: Path) -> set[str]:
    spool = open_spool(path, segment_size=200_000)
    left = {f"{one.envelope.sender}/{number}" for one in spool.scan() for number in one.pending}
    await asyncio.wait_for(spool.close(), 30)
    return left
