"""watch: apply a site again at every edit; while an edit is broken, the last good tree stays in force.

Directories are watched, not files, so that editors may replace files and forges whole directories. What tells of edits
is only an alarm clock: whether something changed is decided by looking at every file that the last compile asked for,
and twice a second that is done without an alarm. A tree has one watcher at a time.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from courier_compiler.applying.accounts import Accounts
from courier_compiler.applying.installed import Place
from courier_compiler.applying.lock import Claim
from courier_compiler.cli import Verb, apply
from courier_compiler.cli._common import add_format, add_site
from courier_compiler.cli._host import add_guards, add_permissions, say
from courier_compiler.inputs import Inputs, noted
from courier_schema.report import CourierSiteError

_QUIET: Final = 50
"""Milliseconds without a change that end one edit: a save is several steps."""
_PATIENCE: Final = 1000
"""Milliseconds that one edit may take: a checkout writes many files."""
_LOOK: Final = 500
"""Milliseconds between two looks without an alarm, for what no alarm tells: mounts, network file systems."""

_GOOD: Final = "up to date"
_KEPT: Final = "the last good tree stays in force"
_AGAIN: Final = "changed meanwhile, so once more"


def configure(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument(
        "--apply", type=Path, required=True, dest="root", metavar="DIR", help="root of the mail host to keep up to date"
    )
    # For who starts a watch as a part of their own: it ends with them, whatever ends them.
    parser.add_argument("--until-eof", action="store_true", help=argparse.SUPPRESS)
    add_permissions(parser)
    add_guards(parser)
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    if str(options.site) == "-":
        raise CourierSiteError("standard input cannot be watched: name a site file or its directory")
    customary = argparse.ArgumentParser()
    apply.configure(customary)
    settled = customary.parse_args(["--", str(options.site)], argparse.Namespace(**vars(options)))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    if options.until_eof:
        threading.Thread(target=_await_end, args=(ended,), daemon=True).start()
    _watch(settled, Alarm(ended), Claim())
    say(options, "no longer watching")
    return 0


@dataclass(slots=True)
class Alarm:
    """Wakes when something happened in the directories of a compile's inputs, or it is time to look."""

    ended: threading.Event
    _events: Generator[object] | None = None
    _directories: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    def wait(self, inputs: Inputs) -> list[str]:
        """Until an input changed, and which; none when the watch ends."""
        while not self.ended.is_set():
            if changed := inputs.changed():
                return changed
            self._next(inputs.directories())
        return []

    def _next(self, directories: frozenset[str]) -> None:
        try:
            self._listen(directories)
            if self._events is not None:
                next(self._events, None)
        except OSError:  # a directory that has just gone, or no more watches to be had: looking goes on without
            self._events, self._directories = None, frozenset()
            self.ended.wait(_LOOK / 1000)

    def _listen(self, directories: frozenset[str]) -> None:
        """Listen to these directories. One that was replaced under its name has another inode."""
        found = frozenset((directory, Path(directory).stat().st_ino) for directory in directories)
        if self._events is not None and found == self._directories:
            return
        from watchfiles import watch  # brings an event loop along, which no other verb needs

        if self._events is not None:
            self._events.close()
        self._directories = found
        self._events = watch(
            *directories,
            watch_filter=None,
            debounce=_PATIENCE,
            step=_QUIET,
            stop_event=self.ended,
            rust_timeout=_LOOK,
            yield_on_timeout=True,
            recursive=False,
        )


def _await_end(ended: threading.Event) -> None:
    """End the watch with standard input.

    Read without a buffer: one whose lock a thread holds lets no interpreter end in peace.
    """
    while os.read(sys.stdin.fileno(), 4096):
        pass
    ended.set()


def _watch(options: argparse.Namespace, alarm: Alarm, claim: Claim) -> None:
    changed = [str(options.site)]
    while not alarm.ended.is_set():
        say(options, f"{datetime.now():%H:%M:%S} {_named(changed)}")
        sys.stdout.flush()
        started = time.monotonic()
        inputs, end = _put_in_force(options, claim)
        say(options, f"{datetime.now():%H:%M:%S} {end} after {time.monotonic() - started:.2f} s")
        sys.stdout.flush()
        _forget()
        changed = alarm.wait(inputs)


def _put_in_force(options: argparse.Namespace, claim: Claim) -> tuple[Inputs, str]:
    """Compile and apply once: what was read, and how that ended. BusyError when another process watches.

    What changed while it was read is not applied: it may be half of an edit, and the next round sees the whole.
    """
    with noted() as inputs:
        try:
            wanted = apply.compiled(options)
        except (CourierSiteError, OSError) as error:
            return inputs, _told(error)
    if wanted is None:
        return inputs, _KEPT
    if inputs.changed():
        return inputs, _AGAIN
    place = Place(options.root, wanted.manifest.layout["sysconfdir"])
    claim.renew(place)
    try:
        status = apply.put_in_force(options, wanted, place)
    except (CourierSiteError, OSError) as error:
        return inputs, _told(error)
    claim.renew(place)
    return inputs, _GOOD if status == 0 else _KEPT


def _told(error: Exception) -> str:
    """Say what the world refuses. BrokenPipeError when nobody reads any more what we say."""
    if isinstance(error, BrokenPipeError):
        raise error
    print(f"courier-compile: {error}", file=sys.stderr, flush=True)
    return _KEPT


def _forget() -> None:
    """Give back what the last round used: the collector does not run meanwhile. Accounts may come and go."""
    Accounts.of.cache_clear()
    gc.collect()


def _named(changed: list[str]) -> str:
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    first = Path(changed[0])
    return f"{first.relative_to(Path.cwd()) if first.is_relative_to(Path.cwd()) else first}{more}"


VERB = Verb("apply a site again at every edit, and keep the last good tree while one is broken", configure, run)
