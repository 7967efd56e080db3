"""How a server is run: started by whom it may be, changed as it runs, watched, and stopped."""

from __future__ import annotations

import os
import re
import shlex
import signal
import smtplib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from courier_runtime.commands.install import install
from runtime.running import SITE, Running, eventually, free_port, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bin")
    install(directory)
    return directory


def health(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as page:
            text: str = page.read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
    return text


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


# ---- a newcomer ---------------------------------------------------------------------------------------------------


def test_the_commands_that_a_newcomer_gets_to_read_send_two_mails_and_show_them(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        eventually(lambda: "Ctrl-C ends it" in server.log())
        said = re.findall(r"^    (\S.*)$", server.log(), re.MULTILINE)
        assert len(said) == 3
        for command in said:
            done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
        assert "Subject: first\n" in done.stdout
        assert "Subject: second\n" in done.stdout


def test_who_wants_quiet_gets_no_welcome(tmp_path: Path) -> None:
    with running(tmp_path, options=("--quiet",)) as server:
        server.send("anna@example.com")
        eventually(lambda: server.inbox("anna"))
        assert "Try it" not in server.log()


# ---- Courier's commands -------------------------------------------------------------------------------------------


def run(commands: Path, server: Running, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(commands / words[0]), *words[1:]],
        env=server.environment(), input="", capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_sendmail_speaks_smtp_for_a_client_that_may_send_anywhere(server: Running, commands: Path) -> None:
    before = len(server.inbox("anna"))
    process = subprocess.Popen(
        [str(commands / "sendmail"), "-bs"],
        env=server.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def say(line: str) -> str:
        stdin.write(line.encode() + b"\n")
        reply = ""
        while True:
            reply += stdout.readline().decode()
            if reply.splitlines()[-1][3:4] != "-":
                return reply

    assert stdout.readline().startswith(b"220 mx.example.com")
    offered = say("EHLO localhost")
    assert "AUTH" not in offered
    assert "250-STARTTLS" not in offered
    assert say("MAIL FROM:<anna@example.com>") == "250 Ok.\r\n"
    assert say("RCPT TO:<joe@example.org>") == "250 Ok.\r\n", "it may relay"
    assert say("RSET") == "250 Ok\r\n"
    assert say("MAIL FROM:<boris@example.com>") == "250 Ok.\r\n"
    assert say("RCPT TO:<anna@example.com>") == "250 Ok.\r\n"
    assert say("DATA") == "354 Ok.\r\n"
    assert say("Subject: by hand\n\none\r\ntwo\n.").startswith("250 Ok. ")
    assert say("QUIT") == "221 Bye.\r\n"
    assert process.wait(10) == 0
    stdin.close()
    stdout.close()
    eventually(lambda: len(server.inbox("anna")) == before + 1)
    text = server.inbox("anna")[-1].read_bytes()
    assert text.endswith(b"\n\none\ntwo\n")
    assert f"(localhost [127.0.0.1])\n  (IDENT: uid {os.getuid()})\n".encode() in text


def test_sendmail_without_a_server_says_so(tmp_path: Path, commands: Path) -> None:
    done = subprocess.run(
        [str(commands / "sendmail"), "-bs"],
        env={**os.environ, "COURIER_RUN_STATE": str(tmp_path)}, input="", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (75, "")
    assert "no server answers at" in done.stderr


def test_rmail_is_for_uucp_alone(server: Running, commands: Path) -> None:
    done = run(commands, server, "rmail", "anna@example.com")
    assert (done.returncode, done.stderr) == (77, "rmail: permission denied.\n")


def test_the_courier_command_does_what_it_does_there(server: Running, commands: Path) -> None:
    assert run(commands, server, "courier").returncode == 0
    assert run(commands, server, "courier", "--version").stdout.startswith("courier-run ")
    assert run(commands, server, "courier", "flush").returncode == 0
    unknown = run(commands, server, "courier", "flush", "0" * 16 + "." + "0" * 16 + "." + "0" * 8)
    assert (unknown.returncode, unknown.stderr) == (1, "No such message.\n")
    assert run(commands, server, "courier", "show", "all").stdout == ""
    assert run(commands, server, "courier", "clear", "all").returncode == 0
    assert run(commands, server, "courier", "restart").returncode == 0
    assert run(commands, server, "courier", "dance").returncode == 1


def test_courier_stop_ends_the_server(tmp_path: Path, commands: Path) -> None:
    with running(tmp_path) as server:
        assert run(commands, server, "courier", "stop").returncode == 0
        eventually(lambda: not server.is_running())


# ---- changes while it runs ----------------------------------------------------------------------------------------


def test_listeners_begin_move_and_end_without_a_restart(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    site = SITE.replace("  submission: {require_auth: true, auth: [PLAIN], auth_tls: [PLAIN]}\n", "")
    with running(tmp_path, site) as server:
        pid, smtp = server.pid, server.port()
        assert list(server.ask("status")["listeners"]) == ["esmtpd"]

        def change(listeners: str) -> None:
            before = server.ask("status")["generation"]
            server.site.write_text(site.replace("listeners:\n", f"listeners:\n{listeners}"))
            eventually(lambda: server.ask("status")["generation"] != before)

        change(f"  smtps: {{on: ['127.0.0.1:{first}']}}\n")
        eventually(lambda: answers(first))
        change(f"  smtps: {{on: ['127.0.0.1:{second}']}}\n")
        eventually(lambda: answers(second) and not answers(first))
        by_hand = server.state / "tree/etc/courier/esmtpd-ssl"
        by_hand.write_text(by_hand.read_text() + "ESMTPDSSLSTART=NO\n")
        eventually(lambda: not answers(second))
        assert (server.pid, server.port()) == (pid, smtp)
        assert server.is_running()


def test_a_listener_that_cannot_have_its_port_leaves_the_old_generation_in_force(tmp_path: Path) -> None:
    with running(tmp_path) as server, socket.create_server(("127.0.0.1", 0)) as taken:
        before = server.ask("status")["generation"]
        port = taken.getsockname()[1]
        server.site.write_text(SITE.replace("listeners:\n", f"listeners:\n  smtps: {{on: ['127.0.0.1:{port}']}}\n"))
        eventually(lambda: server.ask("status")["trouble"])
        status = server.ask("status")
        assert status["generation"] == before
        assert status["trouble"] == f"esmtpd-ssl cannot listen at 127.0.0.1:{port}: Address already in use"


# ---- the service manager ------------------------------------------------------------------------------------------

_ACTIVATE = 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"'


def test_a_server_serves_the_sockets_that_the_service_manager_brings_and_tells_it_how_it_does(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as smtp,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear,
    ):
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(10)
        environment = {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "LISTEN_FDS": "1",
            "LISTEN_FDNAMES": "esmtpd",
            "WATCHDOG_USEC": "600000",
        }
        passing = f"import os, sys; os.dup2({smtp.fileno()}, 3, inheritable=True); os.execvp('sh', sys.argv[1:])"
        prefix = (sys.executable, "-c", passing, "sh", "-c", _ACTIVATE, "sh")
        os.set_inheritable(smtp.fileno(), True)
        server = Running(tmp_path, SITE, ("--port", "esmtpd-msa=127.0.0.1:0"), prefix, environment, keeps_open=True)
        server.start()
        try:
            port = smtp.getsockname()[1]
            assert server.port() == port
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
                assert client.noop() == (250, b"Ok")
            said = {ear.recv(1000).partition(b"\n")[0] for _ in range(8)}
            assert {b"READY=1", b"WATCHDOG=1"} <= said
            server.ask("reload")
            heard = b""
            while not heard.startswith(b"RELOADING=1"):
                heard = ear.recv(1000)
            while not heard.startswith(b"READY=1"):
                heard = ear.recv(1000)
            assert b"is in force" in heard
            assert server.stop() == 0
            while heard != b"STOPPING=1\nSTATUS=stopping":
                heard = ear.recv(1000)
        finally:
            if server.is_running():
                server.stop(signal.SIGKILL)


# ---- scarce resources ---------------------------------------------------------------------------------------------


def test_a_server_without_descriptors_says_so_and_serves_again_when_it_has_some(tmp_path: Path) -> None:
    prefix = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
    page = free_port()
    with running(tmp_path, prefix=prefix, options=("--metrics", f"127.0.0.1:{page}")) as server:
        port = server.port()
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(120)]
        eventually(lambda: "low on descriptors: " in server.log())
        for client in clients:
            client.close()
        eventually(lambda: "room and descriptors suffice again" in server.log())
        eventually(lambda: health(page) == "well\n", 30)
        server.send("anna@example.com")
        eventually(lambda: len(server.inbox("anna")) == 1)


# ---- the end ------------------------------------------------------------------------------------------------------


def test_a_message_that_is_being_sent_is_finished_before_the_server_stops(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        with server.connect() as client:
            client.ehlo()
            client.mail("x@example.net")
            client.rcpt("anna@example.com")
            assert client.docmd("DATA")[0] == 354
            client.send("Subject: late\r\n\r\n")
            os.kill(server.pid, signal.SIGTERM)
            eventually(lambda: "SHUTDOWN: Stopping..." in server.log())
            client.send("hello\r\n.\r\n")
            assert client.getreply()[0] == 250
        assert server.wait() == 0
        server.start()
        eventually(lambda: len(server.inbox("anna")) == 1)


def test_a_second_signal_ends_it_at_once_with_what_it_started_and_the_message_comes_again(tmp_path: Path) -> None:
    site = SITE + "  courierd: {DEFAULTDELIVERY: '| echo $$ >> $HOME/began; sleep 60'}\n"
    with running(tmp_path, site) as server:
        began = server.state / "root/home/anna/began"
        began.parent.mkdir(parents=True)
        server.send("anna@example.com")
        eventually(lambda: began.exists() and began.read_text())
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda: "SHUTDOWN: Stopping..." in server.log())
        start = time.monotonic()
        assert server.stop() == 3
        assert time.monotonic() - start < 5
        eventually(lambda: not Path(f"/proc/{began.read_text().strip()}").exists())
        server.start()
        eventually(lambda: began.read_text().count("\n") == 2)
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda: server.log().count("SHUTDOWN: Stopping...") == 2)
        server.stop()


@pytest.mark.parametrize(("words", "code"), [("serve /nowhere", 1), ("dance", 2), ("status --state /nowhere", 1)])
def test_exit_codes_tell_what_could_not_be_done_from_what_was_said_wrongly(words: str, code: int) -> None:
    command = [sys.executable, "-m", "courier_runtime.cli", *shlex.split(words)]
    done = subprocess.run([*command, "--bad"] if code == 2 else command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "courier-run" in done.stderr
