"""A real server in a process of its own, embedded, on free ports of this machine, for tests that look at the whole."""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from courier_runtime.control import CONTROL
from courier_runtime.control.wire import ask

SITE = """\
site: example.com
host: {name: mx.example.com, postmaster: anna}
tls: {certificate: /etc/courier/esmtpd.pem}
listeners:
  smtp: {max_per_address: 100, max_connections: 200, max_per_network: 200}
  submission: {require_auth: true, auth: [PLAIN], auth_tls: [PLAIN]}
account_defaults: {home: "/home/{user}", uid: 5000, gid: 5000}
accounts:
  anna:
    password: $6$anna$.xffifRkFf6rCjEU02U7AU6N/T456u7YXJ6K9B4GDZHFYPqz4e6vWTIZVOykVZ.ys9dUo8hwBZQoN5UI8va4Q1
  boris:
    password: $6$boris$kOwa4fwZslnUQWTp1uGytFcqRBqMz3KXQcSmX3oBBjlRR.WJ7Mt1J9FGifV32C/rOkS7k.TsK5uG6MEiMDXDK/
aliases:
  sales: [anna, boris]
domains:
  example.com: {}
settings:
  esmtpd: {BOFHCHECKDNS: false, TARPIT: false}
  esmtpd-msa: {BOFHCHECKDNS: false}
"""


class Running:
    """One server: its site, its state, and how to speak to it."""

    def __init__(
        self,
        scratch: Path,
        site: str = SITE,
        options: Sequence[str] = (),
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] = {},
        *,
        keeps_open: bool = False,
    ) -> None:
        """`prefix` stands before the command, `environment` is added to that of the test; with `keeps_open` the server
        inherits the descriptors that may be."""
        self.site = self.served = scratch / "site.yaml"
        self.state = scratch / "state"
        self.homes = self.state / "root/home"
        self.site.write_text(site)
        self._options = options
        self._prefix = prefix
        self._environment = environment
        self._keeps_open = keeps_open
        self._process: subprocess.Popen[str] | None = None
        self.log_path = scratch / "log"

    @property
    def manner(self) -> Sequence[str]:
        """How it lives on this machine."""
        return ("--embedded", "--port", "esmtpd=127.0.0.1:0", "--port", "esmtpd-msa=127.0.0.1:0")

    def start(self) -> None:
        """Start, and wait until it serves."""
        command = (sys.executable, "-m", "courier_runtime.cli", str(self.served), "--state", str(self.state))
        with self.log_path.open("a") as log:
            self._process = subprocess.Popen(
                (*self._prefix, *command, *self.manner, *self._options),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self._environment},
                close_fds=not self._keeps_open,
            )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said == "ready\n", self.log()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it, and wait for that; its exit code."""
        os.kill(self.pid, number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end; its exit code."""
        assert self._process is not None
        code = self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def processes(self) -> list[int]:
        """Those that take mail in and keep the queue."""
        return [self.pid, *self.ask("status")["sessions"]]

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask(self, do: str, **said: object) -> dict[str, Any]:
        return ask(f"{self.state}/run/{CONTROL}", {"do": do, **said})

    def port(self, listener: str = "esmtpd") -> int:
        return int(self.ask("status")["listeners"][listener][0].rpartition(":")[2])

    def connect(self, listener: str = "esmtpd", source: str = "127.0.0.1") -> smtplib.SMTP:
        """A client; from 127.0.0.1 it may relay, from other addresses it may not."""
        return smtplib.SMTP("127.0.0.1", self.port(listener), timeout=20, source_address=(source, 0))

    def send(self, to: str | list[str], text: str = "Subject: hello\n\nhello\n", sender: str = "x@example.net") -> None:
        with self.connect() as client:
            client.sendmail(sender, to, text)

    def inbox(self, user: str) -> list[Path]:
        """Messages, in the order of their coming."""
        found = (self.homes / user / "Maildir/new").glob("*")
        return sorted(found, key=lambda path: path.stat().st_mtime_ns)

    def log(self) -> str:
        return self.log_path.read_text()

    def environment(self) -> dict[str, str]:
        return {**os.environ, "COURIER_RUN_STATE": str(self.state)}


@contextmanager
def running(
    scratch: Path,
    site: str = SITE,
    options: Sequence[str] = (),
    prefix: Sequence[str] = (),
    environment: Mapping[str, str] = {},
) -> Iterator[Running]:
    """A server that is stopped in the end, whatever happens."""
    server = Running(scratch, site, options, prefix, environment)
    server.start()
    try:
        yield server
    finally:
        if server.is_running():
            server.stop()


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
    return port


def eventually(is_so: Callable[[], object], within: float = 15.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
