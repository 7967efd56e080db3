"""Conversations with the SMTP listener of one configuration directory: the same questions to every installation, and
what the real Courier 1.0.16 answers."""

from __future__ import annotations

import base64
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from real import namespace
from real.courier_host import ETC, RUN, STATE, CourierHost, eventually

MAKERS = {
    "makealiases": "aliases",
    "makehosteddomains": "hosteddomains",
    "makeacceptmailfor": "esmtpacceptmailfor.dir",
    "makepercentrelay": "esmtppercentrelay.dir",
    "makesmtpaccess": "esmtpd",
    "makeuserdb": "userdb",
}
"""Courier's own commands, and the file without which there is nothing to make: the source, or who names it."""

SUBMIT = "/usr/lib/courier/courier/submit"


@dataclass(frozen=True)
class Script:
    """What is asked, from which addresses."""

    sources: Sequence[str]
    senders: Sequence[str]
    recipients: Sequence[str]
    logins: Sequence[tuple[str, str]] = ()
    server: str = "127.0.0.1"


@contextmanager
def running(directory: Path, scratch: Path, server: str, *, make: bool) -> Iterator[None]:
    """The real authdaemond and esmtpd, started from a directory; its databases are made first where asked for."""
    scratch.mkdir(parents=True, exist_ok=True)
    host = CourierHost(scratch)
    for path in (directory, *directory.glob("*.pem")):
        shutil.chown(path, "root", "courier")
    directory.chmod(0o755)
    with (directory / "esmtpd").open("a") as file:
        file.write("\nTARPIT=0\n")  # whoever is refused need not wait eight seconds here
    (directory / "aliasdir").mkdir(exist_ok=True)
    namespace.bind(directory, ETC)
    host.empty_state()
    try:
        for maker in [one for one, source in MAKERS.items() if make and (directory / source).exists()]:
            subprocess.run([maker], capture_output=True, check=False)
        for source in directory.glob("aliases-*") if make else ():
            module = source.name.removeprefix("aliases-")
            subprocess.run(["makealiases", f"-protocol={module}"], capture_output=True, check=False)
        for daemon in ("authdaemond", "esmtpd"):
            done = subprocess.run([f"/usr/sbin/{daemon}", "start"], capture_output=True, timeout=20, check=False)
        assert eventually(lambda: _answers(server), 5), f"nobody listens: {done} {host.log.lines[-5:]}"
        yield
    finally:
        for daemon in ("esmtpd", "authdaemond"):
            subprocess.run([f"/usr/sbin/{daemon}", "stop"], capture_output=True, timeout=60, check=False)
        assert eventually(lambda: not _answers(server), 5), "a listener has to go before the next one comes"
        host.log.close()
        for place in (ETC, STATE, RUN):
            namespace.release(place)


def converse(script: Script) -> list[tuple[str, str]]:
    """Every question with its answer, in the order of the script."""
    told: list[tuple[str, str]] = []
    for source in script.sources:
        told += ((f"{source}: {question}", answer) for question, answer in _session(script, source))
    for login in script.logins:
        told.append((f"login {login[0]} by {login[1]}", _login(script, login)))
    return told


def expansions(names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, list[str]]]:
    """What `submit` says to each name as the recipient of a message, and to whom it would then be delivered.

    A name comes with the module through which the message arrives.
    """
    return {(module, name): _expansion(module, name) for module, name in names}


def _expansion(module: str, name: str) -> tuple[str, list[str]]:
    message = f"friend@example.net\n{name}\n\nSubject: a test\n\nText.\n"
    command = [SUBMIT, module, "unknown; friend ([127.0.0.1])"]
    done = subprocess.run(command, input=message.encode(), capture_output=True, check=False)
    queued = [path for path in STATE.rglob("[CD]*") if path.is_file()]
    control = "".join(path.read_text() for path in queued if path.name.startswith("C"))
    for path in queued:
        path.unlink()
    answer = " / ".join(done.stdout.decode(errors="replace").splitlines()[1:2])
    return answer, sorted(line for line in control.splitlines() if line.startswith("r"))


def _session(script: Script, source: str) -> Iterator[tuple[str, str]]:
    """Greeting, senders, and recipients: the whole list for the first and the last source, the relaying for all. Every
    recipient has a session of its own, because Courier makes whoever was refused wait."""
    with Line(script.server, source) as line:
        greeting = line.read()
        yield "greeting", greeting
        if not greeting.startswith("220"):
            return
        yield "EHLO", line.ask("EHLO client.example.net")
    for sender in script.senders:
        yield f"MAIL {sender}", _first(script, source, f"MAIL FROM:<{sender}>")
    whole = source in (script.sources[0], script.sources[-1])
    for recipient in script.recipients if whole else ["somebody@elsewhere.example"]:
        yield f"RCPT {recipient}", _first(script, source, "MAIL FROM:<friend@example.net>", f"RCPT TO:<{recipient}>")


def _first(script: Script, source: str, *questions: str) -> str:
    """The answer to the last of a few questions in a new session."""
    with Line(script.server, source) as line:
        line.read()
        line.ask("EHLO client.example.net")
        return [line.ask(question) for question in questions][-1]


def _login(script: Script, login: tuple[str, str]) -> str:
    """The answer to AUTH PLAIN, behind STARTTLS where that is to be had, and what a stranger may then send."""
    with Line(script.server, script.sources[0]) as line:
        line.read()
        if "STARTTLS" in line.ask("EHLO client.example.net"):
            line.encrypt()
            line.ask("EHLO client.example.net")
        words = base64.b64encode("\0{}\0{}".format(*login).encode()).decode()
        answer = line.ask(f"AUTH PLAIN {words}")
        line.ask("MAIL FROM:<friend@example.net>")
        return f"{answer}, then {line.ask('RCPT TO:<somebody@elsewhere.example>')}"


class Line:
    """One connection, a question and an answer at a time."""

    def __init__(self, server: str, source: str) -> None:
        self._socket = socket.create_connection((server, 25), timeout=20, source_address=(source, 0))
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, question: str) -> str:
        with suppress(OSError):
            self._socket.sendall(f"{question}\r\n".encode())
        return self.read()

    def read(self) -> str:
        """A whole answer; what is no answer is told as the end that it is."""
        lines: list[str] = []
        while not lines or lines[-1][3:4] == "-":
            try:
                text = self._file.readline().decode(errors="replace").rstrip()
            except OSError:
                text = ""
            if not text:
                return "closed"
            lines.append(text)
        return " / ".join(lines[:1] + sorted(lines[1:]))

    def encrypt(self) -> None:
        self.ask("STARTTLS")
        self._file.close()
        self._socket = ssl._create_unverified_context().wrap_socket(self._socket)
        self._file = self._socket.makefile("rb")


def add_addresses(*addresses: str) -> None:
    """Addresses of clients, and of the server, that this corner's network is to have."""
    for address in addresses:
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)


def moved(text: bytes) -> bytes:
    """A file of an old installation as whoever moves the host to Debian's packages writes it: with their directories
    and their user, and the module of the account library that took the place of two; nothing else is touched."""
    for old, new in (
        (rb"/usr/(lib|local)/courier/etc", b"/etc/courier"),
        (rb"/usr/(lib|local)/courier/var(/tmp|/spool)?", b"/run/courier"),
        (rb"/usr/(lib|local)/courier/bin", b"/usr/bin"),
        (rb"(?m)^(MAILUSER|MAILGROUP)=(daemon|mail)$", rb"\1=courier"),
        (rb"(?m)^(prefix|exec_prefix|BASE)=.*$", rb"\1=/usr"),
        (rb'(?m)^authmodulelist="authpwd authshadow"', b'authmodulelist="authpam"'),
    ):
        text = re.sub(old, new, text)
    return text


def _answers(server: str) -> bool:
    try:
        with socket.create_connection((server, 25), timeout=2):
            return True
    except OSError:
        return False
