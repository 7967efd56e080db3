"""Mail of an imported host leaves as it did when its routes stood in a database without a source: by `esmtproutes.dat`
and by the text that a site makes of it, the real Courier 1.0.16 sends to the same relays, or nowhere."""

from __future__ import annotations

import re
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from courier_schema.legacy.formats import gdbm
from real import namespace
from real.courier_host import ETC, RUN, STATE, CourierHost, eventually
from real.name_server import NameServer
from real.test_import_conversations import STOCK, rebuilt

PORTS = (2525, 2526)
ROUTES = {
    b"a.example": b"[127.0.0.1],2525",
    b"b.example": b"[127.0.0.1],2526",
    b"secret.example": b"[127.0.0.1],2525 /SECURITY=REQUIRED",
    b".below.example": b"[127.0.0.1],2525",
    b"UPPER.example": b"[127.0.0.1],2525",
    b"direct.example": b"",
}
DOMAINS = ("a.example", "A.Example", "b.example", "secret.example", "x.below.example", "upper.example",
           "direct.example", "elsewhere.example")  # fmt: skip
_TOLD = re.compile(r"addr=<somebody@([^>]+)>: (.*)")


class _Relay(socketserver.StreamRequestHandler):
    """Says on which port it was asked for each recipient, and takes none."""

    def handle(self) -> None:
        port = self.request.getsockname()[1]
        self.wfile.write(b"220 relay.example ESMTP\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            answer = f"550 refused on port {port}" if verb == b"RCPT" else "250 Ok."
            self.wfile.write(f"{answer}\r\n".encode())
            if verb == b"QUIT":
                return


@pytest.fixture(scope="module", autouse=True)
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    names = NameServer(tmp_path_factory.mktemp("names"))
    relays = [socketserver.ThreadingTCPServer(("127.0.0.1", port), _Relay) for port in PORTS]
    for relay in relays:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
    yield
    for relay in relays:
        relay.shutdown()
        relay.server_close()
    names.close()


def fates(directory: Path, scratch: Path) -> dict[str, str]:
    """What the client of the real Courier says of one recipient in each domain."""
    scratch.mkdir()
    host = CourierHost(scratch)
    for path in (directory, *directory.glob("*.pem")):
        shutil.chown(path, "root", "courier")
    directory.chmod(0o755)
    namespace.bind(directory, ETC)
    host.empty_state()
    try:
        subprocess.run(["/usr/sbin/courier", "start"], capture_output=True, timeout=60, check=True)
        for domain in DOMAINS:
            command = ["/usr/sbin/sendmail", "-f", "sender@here.example", f"somebody@{domain}"]
            subprocess.run(command, input=b"Subject: a test\n\nText.\n", check=True)
        told: dict[str, str] = {}

        def complete() -> bool:
            told.update(pair for line in host.log.lines for pair in _TOLD.findall(line))
            return len(told) == len({domain.lower() for domain in DOMAINS})

        assert eventually(complete, 30), (told, host.log.lines[-5:])
        return told
    finally:
        subprocess.run(["/usr/sbin/courier", "stop"], capture_output=True, timeout=60, check=False)
        host.log.close()
        for place in (ETC, STATE, RUN):
            namespace.release(place)


def test_the_rebuilt_host_sends_where_the_old_database_sent(tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(STOCK, old, symlinks=True)
    (old / "esmtproutes").unlink(missing_ok=True)
    (old / "esmtproutes.dat").write_bytes(gdbm.dumps(ROUTES))
    (old / "me").write_text("here.example\n")
    new = rebuilt(old, tmp_path)
    assert not (new / "esmtproutes.dat").exists()
    before = fates(old, tmp_path / "first")
    assert {domain: before[domain] for domain in ("a.example", "b.example", "x.below.example", "upper.example")} == {
        "a.example": "550 refused on port 2525",
        "b.example": "550 refused on port 2526",
        "x.below.example": "No such domain.",
        "upper.example": "No such domain.",
    }
    assert fates(new, tmp_path / "second") == before
