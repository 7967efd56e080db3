"""The real Courier, run from a compiled tree: installed into a private corner, started, asked, stopped."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import smtplib
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from courier_compiler import pipeline
from courier_compiler.cli import main
from courier_schema.legacy.manifest import NAME, Manifest, load_manifest
from real import namespace

ETC = Path("/etc/courier")
RUN = Path("/run/courier")
STATE = Path("/var/lib/courier")
LOG = Path("/dev/log")
HOMES = Path("/srv")
EXAMPLES = Path(__file__).parents[2] / "site-examples"

_TROUBLE = re.compile(r"\b(error|cannot|failed|unable|invalid|not found|denied|panic|abort)\b", re.IGNORECASE)


def eventually(condition: Callable[[], object], seconds: float = 20) -> bool:
    """True as soon as the condition holds, False when it did not within that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return bool(condition())


class Syslog:
    """What the daemons say to /dev/log."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._made = not LOG.exists()
        LOG.unlink(missing_ok=True)
        self._socket.bind(str(LOG))
        LOG.chmod(0o666)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                return
            self.lines.append(data.decode(errors="replace").partition("> ")[2] or data.decode(errors="replace"))

    def complaints(self) -> list[str]:
        """Lines that tell of trouble; not those that any Courier on a machine without a file monitor must write."""
        no_monitor = ("/tmp/fam-", "maildirwatch", "Input/output error")
        return [line for line in self.lines if _TROUBLE.search(line) and not any(part in line for part in no_monitor)]

    def close(self) -> None:
        self._socket.close()
        LOG.unlink(missing_ok=True)


@dataclass
class CourierHost:
    """A running installation of one compiled tree."""

    tree: Path
    log: Syslog = field(default_factory=Syslog)
    _started: list[list[str]] = field(default_factory=list)

    @property
    def manifest(self) -> Manifest:
        return load_manifest((self.tree / NAME).read_bytes())

    def install(self, scratch: Path) -> None:
        """Show the tree at /etc/courier with the owners and modes that its manifest asks for."""
        target = scratch / "etc-courier"
        shutil.copytree(self.tree / "etc/courier", target, symlinks=True)
        for path, entry in self.manifest.files.items():
            if path.startswith("etc/courier/") and not entry.link:
                file = target / path.removeprefix("etc/courier/")
                shutil.chown(file, entry.owner, entry.group)
                file.chmod(int(entry.mode, 8))
        for directory in [target, *(path for path in target.rglob("*") if path.is_dir())]:
            shutil.chown(directory, "root", "courier")
            directory.chmod(0o755)
        for name in ("esmtpd.pem", "imapd.pem", "pop3d.pem", "dhparams.pem"):
            shutil.copy2(ETC / name, target / name)
            shutil.chown(target / name, "root", "courier")
        for name in ("aliasdir", "filters/active", "shared", "shared.tmp"):
            (target / name).mkdir(parents=True, exist_ok=True)
        namespace.bind(target, ETC)
        self.empty_state()

    def empty_state(self) -> None:
        """A queue and run-time directories as the packages leave them."""
        kept = [(path, path.stat()) for path in STATE.rglob("*") if path.is_dir() and path.parent == STATE]
        top = STATE.stat()
        namespace.empty(STATE)
        namespace.empty(RUN)
        os.chown(STATE, top.st_uid, top.st_gid)
        STATE.chmod(0o750)
        for path, status in kept:
            path.mkdir()
            os.chown(path, status.st_uid, status.st_gid)
            path.chmod(status.st_mode & 0o7777)
        courier = pwd.getpwnam("courier")
        os.chown(RUN, 0, courier.pw_gid)
        RUN.chmod(0o775)
        (RUN / "authdaemon").mkdir(mode=0o750)
        os.chown(RUN / "authdaemon", courier.pw_uid, courier.pw_gid)

    def make_mailbox(self, home: Path, uid: int, gid: int, maildir: str = "Maildir") -> Path:
        """A home directory with a maildir, as an administrator would make it."""
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run(["maildirmake", str(home / maildir)], check=True)
        for path in [home, *home.rglob("*")]:
            os.chown(path, uid, gid)
        return home / maildir

    def start(self, *daemons: str) -> None:
        """Start daemons by their control scripts; AssertionError when one complains."""
        for daemon in daemons:
            done = subprocess.run(
                [f"/usr/sbin/{daemon}", "start"], capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{daemon}: {done.stdout}{done.stderr}"
            assert not done.stderr.strip(), f"{daemon} complains: {done.stderr}"
            self._started.append([f"/usr/sbin/{daemon}", "stop"])

    def wait_for(self, *ports: int) -> None:
        """Until every port answers."""
        for port in ports:
            assert eventually(partial(_answers, port)), f"nobody listens on port {port}: {self.log.lines[-5:]}"

    def stop(self) -> None:
        for command in reversed(self._started):
            subprocess.run(command, capture_output=True, timeout=60, check=False)
        time.sleep(0.5)
        self.log.close()
        for place in (ETC, STATE, RUN):
            namespace.release(place)


class Example(CourierHost):
    """One of the site-examples, compiled by the command that a user would run, with homes for its accounts."""

    def __init__(self, name: str, scratch: Path) -> None:
        tree = scratch / "build"
        assert main(["build", str(EXAMPLES / name), "-o", str(tree)]) == 0
        super().__init__(tree)
        (reading,) = pipeline.read(EXAMPLES / name)
        assert reading.resolved is not None
        self.resolved = reading.resolved
        self.install(scratch)
        namespace.empty(HOMES)
        for mailbox in self.resolved.mailboxes:
            if mailbox.home.startswith(f"{HOMES}/") and mailbox.uid is not None and mailbox.gid is not None:
                self.make_mailbox(Path(mailbox.home), mailbox.uid, mailbox.gid, mailbox.maildir or "Maildir")

    def inbox(self, login: str) -> Path:
        """The maildir of an account."""
        mailbox = next(mailbox for mailbox in self.resolved.mailboxes if mailbox.login == login)
        return Path(mailbox.home) / (mailbox.maildir or "Maildir")

    def arrived(self, login: str, subject: str) -> bool:
        """Whether an account has new mail with that subject."""
        return any(f"Subject: {subject}\n" in path.read_text() for path in (self.inbox(login) / "new").iterdir())

    def stop(self) -> None:
        super().stop()
        namespace.release(HOMES)


def message(subject: str) -> EmailMessage:
    """A letter from outside."""
    letter = EmailMessage()
    letter["From"] = "friend@example.net"
    letter["To"] = "somebody@example.org"
    letter["Subject"] = subject
    letter.set_content("Good day.")
    return letter


def send(recipient: str, subject: str, source: str = "127.0.0.1", port: int = 25) -> None:
    """Send a letter as another mail server would."""
    with smtplib.SMTP("127.0.0.1", port, source_address=(source, 0)) as client:
        client.send_message(message(subject), "friend@example.net", [recipient])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False
