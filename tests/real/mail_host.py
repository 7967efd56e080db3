"""A mail server on a machine of its own, whichever implements it: tests are written once and hold for all of them."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from courier_compiler.cli import main as compile_site
from real.courier_host import eventually
from real.machine import Machine, make_maildir

PROJECT: Final = Path(__file__).parents[2]
_DAEMONS: Final = {"smtp": ("esmtpd", 25), "submission": ("esmtpd-msa", 587)}


class MailHost(Protocol):
    """What the tests ask of a mail server that serves a compiled tree."""

    machine: Machine

    def sendmail(
        self,
        *words: str,
        text: bytes | str,
        uid: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Hand in a message by the command, in an empty environment or the given one."""

    @property
    def sendmail_path(self) -> str:
        """Where the command is."""

    def mailq(self) -> str:
        """The queue, as the administrator sees it."""

    def apply(self, tree: Path) -> None:
        """Make another tree that of the running server."""

    def stop(self) -> None:
        """End the server and its machine."""


class _OnMachine(ABC):
    """What both have in common: a machine with the compiled tree at /etc/courier."""

    state: str
    """Where the queue is."""

    def __init__(self, name: str, address: str, tree: Path, scratch: Path, disk: Path | None = None) -> None:
        """Boot and start; queue and mailboxes are in memory unless there is a directory of a disk for them."""
        self.tree = tree
        shown: dict[Path, str] = {}
        if disk is not None:
            for place in ("/srv", self.state):
                (disk / place.lstrip("/")).mkdir(mode=0o755, parents=True)
                shown[disk / place.lstrip("/")] = place
            subprocess.run(["cp", "-a", "/var/lib/courier", str(disk / "var/lib")], check=True)
        self.machine = Machine(name, address, scratch / name, shown)
        try:
            self._install()
            self._start()
        except BaseException:
            self.machine.close()
            raise

    @abstractmethod
    def _start(self) -> None:
        """Start the server from the tree."""

    def stop(self) -> None:
        self.machine.close()

    def apply(self, tree: Path) -> None:
        """Make a tree that of the machine, by the command that a user would run."""
        self.machine.path("/tree").mkdir(exist_ok=True)
        self.machine.do("sh", "-c", "rm -rf /tree/*")
        subprocess.run(["cp", "-a", f"{tree}/.", str(self.machine.path("/tree"))], check=True)
        self.machine.do(Path(sys.executable).with_name("courier-compile"), "apply", "/tree")

    def _install(self) -> None:
        self.machine.do("find", "/etc/courier", "-mindepth", "1", "-not", "-name", "*.pem", "-delete")
        self.apply(self.tree)
        for name in ("aliasdir", "filters/active", "shared", "shared.tmp"):
            self.machine.path(f"/etc/courier/{name}").mkdir(parents=True, exist_ok=True)


class RealCourier(_OnMachine):
    """Courier 1.0.16, started by its own control scripts."""

    sendmail_path = "/usr/sbin/sendmail"
    state = "/var/lib/courier"

    def _start(self) -> None:
        self.machine.do("sh", "-c", "rm -rf /run/courier/*.pid /var/lib/courier/tmp/courierd.lock")
        for daemon in ("authdaemond", "courier", *(_DAEMONS[listener][0] for listener in started(self.tree))):
            self.machine.do(f"/usr/sbin/{daemon}", "start", environment=_PATH)
        for listener in started(self.tree):
            wait_for(self.machine.address, _DAEMONS[listener][1], self.machine)

    def sendmail(
        self, *words: str, text: bytes | str, uid: int = 0, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return _sendmail(self, words, text, uid, environment)

    def mailq(self) -> str:
        return self.machine.do("mailq", environment=_PATH).decode()

    def stop(self) -> None:
        for daemon in ("esmtpd-msa", "esmtpd", "courier", "authdaemond"):
            self.machine.run(f"/usr/sbin/{daemon}", "stop", environment=_PATH)
        super().stop()


class OurServer(_OnMachine):
    """The runtime, as root starts it: one process of the mail system's user, and its helper."""

    sendmail_path = "/usr/local/lib/courier-run/sendmail"
    state = "/var/lib/courier-run"

    def _start(self) -> None:
        _open_roads(self.machine)
        runner = Path(sys.executable).with_name("courier-run")
        self.machine.do(runner, "commands", Path(self.sendmail_path).parent)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self._process = subprocess.Popen(
            self.machine.command(runner, "/", "--log", "syslog", environment=_PATH),
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", self.complaints()

    def complaints(self) -> str:
        """What the process has said on standard error."""
        self._said.seek(0)
        return self._said.read().decode(errors="replace")

    def sendmail(
        self, *words: str, text: bytes | str, uid: int = 0, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return _sendmail(self, words, text, uid, environment)

    def mailq(self) -> str:
        return self.machine.do(Path(self.sendmail_path).with_name("mailq"), environment={}).decode()

    def stop(self) -> None:
        self.machine.run(Path(sys.executable).with_name("courier-run"), "stop", environment=_PATH)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
        defects = [line for line in self.machine.log if "Traceback" in line or "Error" in line]
        super().stop()
        assert defects == []
        assert "Traceback" not in self.complaints(), self.complaints()


KINDS: Final[Mapping[str, type[RealCourier] | type[OurServer]]] = {"courier": RealCourier, "ours": OurServer}
"""Every implementation by its name."""

_PATH: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def build(site: str, scratch: Path, secrets: Mapping[str, str] | None = None) -> Path:
    """The tree of a site, built by the command that a user would run."""
    place = scratch / "site"
    (place / "secrets").mkdir(parents=True)
    (place / "site.yaml").write_text(site)
    for name, secret in (secrets or {}).items():
        (place / "secrets" / name).write_text(secret)
        (place / "secrets" / name).chmod(0o600)
    assert compile_site(["build", str(place), "-o", str(scratch / "build")]) == 0
    return scratch / "build"


def started(tree: Path) -> Sequence[str]:
    """The SMTP listeners that a compiled tree wants to run."""
    etc = tree / "etc/courier"
    return [
        listener
        for listener, (name, _) in _DAEMONS.items()
        if (etc / name).exists() and "ESMTPDSTART=YES" in (etc / name).read_text().replace("'", "").replace('"', "")
    ]


def wait_for(address: str, port: int, machine: Machine) -> None:
    """Until an SMTP server greets there."""
    assert eventually(lambda: _greets(address, port)), f"nobody greets at {address}:{port}: {machine.log[-10:]}"


def _greets(address: str, port: int) -> bool:
    try:
        with smtplib.SMTP(address, port, timeout=5) as client:
            return client.ehlo()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def home(host: MailHost, account: str, uid: int, domain: str = "example.org") -> Path:
    """An account's home with a maildir, made as an administrator would; where this process finds it."""
    return make_maildir(host.machine, f"/srv/mail/{domain}/{account}/Maildir", uid).parent


def put(path: Path, text: str, uid: int) -> None:
    """A file of an account."""
    path.write_text(text)
    os.chown(path, uid, uid)
    path.chmod(0o600)


def new(maildir: Path) -> list[bytes]:
    """The new messages of a maildir, oldest first."""
    paths = sorted((maildir / "new").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return [path.read_bytes() for path in paths]


def is_idle(host: MailHost, seconds: float = 60) -> bool:
    """Whether the queue gets empty in that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if host.mailq().strip().splitlines()[-1].strip() == "0 messages." or "queue is empty" in host.mailq():
            return True
        time.sleep(0.2)
    return False


def _sendmail(
    host: MailHost, words: Sequence[str], text: bytes | str, uid: int, environment: Mapping[str, str] | None
) -> subprocess.CompletedProcess[bytes]:
    stdin = text.encode() if isinstance(text, str) else text
    return host.machine.run(host.sendmail_path, *words, uid=uid, environment=environment or {}, stdin=stdin)


def _open_roads(machine: Machine) -> None:
    """Let everybody on that machine pass to the interpreter and to the project, as on one where they are installed."""
    for place in (PROJECT, Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve()):
        for parent in place.parents:
            there = machine.path(parent)
            there.chmod(there.stat().st_mode | 0o011)
