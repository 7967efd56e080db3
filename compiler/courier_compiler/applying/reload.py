"""Reload: which daemons have to hear of a change, how, and whether they came back.

Courier's `restart` makes a daemon read its databases and control files again; the files that its start script hands
to it as environment it gets only when it is stopped and started. Daemons that do not run are left alone.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from courier_compiler import profile as profiles
from courier_compiler.applying.installed import Change, Place
from courier_compiler.artefact import Artefact, Daemon
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


def plan_reload(changes: Iterable[Change], touches: Mapping[str, frozenset[Daemon]], profile: Profile) -> ReloadPlan:
    """Whom to tell of changes; `touches` are the daemons that keep in mind what they read of a file."""
    because: dict[Daemon, list[str]] = {}
    stopped: set[Daemon] = set()
    for change in changes:
        starting = _starting(change.path, profile)
        for daemon in touches.get(change.path, frozenset()):
            because.setdefault(daemon, []).append(change.path)
            if daemon in starting:
                stopped.add(daemon)
    return ReloadPlan(
        tuple(
            Step(daemon, Action.STOP_START if daemon in stopped else Action.RESTART, tuple(because[daemon]))
            for daemon in ORDER
            if daemon in because
        )
    )


def touches_of(
    changes: Iterable[Change], profile: Profile, *known: Mapping[str, frozenset[Daemon]]
) -> dict[str, frozenset[Daemon]]:
    """Path to the daemons that keep what they read of it, as any of the generations involved knows.

    Of files that none knows (a build directory does not say), those are told that read them at their start; where
    there are none such, every daemon is.
    """
    touches: dict[str, frozenset[Daemon]] = {}
    for change in changes:
        said = [generation[change.path] for generation in known if change.path in generation]
        guess = _starting(change.path, profile) or frozenset(Daemon)
        touches[change.path] = frozenset().union(*said) if said else guess
    return touches


def known_to(artefacts: Iterable[Artefact]) -> dict[str, frozenset[Daemon]]:
    """What artefacts say of the daemons that read them; nothing when none says anything."""
    touches = {artefact.path: artefact.touches for artefact in artefacts}
    return touches if any(touches.values()) else {}


def _starting(path: str, profile: Profile) -> frozenset[Daemon]:
    name = _name(path, profile)
    if name.startswith(_FILTERS) and not name.startswith(_ACTIVE):
        return frozenset({Daemon.COURIERFILTER})
    return STARTING.get(name, frozenset())


def _name(path: str, profile: Profile) -> str:
    """A path as its name in the directory that it is read from."""
    for directory in (profile.layout.authdir, profile.layout.sysconfdir):
        if f"/{path}".startswith(f"{directory}/"):
            return f"/{path}"[len(directory) + 1 :]
    return path


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
        lines = (known.restart,) if step.action is Action.RESTART else (known.stop, known.start)
        return tuple(tuple(shlex.split(line)) for line in lines)

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
        if known is None or step.action is Action.RESTART or not self._is_unit_active(step.daemon):
            return self.plain.commands(step)
        return (("systemctl", "restart", known.unit),)

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
    """Tell the daemons that ran before the change; a sentence for each that did not come back."""
    told = [step for step in plan.steps if step.daemon in ran]
    trouble = [complaint for step in told for complaint in _tell(step, host, patience.back)]
    absent = [step.daemon for step in told if not _becomes(True, step.daemon, host, patience.back)]
    time.sleep(patience.staying if told else 0)
    gone = [step.daemon for step in told if not host.is_running(step.daemon)]
    late = [f"{daemon} did not come back" for daemon in dict.fromkeys((*absent, *gone))]
    return (*trouble, *late)


def _tell(step: Step, host: Services, seconds: float) -> list[str]:
    """Run what a step takes. One that ends a daemon before it begins the next has to wait until the old one is gone."""
    commands = host.commands(step)
    if not commands:
        return [f"nothing is known of how to {step.action} {step.daemon}: do it by hand"]
    complaints: list[str] = []
    for at, command in enumerate(commands):
        if at > 0:
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
