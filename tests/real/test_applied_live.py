"""A real Courier 1.0.16 that runs and gets mail while its site is edited and applied to it, as root.

One host for all of these tests, which follow one another as an administrator's day does. All the while another server
sends mail and notes what was accepted; the last test looks whether all of that has arrived.
"""

from __future__ import annotations

import json
import smtplib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from courier_compiler.cli import main
from real import namespace
from real.courier_host import ETC, HOMES, CourierHost, eventually, message, send
from real.name_server import NameServer

SITE = """
site: example.org
host: {name: mx.example.org, postmaster: anna}
listeners:
  smtp: {max_per_address: 40, max_per_network: 100}
account_defaults: {uid: 5000, gid: 5000, home: "/srv/{user}"}
accounts:
  anna: {}
  boris: {}
aliases:
  info: anna
access:
  127.0.0.0/8: relay
  198.51.100.9: deny
"""
PARTNER, BLOCKED, GUEST = "198.51.100.7", "198.51.100.9", "198.51.100.11"
SYSTEMD = Path("/run/systemd")


class Sender:
    """Another server, which sends without a pause and tries again where nobody listens for a moment."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        number = 0
        while not self._ended.is_set():
            number += 1
            subject = f"sentinel {number}"
            try:
                send("anna@example.org", subject, source="127.0.0.2")
            except (OSError, smtplib.SMTPException):
                time.sleep(0.05)
            else:
                self.accepted.append(subject)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


class Live(CourierHost):
    """A host whose site is edited."""

    def __init__(self, scratch: Path) -> None:
        self.site = scratch / "site.yaml"
        self.site.write_text(SITE)
        assert main(["build", str(self.site), "-o", str(scratch / "build")]) == 0
        super().__init__(scratch / "build")
        self.install(scratch)
        namespace.empty(HOMES)
        for name in ("anna", "boris"):
            self.make_mailbox(HOMES / name, 5000, 5000)
        for address in (PARTNER, BLOCKED, GUEST):
            subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)

    def edit(self, old: str, new: str) -> None:
        text = self.site.read_text()
        assert old in text
        self.site.write_text(text.replace(old, new))

    def subjects(self, account: str) -> set[str]:
        letters = (path.read_text() for path in (HOMES / account / "Maildir/new").iterdir())
        return {letter.partition("\nSubject: ")[2].partition("\n")[0] for letter in letters}

    def arrived(self, account: str, subject: str) -> bool:
        return subject in self.subjects(account)

    def stop(self) -> None:
        super().stop()
        namespace.release(HOMES)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    scratch = tmp_path_factory.mktemp("live")
    names = NameServer(scratch)
    if SYSTEMD.is_dir():
        namespace.empty(SYSTEMD)  # its units are those of the machine, not of this corner
    host = Live(scratch)
    host.start("authdaemond", "courier", "esmtpd")
    host.wait_for(25)
    yield host
    subprocess.run(["/usr/sbin/pop3d", "stop"], capture_output=True, check=False)
    host.stop()
    names.close()


@pytest.fixture(scope="module")
def sender(live: Live) -> Iterator[Sender]:
    sender = Sender()
    yield sender
    sender.close()


@pytest.fixture(autouse=True)
def _mail_comes_in_all_the_while(sender: Sender) -> None:
    """Every test runs under mail."""


Capture = pytest.CaptureFixture[str]


def apply(live: Live, capsys: Capture, *words: str) -> tuple[int, dict[str, str], str]:
    """Apply the site as an administrator would; the exit status, what daemons were to do, and what was said."""
    capsys.readouterr()
    plan = json.loads(_said(capsys, "plan", str(live.site), "--format", "json")[1])["plans"]
    steps = {step["daemon"]: step["action"] for one in plan for step in one["daemons"]}
    status, said = _said(capsys, "apply", str(live.site), "--reload", *words)
    return status, steps, said


def _said(capsys: Capture, *words: str) -> tuple[int, str]:
    status = main([*words])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def rollback(capsys: Capture) -> None:
    status, said = _said(capsys, "rollback", "--reload")
    assert status == 0, said


def reply(recipient: str, source: str) -> int:
    """What a server at an address is told of a recipient."""
    with smtplib.SMTP("127.0.0.1", 25, source_address=(source, 0)) as client:
        client.ehlo()
        client.mail("friend@example.net")
        return client.rcpt(recipient)[0]


def is_served(source: str) -> bool:
    """Whether a connection of an address is greeted."""
    with socket.create_connection(("127.0.0.1", 25), timeout=10, source_address=(source, 0)) as client:
        try:
            return client.recv(500).startswith(b"220")
        except ConnectionResetError:
            return False


def pid(daemon: str) -> str:
    return Path(f"/run/courier/{daemon}.pid").read_text()


def everything() -> dict[str, bytes]:
    """Every file of the configuration directory but our own records."""
    files = (path for path in ETC.rglob("*") if path.is_file() and ".courier-site" not in path.parts)
    return {str(path): path.read_bytes() for path in files}


def test_a_host_that_is_as_its_site_wants_it_becomes_ours_without_a_change(live: Live, capsys: Capture) -> None:
    before, running = everything(), pid("esmtpd")
    assert _said(capsys, "apply", str(live.site), "--reload")[0] == 0
    assert (everything(), pid("esmtpd")) == (before, running)


def test_an_alias_is_in_force_at_once_and_no_daemon_is_told(live: Live, capsys: Capture) -> None:
    send("info@example.org", "before the edit")
    assert eventually(partial(live.arrived, "anna", "before the edit"))
    running = pid("esmtpd")
    live.edit("info: anna", "info: boris")
    assert apply(live, capsys)[:2] == (0, {})
    send("info@example.org", "after the edit")
    assert eventually(partial(live.arrived, "boris", "after the edit"))
    assert not live.arrived("anna", "after the edit")
    assert pid("esmtpd") == running


def test_an_access_rule_is_in_force_when_the_listener_has_read_its_table_again(live: Live, capsys: Capture) -> None:
    assert reply("somebody@elsewhere.example", PARTNER) == 513
    assert is_served(GUEST)
    assert not is_served(BLOCKED)
    running = pid("esmtpd")
    live.edit("198.51.100.9: deny", f"{GUEST}: deny\n  {PARTNER}: relay")
    status, steps, said = apply(live, capsys)
    assert (status, steps["esmtpd"]) == (0, "restart"), said
    assert eventually(lambda: not is_served(GUEST))
    assert reply("somebody@elsewhere.example", PARTNER) == 250
    assert is_served(BLOCKED)
    assert pid("esmtpd") == running, "a restart is no stop"


def test_a_session_that_is_open_during_an_apply_finishes_and_its_mail_arrives(live: Live, capsys: Capture) -> None:
    with smtplib.SMTP("127.0.0.1", 25, source_address=(PARTNER, 0)) as session:
        session.ehlo()
        session.mail("friend@example.net")
        live.edit("max_per_address: 40", "max_per_address: 2")
        status, steps, said = apply(live, capsys)
        assert (status, steps["esmtpd"]) == (0, "stop and start"), said
        assert session.rcpt("boris@example.org")[0] == 250
        assert session.data(message("across the apply").as_bytes())[0] == 250
    assert eventually(partial(live.arrived, "boris", "across the apply"))


def test_the_limit_of_that_apply_holds_for_everybody_who_connects_from_then_on(live: Live) -> None:
    with smtplib.SMTP("127.0.0.1", 25, source_address=(PARTNER, 0)) as first:
        first.ehlo()
        with smtplib.SMTP("127.0.0.1", 25, source_address=(PARTNER, 0)) as second:
            second.ehlo()
            assert not is_served(PARTNER)
    assert eventually(partial(is_served, PARTNER))


def test_a_listener_that_the_site_opens_is_started_and_stopped_when_it_is_closed(live: Live, capsys: Capture) -> None:
    live.edit("listeners:\n", "listeners:\n  pop3: {}\n")
    status, steps, said = apply(live, capsys)
    assert (status, steps["pop3d"]) == (0, "start"), said
    live.wait_for(110)
    live.edit("  pop3: {}\n", "")
    status, steps, said = apply(live, capsys)
    assert (status, steps["pop3d"]) == (0, "stop"), said
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", 110), timeout=2)


def test_a_broken_edit_changes_nothing(live: Live, capsys: Capture) -> None:
    before, running = everything(), pid("esmtpd")
    good = live.site.read_text()
    live.edit("info: boris", "info: [boris")
    assert main(["apply", str(live.site), "--reload"]) == 1
    live.site.write_text(good.replace("max_per_address: 2", "max_per_adress: 3"))
    assert main(["apply", str(live.site), "--reload"]) == 1
    capsys.readouterr()
    live.site.write_text(good)
    assert (everything(), pid("esmtpd")) == (before, running)


def test_what_a_guard_objects_to_changes_nothing(live: Live, capsys: Capture) -> None:
    before, good = everything(), live.site.read_text()
    live.edit(f"{PARTNER}: relay", "198.0.0.0/8: relay")
    status, said = _said(capsys, "apply", str(live.site), "--reload")
    live.site.write_text(good)
    assert status == 1
    assert "[guard-relay]" in said
    assert everything() == before


def test_when_a_daemon_does_not_come_back_the_generation_before_does(live: Live, capsys: Capture) -> None:
    before = everything()
    live.site.write_text(live.site.read_text() + "settings: {esmtpd: {ADDRESS: 203.0.113.99}}\n")
    status, steps, said = apply(live, capsys)
    assert (status, steps["esmtpd"]) == (1, "stop and start")
    assert "esmtpd did not come back" in said
    assert "is in force again, its daemons were told and they are well" in said
    assert everything() == before
    assert reply("boris@example.org", GUEST if is_served(GUEST) else "127.0.0.3") == 250
    live.edit("settings: {esmtpd: {ADDRESS: 203.0.113.99}}\n", "")


def test_a_rollback_restores_what_the_host_did_before(live: Live, capsys: Capture) -> None:
    before = everything()
    live.edit("info: boris", "info: anna")
    live.edit(f"{GUEST}: deny", f"{BLOCKED}: deny")
    live.edit("max_per_address: 2", "max_per_address: 40")
    status, _, said = apply(live, capsys)
    assert status == 0, said
    assert eventually(partial(is_served, GUEST))
    send("info@example.org", "to anna again")
    assert eventually(partial(live.arrived, "anna", "to anna again"))
    rollback(capsys)
    assert everything() == before
    assert eventually(lambda: not is_served(GUEST))
    assert is_served(BLOCKED)
    send("info@example.org", "to boris again")
    assert eventually(partial(live.arrived, "boris", "to boris again"))
    with smtplib.SMTP("127.0.0.1", 25, source_address=(PARTNER, 0)) as first:
        first.ehlo()
        with smtplib.SMTP("127.0.0.1", 25, source_address=(PARTNER, 0)) as second:
            second.ehlo()
            assert not is_served(PARTNER)


def test_all_mail_that_was_accepted_meanwhile_has_arrived(live: Live, sender: Sender) -> None:
    sender.close()
    assert len(sender.accepted) > 100
    missing = set[str]()

    def has_all() -> bool:
        missing.clear()
        missing.update({*sender.accepted} - live.subjects("anna"))
        return not missing

    assert eventually(has_all, 60), missing
