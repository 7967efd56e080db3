"""A site's compiler begins, is heard and ends as it should; what it says of an edit reaches whoever should know."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from courier_runtime.observe.log import ListLog
from courier_runtime.supervise.site import SiteKeeper

GOOD = "echo '10:00:00 site.yaml'; echo 'update /etc/courier/me'; echo '10:00:00 up to date after 0.10 s'; "
BROKEN = """\
echo '10:00:00 site.yaml'
echo 'site.yaml:2:1: error: no key up to date [unknown-key]'
echo '    2 | 10:00:00 up to date after 0.10 s'
echo '10:00:00 the last good tree stays in force after 0.01 s'
"""
UNTIL_EOF = "cat > /dev/null"


class Compilers:
    """Begins scripts in place of compilers, the next one each time, and the last one for ever after."""

    def __init__(self, *scripts: str) -> None:
        self._scripts = list(scripts)
        self.begun: list[subprocess.Popen[bytes]] = []

    def __call__(self) -> tuple[int, int]:
        if self.begun and self.begun[-1].poll() is None:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        said, output = os.pipe()
        held, life = os.pipe()
        self.begun.append(subprocess.Popen(("/bin/sh", "-c", script), stdin=held, stdout=output, stderr=output))
        os.close(output)
        os.close(held)
        return said, life


class Kept:
    """A keeper that works, and what came of that."""

    def __init__(self, start: Callable[[], tuple[int, int]], *, is_watching: bool = True) -> None:
        self.log, self.alarms = ListLog(), 0
        self.keeper = SiteKeeper(start, self._alarm, self.log, is_watching=is_watching)

    def _alarm(self) -> None:
        self.alarms += 1

    async def sees(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                await asyncio.sleep(0.01)


def keep(kept: Kept, talk: Callable[[Kept], Coroutine[None, None, None]]) -> None:
    """Let a keeper work while something is asked of it."""

    async def whole() -> None:
        task = asyncio.create_task(kept.keeper.run(lambda: None))
        await talk(kept)
        task.cancel()
        await asyncio.wait((task,))

    asyncio.run(whole())


def test_an_edit_that_is_compiled_unasked_raises_the_alarm_and_stands_in_the_log() -> None:
    async def talk(kept: Kept) -> None:
        await kept.sees(lambda: kept.alarms)
        assert kept.keeper.trouble == ""

    compilers = Compilers(GOOD + UNTIL_EOF)
    made = Kept(compilers)
    keep(made, talk)
    assert made.log.lines == [
        "courier-compile: 10:00:00 site.yaml",
        "courier-compile: update /etc/courier/me",
        "courier-compile: 10:00:00 up to date after 0.10 s",
    ]
    (compiler,) = compilers.begun
    assert compiler.wait(5) == 0, "it ends with the keeper"


def test_a_broken_edit_is_known_by_its_reason_whatever_words_that_repeats() -> None:
    async def talk(kept: Kept) -> None:
        await kept.sees(lambda: kept.alarms)
        assert kept.keeper.trouble.startswith("site.yaml:2:1: error: no key up to date [unknown-key]\n")
        await kept.sees(lambda: kept.alarms > 1)
        assert kept.keeper.trouble == ""

    keep(Kept(Compilers(BROKEN + "sleep 0.2; " + GOOD + UNTIL_EOF)), talk)


def test_who_asks_gets_a_compiler_that_begins_from_then_on() -> None:
    compilers = Compilers(GOOD + UNTIL_EOF, BROKEN + UNTIL_EOF)

    async def talk(kept: Kept) -> None:
        await kept.sees(lambda: kept.alarms)
        await kept.keeper.renew()
        assert "unknown-key" in kept.keeper.trouble
        assert kept.alarms == 1, "who asked looks for himself"
        assert len(compilers.begun) == 2

    keep(Kept(compilers), talk)


def test_without_a_watch_the_site_is_compiled_when_somebody_asks_and_no_compiler_stays() -> None:
    compilers = Compilers(GOOD + UNTIL_EOF)

    async def talk(kept: Kept) -> None:
        await asyncio.sleep(0.1)
        assert not compilers.begun
        for times in (1, 2):
            await kept.keeper.renew()
            await kept.sees(lambda: compilers.begun[-1].poll() == 0)
            assert len(compilers.begun) == times

    keep(Kept(compilers, is_watching=False), talk)


def test_a_compiler_that_ends_by_itself_is_a_trouble_and_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courier_runtime.supervise.site.RETRY", 0.2)

    async def talk(kept: Kept) -> None:
        await kept.sees(lambda: kept.alarms)
        assert kept.keeper.trouble == "the compiler has ended:\nMemoryError"
        await kept.sees(lambda: kept.alarms > 1)
        assert kept.keeper.trouble == ""

    keep(Kept(Compilers("echo MemoryError; exit 1", "echo MemoryError; exit 1", GOOD + UNTIL_EOF)), talk)


def test_a_compiler_that_cannot_be_begun_is_a_trouble_that_whoever_asks_hears_of() -> None:
    def start() -> tuple[int, int]:
        raise PermissionError(errno.EPERM, "others can write it")

    async def talk(kept: Kept) -> None:
        await kept.keeper.renew()
        assert kept.keeper.trouble == "the site cannot be compiled: others can write it"

    keep(Kept(start, is_watching=False), talk)


def test_a_long_report_is_passed_on_without_its_middle(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.write_text("".join(f"site.yaml:{line}:1: error: no\n" for line in range(500)) + "500 errors\n")
    end = "echo '10:00:00 the last good tree stays in force after 0.01 s'; "

    async def talk(kept: Kept) -> None:
        await kept.sees(lambda: kept.alarms)
        lines = kept.keeper.trouble.split("\n")
        assert (lines[0], lines[-2:]) == ("site.yaml:0:1: error: no", ["...", "500 errors"])
        assert len(lines) == 40

    keep(Kept(Compilers(f"cat {report}; {end}" + UNTIL_EOF)), talk)


def test_nobody_waits_for_a_compiler_when_the_server_stops() -> None:
    async def whole() -> None:
        kept = Kept(Compilers(UNTIL_EOF))
        task = asyncio.create_task(kept.keeper.run(lambda: None))
        asking = asyncio.create_task(kept.keeper.renew())
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait((task,))
        await asyncio.wait_for(asking, 5)

    asyncio.run(whole())
