"""Reload: which daemons have to hear of a change, how, and whether they came back.

Courier's `restart` makes a daemon read its databases and control files again; the files that its start script hands
to it as environment it gets only when it is stopped and started. Daemons that do not run are left alone, but for
listeners that a change opens, which are started; those that it closes are stopped. Sessions of SMTP outlive their
listener, except under systemd, whose units end with all that they began.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from courier_compiler import profile as profiles
from courier_compiler.applying.installed import Place
from courier_compiler.artefact import Daemon
from courier_compiler.profile import Profile
from courier_schema.legacy.formats import shell
from courier_schema.legacy.formats.source import Source
from courier_schema.report import CourierSiteError

_SMTP: Final = frozenset({Daemon.ESMTPD, Daemon.ESMTPD_MSA, Daemon.ESMTPD_SSL})
_IMAP: Final = frozenset({Daemon.IMAPD, Daemon.IMAPD_SSL})
_POP3: Final = frozenset({Daemon.POP3D, Daemon.POP3D_SSL})

STARTING: Final[Mapping[str, frozenset[Daemon]]] = MappingProxyType(
    {
        "courierd": frozenset({Daemon.COURIERD, Daemon.COURIERFILTER}),
        **dict.fromkeys(("esmtpd", "esmtpd-msa", "esmtpd-ssl"), _SMTP),
        **dict.fromkeys(("imapd", "imapd-ssl"), _IMAP),
        **dict.fromkeys(("pop3d", "pop3d-ssl"), _POP3),
        **dict.fromkeys(("sqwebmaild", "calendarmode"), frozenset({Daemon.WEBMAILD})),
        "webmlmrc": frozenset({Daemon.WEBMLMD}),
        "authdaemonrc": frozenset({Daemon.AUTHDAEMOND}),
        "socksrc": frozenset({Daemon.SOCKD}),
    }
)
"""Files that a daemon gets to see only when it starts, by name in the configuration directory."""

_FILTERS: Final = "filters/"
_ACTIVE: Final = "filters/active/"

ORDER: Final = (
    Daemon.AUTHDAEMOND,
    Daemon.LDAPALIASD,
    Daemon.COURIERD,
    Daemon.COURIERFILTER,
    *sorted(_SMTP | _IMAP | _POP3),
    Daemon.WEBMAILD,
    Daemon.WEBMLMD,
    Daemon.SOCKD,
)
"""Those that others ask come first."""


class Action(StrEnum):
    """What a daemon has to do."""

    RESTART = "restart"
    STOP_START = "stop and start"
    START = "start"
    STOP = "stop"


_ON_OR_OFF: Final = (Action.START, Action.STOP)


@dataclass(frozen=True, slots=True)
class Step:
    """One daemon, what it has to do, and the changed files that are the reason."""

    daemon: Daemon
    action: Action
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """The daemons that a change concerns, in the order in which they are told."""

    steps: tuple[Step, ...]


NOTHING: Final = ReloadPlan(())


def plan_reload(
    reasons: Mapping[Daemon, Sequence[str]],
    starting: Collection[Daemon],
    opened: Collection[Daemon],
    closed: Collection[Daemon],
) -> ReloadPlan:
    """Whom to tell: `reasons` are the changed files by daemon, `starting` those daemons that see such a file only when
    they start, `opened` and `closed` the listeners that are newly wanted or wanted no longer."""

    def action(daemon: Daemon) -> Action:
        if daemon in opened:
            return Action.START
        if daemon in closed:
            return Action.STOP
        return Action.STOP_START if daemon in starting else Action.RESTART

    return ReloadPlan(
        tuple(Step(daemon, action(daemon), tuple(reasons[daemon])) for daemon in ORDER if daemon in reasons)
    )


def after(untold: Iterable[Step], steps: Iterable[Step]) -> ReloadPlan:
    """One plan of what daemons had to do before, but were not told, and of what they have to do now."""
    owed = {step.daemon: step for step in untold}
    due = {step.daemon: step for step in steps}
    return ReloadPlan(tuple(_joined(owed.get(one), due.get(one)) for one in ORDER if one in owed or one in due))


def _joined(earlier: Step | None, later: Step | None) -> Step:
    """What is left to do of two steps of one daemon: the last word on whether it runs, and else the stronger one."""
    if earlier is None or later is None:
        found = earlier or later
        assert found is not None, "a daemon without a step has nothing to do"
        return found
    because = tuple(dict.fromkeys((*earlier.because, *later.because)))
    last = next((step.action for step in (later, earlier) if step.action in _ON_OR_OFF), None)
    stronger = Action.STOP_START if Action.STOP_START in (earlier.action, later.action) else Action.RESTART
    return Step(later.daemon, last or stronger, because)


def starting(name: str) -> frozenset[Daemon]:
    """The daemons that get to see a file of the configuration directory only when they start."""
    if name.startswith(_FILTERS) and not name.startswith(_ACTIVE):
        return frozenset({Daemon.COURIERFILTER})
    return STARTING.get(name, frozenset())


class Services(Protocol):
    """The daemons of a running host."""

    def is_running(self, daemon: Daemon) -> bool:
        """Whether it is there now."""
        ...

    def commands(self, step: Step) -> tuple[tuple[str, ...], ...]:
        """What makes a daemon do that; nothing where it is not known."""
        ...

    def run(self, command: tuple[str, ...]) -> str:
        """Run a command; what it complains of, empty when it does not."""
        ...


@dataclass(frozen=True, slots=True)
class PlainServices:
    """Daemons that are run by Courier's own commands."""

    place: Place
    profile: Profile

    def is_running(self, daemon: Daemon) -> bool:
        """Whether it holds its lock. Pid files outlive daemons that failed to start, and are asked only where there is
        no lock."""
        held = _is_locked(self.place.path(self._lock(daemon)))
        return _is_alive(self.place.path(self._pid_file(daemon))) if held is None else held

    def commands(self, step: Step) -> tuple[tuple[str, ...], ...]:
        known = daemon_of(self.profile, step.daemon)
        if known is None:
            return ()
        stop, start, restart = (tuple(shlex.split(line)) for line in (known.stop, known.start, known.restart))
        match step.action:
            case Action.RESTART:
                return (restart,)
            case Action.STOP:
                return (self._end(step.daemon, stop),)
            case Action.START if not self.is_running(step.daemon):
                return (start,)
            case _:
                return self._end(step.daemon, stop), start

    def _end(self, daemon: Daemon, stop: tuple[str, ...]) -> tuple[str, ...]:
        """What ends a daemon. A listener that is asked to stop ends the sessions of its clients as well; when it is
        killed, they live on to their own end. That of IMAP and POP3 has a keeper, which has to be asked."""
        if daemon not in _SMTP or not self.is_running(daemon):
            return stop
        return "/bin/sh", "-c", f'kill -KILL "$(cat {shlex.quote(self._pid_file(daemon))})"'

    def run(self, command: tuple[str, ...]) -> str:
        return _run(command)

    def _lock(self, daemon: Daemon) -> str:
        state = self.profile.layout.localstatedir
        own = {Daemon.COURIERD: f"{state}/tmp/courierd.lock", Daemon.COURIERFILTER: f"{state}/filters/.lock"}
        return own.get(daemon) or f"{self._pid_file(daemon)}.lock"

    def _pid_file(self, daemon: Daemon) -> str:
        layout = self.profile.layout
        if daemon is Daemon.AUTHDAEMOND:
            return f"{layout.authdaemonvar}/pid"
        setting = "SSLPIDFILE" if daemon.endswith("-ssl") else "PIDFILE"
        file = {Daemon.WEBMAILD: "sqwebmaild", Daemon.WEBMLMD: "webmlmrc"}.get(daemon, str(daemon))
        try:
            content = self.place.path(f"{layout.sysconfdir}/{file}").read_bytes()
        except OSError:
            content = b""
        said = shell.parse(Source(file, content)).assignments.get(setting)
        return said or f"{layout.piddir}/{daemon}.pid"


@dataclass(frozen=True, slots=True)
class SystemdServices:
    """Daemons that systemd runs as units; those without a unit are run plainly."""

    plain: PlainServices

    def is_running(self, daemon: Daemon) -> bool:
        return self._is_unit_active(daemon) or self.plain.is_running(daemon)

    def commands(self, step: Step) -> tuple[tuple[str, ...], ...]:
        known = daemon_of(self.plain.profile, step.daemon)
        if known is None or not known.unit or step.action is Action.RESTART:
            return self.plain.commands(step)
        is_active = self._is_unit_active(step.daemon)
        if step.action in _ON_OR_OFF:
            verb = "enable" if step.action is Action.START else "disable"
            switch = ("systemctl", verb, "--now", known.unit)
            if step.action is Action.START and is_active:
                return switch, ("systemctl", "restart", known.unit)
            by_hand = not is_active and self.plain.is_running(step.daemon)
            return (*self.plain.commands(Step(step.daemon, Action.STOP, ())), switch) if by_hand else (switch,)
        return (("systemctl", "restart", known.unit),) if is_active else self.plain.commands(step)

    def run(self, command: tuple[str, ...]) -> str:
        return _run(command)

    def _is_unit_active(self, daemon: Daemon) -> bool:
        known = daemon_of(self.plain.profile, daemon)
        return bool(known and known.unit) and not _run(
            ("systemctl", "is-active", "--quiet", known.unit if known else "")
        )


def services(place: Place, profile: Profile) -> Services:
    """The daemons of this machine."""
    plain = PlainServices(place, profile)
    return SystemdServices(plain) if Path("/run/systemd/system").is_dir() else plain


def daemon_of(profile: Profile, daemon: Daemon) -> profiles.Daemon | None:
    """How a target runs a daemon; None where the profile does not say."""
    return profile.daemons.get(str(daemon))


def running(host: Services) -> frozenset[Daemon]:
    """Every daemon that runs now."""
    return frozenset(daemon for daemon in Daemon if host.is_running(daemon))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a daemon may take to come back, and how long it then has to stay, in seconds."""

    back: float = 15.0
    staying: float = 1.0


PATIENT: Final = Patience()


def carry_out(
    plan: ReloadPlan,
    host: Services,
    ran: frozenset[Daemon],
    patience: Patience = PATIENT,
) -> tuple[str, ...]:
    """Tell the daemons that ran before the change, start those newly wanted and stop those wanted no longer; a sentence
    for each that is not as it should be then."""
    told = [step for step in plan.steps if step.daemon in ran or step.action in _ON_OR_OFF]
    trouble = [complaint for step in told for complaint in _tell(step, host, patience.back)]
    wrong = [step for step in told if not _becomes(_is_wanted(step), step.daemon, host, patience.back)]
    time.sleep(patience.staying if told else 0)
    wrong += [step for step in told if host.is_running(step.daemon) is not _is_wanted(step)]
    return (*trouble, *dict.fromkeys(f"{step.daemon} did not {_FAILURES[step.action]}" for step in wrong))


_FAILURES: Final[Mapping[Action, str]] = {
    Action.RESTART: "come back", Action.STOP_START: "come back", Action.START: "start", Action.STOP: "stop",
}  # fmt: skip


def _is_wanted(step: Step) -> bool:
    return step.action is not Action.STOP


def _tell(step: Step, host: Services, seconds: float) -> list[str]:
    """Run what a step takes. One that ends a daemon before it begins the next has to wait until the old one is gone."""
    commands = host.commands(step)
    if not commands:
        return [f"nothing is known of how to {step.action} {step.daemon}: do it by hand"]
    complaints: list[str] = []
    for at, command in enumerate(commands):
        if at > 0 and command[0] != "systemctl":
            _becomes(False, step.daemon, host, seconds)
        if complaint := host.run(command):
            complaints.append(f"{shlex.join(command)}: {complaint}")
    return complaints


def _becomes(wanted: bool, daemon: Daemon, host: Services, seconds: float) -> bool:
    """Wait until a daemon runs, or until it does not; whether it came to that."""
    deadline = time.monotonic() + seconds
    while host.is_running(daemon) is not wanted:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


def _run(command: tuple[str, ...]) -> str:
    """Run a command with nothing to read; its complaint when it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    return (done.stderr or done.stdout).strip() or f"exit status {done.returncode}"


def _is_locked(path: Path) -> bool | None:
    """Whether a process holds a record lock on a file; None when there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CourierSiteError(f"cannot see which daemons run: {error.filename}: {error.strerror}") from error
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_alive(pid_file: Path) -> bool:
    """Whether the process of a pid file is there, and not only waits to be forgotten."""
    try:
        pid = int(pid_file.read_text().split()[0])
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (OSError, ValueError, IndexError):
        return False
