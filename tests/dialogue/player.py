"""Plays a script against a server and says where they differ; owns the connections, and nothing of the server."""

from __future__ import annotations

import base64
import hmac
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Final

from dialogue.patterns import Pattern
from dialogue.recording import generalised
from dialogue.servers import Remote, Server
from dialogue.steps import (
    Block,
    Computed,
    Do,
    Hear,
    HearAny,
    HearSet,
    Listener,
    Open,
    Pause,
    Say,
    SayBytes,
    Script,
    Step,
)
from dialogue.surroundings import Surroundings
from dialogue.transcript import DiffersError, Played, Row, shortened
from dialogue.wire import PATIENCE, Wire, visible

_CLOSED: Final = "(the server closed the connection)"
_SILENCE: Final = "(nothing)"


def play(
    script: Script, server: Server, ports: Mapping[Listener, int], remote: Remote, patience: float = PATIENCE
) -> Played:
    """Play a script from its first to its last step, or to the first that goes wrong.

    A message or a line of the log may be so many seconds in coming.
    """
    player = _Player(ports, Surroundings(script, server, remote, patience))
    try:
        for step in script.steps:
            player.take(step)
        player.finish(script.steps[-1].line)
    except DiffersError as differs:
        player.rows += differs.rows
    finally:
        player.close()
    return Played(tuple(player.rows), player.recorded)


class _Player:
    """The state of one play."""

    def __init__(self, ports: Mapping[Listener, int], surroundings: Surroundings) -> None:
        self.rows: list[Row] = []
        self.recorded: dict[int, tuple[str, ...]] = {}
        self._ports, self._surroundings = ports, surroundings
        self._wires: dict[str, Wire] = {}
        self._current = ""
        self._known: dict[str, str] = {}

    def take(self, step: Step) -> None:
        match step:
            case Open():
                self._open(step)
            case Say(parts=parts):
                text = "".join(part if isinstance(part, str) else self._compute(part) for part in parts)
                self._send(step, text.encode() + b"\r\n", f"C: {text}")
            case SayBytes(data=data):
                self._send(step, data, f"C! {shortened(visible(data))}")
            case Hear():
                self._hear(step)
            case HearSet():
                self._hear_set(step)
            case HearAny(code=code):
                self._hear_any(step, code)
            case Do():
                self._do(step)
            case Pause():
                self._pause(step)
            case Block():
                self._look(step)
            case _:
                raise AssertionError(step)

    def finish(self, line: int) -> None:
        """No connection has anything more to say."""
        for name in self._wires:
            self._current = name
            self._expect_silence(line, "(the end of the script)")

    def close(self) -> None:
        for wire in self._wires.values():
            wire.close()

    @property
    def _wire(self) -> Wire:
        return self._wires[self._current]

    def _done(self, step: Step, script: str, happened: str = "") -> None:
        self.rows.append(Row(step.line, script, happened))

    def _open(self, step: Open) -> None:
        self._current = step.name
        if step.is_return:
            self._done(step, f"--- {step.name}")
            return
        script = f"--- {step.name} from {step.source} to {step.target} at {step.listener}"
        try:
            self._wires[step.name] = Wire(step, self._ports[step.listener])
        except (OSError, KeyError) as trouble:
            raise DiffersError.at(step, script, f"({trouble})") from None
        self._done(step, script)

    def _compute(self, computed: Computed) -> str:
        arguments = computed.arguments
        if computed.kind == "plain":
            return _base64(f"\0{arguments[0]}\0{arguments[1]}")
        if computed.kind == "login":
            return _base64(arguments[0])
        challenge = base64.b64decode(self._wire.last.removeprefix("334 ") + "==")
        digest = hmac.new(arguments[1].encode(), challenge, computed.kind.removeprefix("cram-"))
        return _base64(f"{arguments[0]} {digest.hexdigest()}")

    def _send(self, step: Step, data: bytes, script: str) -> None:
        self._expect_silence(step.line, script)
        try:
            self._wire.send(data)
        except OSError as trouble:
            raise DiffersError.at(step, script, f"({trouble})") from None
        self._done(step, script)

    def _expect_silence(self, line: int, script: str, seconds: float = 0.0) -> None:
        try:
            heard = self._wire.line(seconds)
        except (TimeoutError, ssl.SSLWantReadError):
            return
        if heard is not None:
            raise DiffersError(Row(0, _SILENCE, heard, is_mismatch=True), Row(line, script, ""))

    def _next_line(self, step: Step, script: str, seconds: float = PATIENCE) -> str:
        try:
            heard = self._wire.line(seconds)
        except TimeoutError:
            raise DiffersError.at(step, script, f"(nothing for {seconds:g} s)") from None
        except OSError as trouble:
            raise DiffersError.at(step, script, f"({trouble})") from None
        if heard is None:
            raise DiffersError.at(step, script, _CLOSED)
        return heard

    def _hear(self, step: Hear) -> None:
        if step.pattern is None:
            lines = list(self._reply(step, "S: ?"))
            self.recorded[step.line] = tuple(f"S: {generalised(line)}" for line in lines)
            self._done(step, "S: ?", " / ".join(lines))
            return
        begun = time.monotonic()
        low, high = step.seconds or (0.0, PATIENCE)
        script = f"S: {step.pattern.source}"
        heard = self._next_line(step, script, high + 2.0 if step.seconds else PATIENCE)
        took = time.monotonic() - begun
        known = step.pattern.match(heard, self._known)
        if known is None or not low <= took <= high:
            late = f"   ({took:.1f} s)" if step.seconds else ""
            raise DiffersError.at(step, script, heard + late)
        self._known = known
        self._done(step, script, heard)

    def _reply(self, step: Step, script: str) -> Iterator[str]:
        """The lines of one whole reply."""
        while True:
            line = self._next_line(step, script)
            yield line
            if not re.match(r"[0-9]{3}-", line):
                return

    def _hear_set(self, step: HearSet) -> None:
        script = f"S~ {step.code} " + " | ".join(pattern.source for pattern in step.patterns)
        heard = list(self._reply(step, script))
        left = [line[4:] for line in heard if line.startswith(step.code)]
        missing = [pattern for pattern in step.patterns if not self._take_one(pattern, left)]
        if missing or left or not heard[0].startswith(step.code):
            raise DiffersError.at(step, script, " | ".join(heard))
        self._done(step, script, " | ".join(heard))

    def _take_one(self, pattern: Pattern, left: list[str]) -> bool:
        for text in left:
            if (known := pattern.match(text, self._known)) is not None:
                self._known = known
                left.remove(text)
                return True
        return False

    def _hear_any(self, step: HearAny, code: str) -> None:
        heard = list(self._reply(step, f"S* {code}"))
        if not all(line.startswith(code) for line in heard):
            raise DiffersError.at(step, f"S* {code}", " / ".join(heard))
        self._done(step, f"S* {code}", " / ".join(heard))

    def _do(self, step: Do) -> None:
        if step.verb == "CLOSE":
            self._wires.pop(self._current).close()
        elif step.verb == "CLOSED":
            self._expect_close(step)
        else:
            try:
                self._wire.encrypt()
            except OSError as trouble:
                raise DiffersError.at(step, "TLS", f"({trouble})") from None
        self._done(step, step.verb)

    def _expect_close(self, step: Do) -> None:
        try:
            heard = self._wire.line(PATIENCE)
        except TimeoutError:
            heard = "(still open)"
        if heard is not None:
            raise DiffersError.at(step, "CLOSED", heard)
        self._wires.pop(self._current).close()

    def _look(self, step: Block) -> None:
        if step.has_unknowns:
            self.recorded.update(self._surroundings.record(step))
        else:
            self._known = self._surroundings.find(step, self._known)
        self._done(step, step.head, "(found)")

    def _pause(self, step: Pause) -> None:
        script = f"{'SILENT' if step.is_silent else 'WAIT'} {step.seconds:g}s"
        if step.is_silent:
            self._expect_silence(step.line, script, step.seconds)
        else:
            time.sleep(step.seconds)
        self._done(step, script)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
