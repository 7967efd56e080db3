"""A server that was started as root: who has which rights, and what still works without them."""

from __future__ import annotations

import os
import pwd
import re
import signal
import smtplib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from courier_runtime.commands.install import install
from real.root_server import ROOM, TREE, USER, RootServer, room
from runtime.running import SITE, eventually

CONF = TREE / "etc/courier"


class Host(RootServer):
    """A host's configuration, homes, commands, and a server that root has started."""

    def __init__(self) -> None:
        super().__init__(SITE.replace("/home/{user}", "/srv/home/{user}"), ("anna", "boris"), ("--sessions", "1"))
        install(ROOM / "bin")
        self.start()

    def status(self, pid: int) -> dict[str, str]:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def helper(self) -> int:
        found = (pid for pid in self.descendants if b"steward.helper" in Path(f"/proc/{pid}/cmdline").read_bytes())
        (helper,) = found
        return helper

    def reload(self) -> str:
        trouble: str = self.ask("reload")["trouble"]
        return trouble


@pytest.fixture
def host() -> Iterator[Host]:
    with room():
        made = Host()
        try:
            yield made
        finally:
            if made.is_running():
                made.kill()


def as_user(uid: int, *command: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    setpriv = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--")
    return subprocess.run(
        [*setpriv, *command],
        input=text, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "COURIER_RUN_STATE": str(ROOM / "state"), **environment},
    )  # fmt: skip


def test_nobody_but_the_helper_is_root(host: Host) -> None:
    uid = pwd.getpwnam("courier").pw_uid
    others = {host.pid, *host.descendants} - {host.helper}
    assert len(others) >= 3, "the queue's process, the nursery, and sessions"
    for courier in map(host.status, others):
        assert courier["Uid"].split() == [str(uid)] * 4
        assert "0" not in courier["Gid"].split()
        assert courier["Groups"] == ""
        assert {courier[name] for name in ("CapEff", "CapPrm")} == {"0" * 16}
    assert host.status(host.helper)["Uid"].split() == ["0"] * 4
    with socket.create_connection(("127.0.0.1", 25)):
        pass


def test_mail_becomes_its_owners_and_programs_run_with_no_rights_but_theirs(host: Host) -> None:
    shadow = CONF / "userdbshadow.dat"
    host.put("boris", ".courier", f"| (id -u; id -G; cat {shadow}) > who 2>&1; true\n")
    host.send("anna@example.com")
    host.send("boris@example.com")
    eventually(lambda: host.inbox("anna"))
    facts = host.inbox("anna")[0].stat()
    assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o777) == (USER, USER, 0o600)
    who = ROOM / "home/boris/who"
    eventually(lambda: who.exists() and "denied" in who.read_text())
    assert who.read_text().splitlines()[:2] == [str(USER), str(USER)]


def test_what_only_root_may_read_is_read_again_on_reload(host: Host) -> None:
    for name in ("userdb.dat", "userdbshadow.dat", ".courier-site/manifest.json"):
        os.chown(CONF / name, 0, 0)
        (CONF / name).chmod(0o600)
    (CONF / "sizelimit").write_text("5000\n")
    assert host.reload() == ""
    with smtplib.SMTP("127.0.0.1", 587, timeout=10) as client:
        client.login("anna", "secret-of-anna")
        client.sendmail("anna@example.com", ["boris@example.com"], "Subject: hello\n\nhello\n")
    eventually(lambda: host.inbox("boris"))


def test_a_port_of_roots_can_still_be_taken(host: Host) -> None:
    settings = (CONF / "esmtpd").read_text()
    (CONF / "esmtpd").write_text(f"{settings}\nPORT=25,26\n")
    assert host.reload() == ""
    eventually(lambda: any(place.endswith(":26") for place in host.ask("status")["listeners"]["esmtpd"]))
    with socket.create_connection(("127.0.0.1", 26)) as client:
        assert client.recv(100).startswith(b"220 ")


def test_everybody_may_send_mail_and_only_root_may_command(host: Host) -> None:
    sendmail, courier = str(ROOM / "bin/sendmail"), str(ROOM / "bin/courier")
    done = as_user(USER, sendmail, "anna@example.com", text="Subject: hello\n\nhello\n")
    assert (done.returncode, done.stderr) == (0, "")
    eventually(lambda: host.inbox("anna"))
    assert f"(uid {USER})" in host.inbox("anna")[0].read_text()
    refused = as_user(USER, courier, "flush")
    assert refused.returncode != 0
    assert "only root and the user of the mail system may say this" in refused.stderr


def test_a_neighbours_mail_comes_by_rmail_if_uucp_brings_it(host: Host) -> None:
    words = (str(ROOM / "bin/rmail"), "anna@example.com")
    text = "Subject: hello\n\nhello\n"
    assert as_user(10, *words, text=text).stderr == "rmail: UU_MACHINE!UU_USER required.\n"
    assert as_user(10, *words, "-q", text=text, UU_MACHINE="apple", UU_USER="john").returncode == 77
    done = as_user(10, *words, "-f", "apple!john", text=text, UU_MACHINE="apple", UU_USER="john")
    assert (done.returncode, done.stderr) == (0, "")
    eventually(lambda: host.inbox("anna"))
    message = host.inbox("anna")[0].read_text()
    assert message.startswith("Delivered-To: anna@example.com\nReturn-Path: <john@apple>\n")
    assert re.search(r"^Received: from uucp \(apple!john\)\n  by mx\.example\.com with uucp\n", message, re.MULTILINE)


def test_the_end_of_the_helper_is_the_end_of_the_server(host: Host) -> None:
    helper = host.helper
    os.kill(helper, signal.SIGTERM)
    host.send("anna@example.com")
    eventually(lambda: host.inbox("anna"))
    os.kill(helper, signal.SIGKILL)
    assert host.wait() == 70
    assert "courier-run: the helper has ended" in host.log()


def test_all_processes_end_with_the_server_whatever_ends_that(host: Host) -> None:
    children = host.descendants
    host.kill()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


def test_a_process_for_sessions_is_started_again_and_reads_what_only_root_may(host: Host) -> None:
    (victim, *_) = host.processes[1:]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in (found := host.processes[1:]) and found)
    host.send("anna@example.com")
    eventually(lambda: host.inbox("anna"))
