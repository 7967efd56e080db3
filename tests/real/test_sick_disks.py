"""A server whose disks are full or write-protected puts senders off, keeps nothing by halves, and recovers by itself.

The disks are small file systems in memory, in the tests' own mount namespace.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from real import namespace
from runtime.running import Running, eventually
from runtime.wires import Wire

SITE: Final = """\
site: example.com
host: {name: mx.example.com, postmaster: anna}
listeners: {smtp: {max_per_address: 200, max_connections: 200, max_per_network: 200}}
account_defaults: {home: "/home/{user}", uid: 5000, gid: 5000}
accounts: {anna: {}, boris: {}}
settings:
  esmtpd: {BOFHCHECKDNS: false, TARPIT: false, TCPDOPTS: [-nodnslookup]}
"""
MEBIBYTE: Final = 1 << 20
SIZE: Final = 40
TEXT: Final = b"Subject: x\r\n\r\n%b\r\n."


@contextmanager
def spool_on_a_disk(scratch: Path, mebibytes: int = SIZE, files: int = 0) -> Iterator[tuple[Running, Path]]:
    """A server that runs, its spool on a disk of its own, which is given as well."""
    server = Running(scratch, SITE)
    spool = server.state / "spool"
    spool.mkdir(parents=True)
    namespace.disk(spool, mebibytes, files)
    try:
        server.start()
        yield server, spool
    finally:
        if server.is_running():
            server.stop()
        namespace.release(spool)


def fill(disk: Path, leave: int) -> None:
    """Put so much on a disk that only this many bytes are left."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    found = os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(found.f_bavail * found.f_frsize - leave, 1))


def empty(disk: Path) -> None:
    (disk / "ballast").unlink()


def texts(disk: Path) -> list[str]:
    return sorted(path.name for path in (disk / "texts").iterdir())


def marks(server: Running, user: str = "anna") -> list[bytes]:
    """What the messages of a mailbox begin with."""
    return sorted(path.read_bytes().partition(b"\n\n")[2][:8] for path in server.inbox(user))


def rcpt(wire: Wire) -> bytes:
    """The reply to a recipient. The server looks at its disk now and then, not for each of them."""
    assert wire.say(b"MAIL FROM:<>") == b"250 Ok."
    reply = wire.say(b"RCPT TO:<anna@example.com>")
    assert wire.say(b"RSET") == b"250 Ok"
    return reply


def arrive(server: Running, expected: list[bytes]) -> None:
    """Wait for these messages; what was put off while there was no room is tried now."""
    eventually(lambda: server.ask("flush")["done"] and marks(server) == expected)


def test_a_full_disk_puts_recipients_off_and_is_forgotten_when_there_is_room(tmp_path: Path) -> None:
    with spool_on_a_disk(tmp_path) as (server, disk), Wire.greeted(server.port()) as wire:
        fill(disk, MEBIBYTE // 2)
        eventually(lambda: rcpt(wire) == b"431 Mail system full.")
        assert rcpt(wire) == b"431 Mail system full."
        empty(disk)
        eventually(lambda: rcpt(wire) == b"250 Ok.")
        wire.mail(sender=b"")
        assert wire.say(TEXT % b"roomy---").startswith(b"250 ")
        arrive(server, [b"roomy---"])


def test_a_disk_with_no_files_left_is_full_as_well(tmp_path: Path) -> None:
    with spool_on_a_disk(tmp_path, files=400) as (server, disk), Wire.greeted(server.port()) as wire:
        for number in range(350):
            (disk / f"file{number}").touch()
        eventually(lambda: rcpt(wire) == b"431 Mail system full.")


def test_a_disk_that_fills_up_under_a_text_keeps_nothing_of_it(tmp_path: Path) -> None:
    with spool_on_a_disk(tmp_path) as (server, disk), Wire.greeted(server.port()) as wire:
        for text, room in ((b"x" * 900 + b"\r\n", 0), (b"x" * 70 + b"\r\n", 8192), (b"x" * 70 + b"\r\n", 2 * MEBIBYTE)):
            wire.mail(sender=b"")
            wire.send(b"Subject: x\r\n\r\n")
            fill(disk, room)
            wire.send(text * (4 * MEBIBYTE // len(text)))
            assert wire.say(b".") == b"431 Mail system full."
            assert texts(disk) == []
            empty(disk)
        assert server.ask("status")["queue"]["messages"] == 0
        wire.mail(sender=b"")
        assert wire.say(TEXT % b"roomy---").startswith(b"250 ")
        arrive(server, [b"roomy---"])


def test_short_messages_to_the_last_byte_are_kept_whole_or_refused(tmp_path: Path) -> None:
    """The check at RCPT passes while another process takes the room away: the commit itself has to fail."""
    with spool_on_a_disk(tmp_path) as (server, disk), Wire.greeted(server.port()) as wire:
        promised: list[bytes] = []
        replies: set[bytes] = set()
        for number in range(40):
            wire.mail(sender=b"")
            if number % 4:
                fill(disk, (number % 10) * 1500)
            mark = b"mark-%03d" % number
            reply = wire.say(TEXT % (mark + b"x" * 3000))
            replies.add(reply[:4])
            if reply.startswith(b"250 "):
                promised.append(mark)
            if number % 4:
                empty(disk)
        assert replies == {b"250 ", b"431 "}
        arrive(server, promised)
        server.stop()
        server.start()
        assert server.ask("status")["queue"]["messages"] == 0
        assert marks(server) == promised, "nothing comes a second time"


def test_outcomes_that_cannot_be_written_down_are_written_later(tmp_path: Path) -> None:
    with spool_on_a_disk(tmp_path) as (server, disk), Wire.greeted(server.port()) as wire:
        gate = server.state / "root/home/boris/gate"
        gate.parent.mkdir(parents=True)
        (gate.parent / ".courier").write_text(f"| while [ ! -e {gate} ]; do sleep 0.05; done; cat > got.$$\n")
        for _ in range(3):
            wire.mail(b"boris@example.com", sender=b"")
            assert wire.say(TEXT % b"patience").startswith(b"250 ")
        fill(disk, 0)
        gate.touch()
        eventually(lambda: len(list(gate.parent.glob("got.*"))) == 3)
        assert wire.say(b"NOOP") == b"250 Ok", "the server lives on"
        empty(disk)
        eventually(lambda: server.ask("status")["queue"]["messages"] == 0)
        server.stop()
        server.start()
        assert server.ask("status")["queue"]["messages"] == 0
        assert len(list(gate.parent.glob("got.*"))) == 3


def test_a_server_does_not_start_on_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    with spool_on_a_disk(tmp_path) as (server, disk):
        server.stop()
        fill(disk, 0)
        assert "No space left on device" in _refused(server)
        empty(disk)
        namespace.write_protect(disk, True)
        assert "Read-only file system" in _refused(server)
        namespace.write_protect(disk, False)
        server.start()
        server.send("anna@example.com", "Subject: x\n\nroomy---\n")
        arrive(server, [b"roomy---"])


def _refused(server: Running) -> str:
    """Try to start a server; why it does not."""
    command = [sys.executable, "-m", "courier_runtime.cli", str(server.site), "--embedded", "--state"]
    done = subprocess.run(
        [*command, str(server.state), "--port", "esmtpd=127.0.0.1:0"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    [why] = [line for line in done.stderr.splitlines() if line.startswith("courier-run: ")]
    return why


def test_mailboxes_on_a_full_or_protected_disk_make_mail_wait(tmp_path: Path) -> None:
    server = Running(tmp_path, SITE)
    home = server.state / "root/home/anna"
    home.mkdir(parents=True)
    namespace.disk(home, 1)
    server.start()
    try:
        with Wire.greeted(server.port()) as wire:
            fill(home, 0)
            _wait_with(server, wire, b"no-space", "No space left on device")
            empty(home)
            arrive(server, [b"no-space"])
            assert not list((home / "Maildir/tmp").iterdir())
            namespace.write_protect(home, True)
            _wait_with(server, wire, b"readonly", "Read-only file system")
            namespace.write_protect(home, False)
            arrive(server, [b"no-space", b"readonly"])
    finally:
        server.stop()
        namespace.release(home)


def _wait_with(server: Running, wire: Wire, mark: bytes, why: str) -> None:
    """Send a message that cannot be delivered now, for this reason; another mailbox gets its own at once."""
    before = len(server.inbox("boris"))
    wire.mail(sender=b"")
    assert wire.say(TEXT % (mark + b"x" * 3000)).startswith(b"250 ")
    wire.mail(b"boris@example.com", sender=b"")
    assert wire.say(TEXT % mark).startswith(b"250 ")
    eventually(lambda: len(server.inbox("boris")) == before + 1)

    def says() -> bool:
        waiting = server.ask("queue")["messages"]
        return any(why in " ".join(one["said"]) for message in waiting for one in message["recipients"])

    eventually(says)
