"""The steward without a process of its own, for tests: everybody is this process's user, whatever the accounts say."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored
from courier_runtime.steward import acts

_PROGRAMS: Final = 64
"""Programs that run at a time."""


class InProcessSteward:
    """Acts in threads: one for mailboxes, which keeps their messages in order, and others for programs."""

    def __init__(self) -> None:
        self._mailboxes = ThreadPoolExecutor(1, "mailboxes")
        self._programs = ThreadPoolExecutor(_PROGRAMS, "programs")
        self._running: set[int] = set()

    async def read(self, who: Identity, paths: Sequence[str]) -> Instructions | None:
        """The first of these files that exists."""
        return acts.read(paths)

    async def store(self, letters: Sequence[Letter]) -> Sequence[Stored]:
        """Put letters into mailboxes."""
        return await asyncio.get_running_loop().run_in_executor(self._mailboxes, _store_all, letters)

    async def run(self, command: Command) -> Exit:
        """Run a program."""
        return await asyncio.get_running_loop().run_in_executor(self._programs, self._run, command)

    def close(self) -> None:
        """Let what is being stored come to its end; programs are asked to stop, for nobody waits for them any more."""
        self._programs.shutdown(wait=False, cancel_futures=True)
        self.abandon()
        self._mailboxes.shutdown()

    def abandon(self) -> None:
        """Ask what runs to stop."""
        for group in tuple(self._running):
            acts.end(group)

    def _run(self, command: Command) -> Exit:
        group = 0

        def note(started: int) -> None:
            nonlocal group
            group = started
            self._running.add(group)

        try:
            if not command.source:
                return acts.run(command, on_start=note)
            source = os.open(command.source, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return acts.run(command, source, on_start=note)
            finally:
                os.close(source)
        finally:
            self._running.discard(group)


def _store_all(letters: Sequence[Letter]) -> Sequence[Stored]:
    return [_store(letter) for letter in letters]


def _store(letter: Letter) -> Stored:
    if not letter.source:
        return acts.store(letter)
    try:
        source = os.open(letter.source, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return error
    try:
        return acts.store(letter, source)
    finally:
        os.close(source)
