"""Several processes serve sessions, and are one server all the same: one queue, one set of limits, one generation."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from courier_runtime.cli import main
from runtime.running import SITE, Running, eventually, running

TWO = ("--sessions", "2")
LIMITS = "smtp: {max_per_address: 100, max_connections: 200, max_per_network: 200}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, options=TWO) as made:
        yield made


def sessions(server: Running) -> list[int]:
    """The processes that serve sessions."""
    found: list[int] = server.ask("status")["sessions"]
    return found


def _opened(process: Path) -> list[Path]:
    """What a process has open; nothing if it has ended."""
    try:
        return list((process / "fd").iterdir())
    except OSError:
        return []


def _leads_to(link: Path, wanted: Path) -> bool:
    """Whether an open file is this one; others are closed while one looks."""
    try:
        return link.readlink() == wanted
    except OSError:
        return False


def served_by(client: smtplib.SMTP) -> int:
    """Which process has the other end of a connection."""
    assert client.sock is not None
    wanted = Path(f"socket:[{_inode_of(client.sock.getpeername()[1], client.sock.getsockname()[1])}]")
    for process in Path("/proc").glob("[0-9]*"):
        if any(_leads_to(link, wanted) for link in _opened(process)):
            return int(process.name)
    raise AssertionError("nobody has it")


def _inode_of(local: int, remote: int) -> str:
    for line in Path("/proc/net/tcp6").read_text().splitlines() + Path("/proc/net/tcp").read_text().splitlines():
        words = line.split()
        if words[1].endswith(f":{local:04X}") and words[2].endswith(f":{remote:04X}"):
            return words[9]
    raise AssertionError("there is no such connection")


def is_open(client: smtplib.SMTP) -> bool:
    try:
        return client.noop()[0] == 250
    except (smtplib.SMTPServerDisconnected, OSError):
        return False


def test_processes_share_the_clients_and_fill_one_queue(server: Running) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(60)]
        assert {served_by(client) for client in clients} <= set(sessions(server))
        assert len(sessions(server)) == 2
        for number, client in enumerate(clients):
            client.sendmail("x@example.net", "anna@example.com", f"Subject: {number}\n\nhello\n")
    eventually(lambda: len(server.inbox("anna")) == 60)
    ids = {line.split(",")[1] for line in server.log().splitlines() if "newmsg,id=" in line}
    assert len(ids) == 60


def test_a_long_message_crosses_whole(server: Running) -> None:
    text = "Subject: long\n\n" + "".join(f"line {number}\n" for number in range(100_000))
    server.send("anna@example.com", text)
    eventually(lambda: server.inbox("anna"))
    assert server.inbox("anna")[0].read_bytes().endswith(text.partition("\n\n")[2].encode())
    assert not list((server.state / "spool/texts").iterdir()) or server.ask("status")["queue"]["messages"] == 0


def test_limits_count_the_clients_of_all_processes(tmp_path: Path) -> None:
    site = SITE.replace(LIMITS, "smtp: {max_per_address: 4, max_connections: 6, max_per_network: 200}")
    with running(tmp_path, site, TWO) as server, ExitStack() as stack:
        mine = [stack.enter_context(server.connect()) for _ in range(4)]
        with pytest.raises(smtplib.SMTPServerDisconnected):
            server.connect()
        assert "Maximum connection limit reached for ::ffff:127.0.0.1" in server.log()
        for number in (2, 3):
            stack.enter_context(server.connect(source=f"127.0.0.{number}"))
        waiting = socket.create_connection(("127.0.0.1", server.port()), source_address=("127.0.0.4", 0))
        waiting.settimeout(0.5)
        with pytest.raises(TimeoutError):
            waiting.recv(100)
        mine.pop().quit()
        waiting.settimeout(10)
        assert waiting.recv(100).startswith(b"220")
        waiting.close()


def test_a_process_that_ends_takes_only_its_own_clients_and_comes_back(tmp_path: Path) -> None:
    site = SITE.replace(LIMITS, "smtp: {max_per_address: 20, max_connections: 200, max_per_network: 200}")
    with running(tmp_path, site, TWO) as server, ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(20)]
        before = sessions(server)
        victim = served_by(clients[0])
        theirs = [client for client in clients if served_by(client) == victim]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: len(sessions(server)) == 2 and victim not in sessions(server))
        assert set(sessions(server)) & set(before)
        assert [client for client in clients if not is_open(client)] == theirs
        for _ in theirs:  # their places are free again
            assert is_open(stack.enter_context(server.connect()))
        with pytest.raises(smtplib.SMTPServerDisconnected):
            server.connect()
        assert f"process {victim} has ended with -9" in server.log()
    for client in clients:
        client.close()


def test_the_server_outlives_processes_that_keep_dying_and_says_so(tmp_path: Path) -> None:
    with running(tmp_path, options=("--sessions", "1")) as server:
        for _ in range(6):
            eventually(lambda: sessions(server))
            os.kill(sessions(server)[0], signal.SIGKILL)
            eventually(lambda: not sessions(server))
        eventually(lambda: server.ask("status")["unsteady"])
        said = server.ask("status")["unsteady"]
        assert re.fullmatch(
            r"sessions-1 has ended 6 times in a row and begins again after 6 s: process \d+ has ended with -9", said
        )
        assert f"courierd: {said}\n" in server.log()
        assert server.ask("queue")["messages"] == [], "the queue serves meanwhile"
        server.send("anna@example.com")
        eventually(lambda: server.inbox("anna"))
        assert server.ask("status")["unsteady"] == said, "it has not worked for a minute yet"


def test_a_long_text_that_a_process_leaves_behind_goes_with_it(server: Running) -> None:
    texts = server.state / "spool/texts"
    with server.connect() as client:
        client.ehlo()
        client.mail("x@example.net")
        client.rcpt("anna@example.com")
        assert client.docmd("DATA")[0] == 354
        client.send("Subject: long\r\n\r\n" + "hello\r\n" * 100_000)
        eventually(lambda: list(texts.iterdir()))
        os.kill(served_by(client), signal.SIGKILL)
        eventually(lambda: not list(texts.iterdir()))
        client.close()
    assert server.ask("queue")["messages"] == []


def test_an_edit_reaches_all_processes_and_sessions_keep_what_they_began_with(server: Running) -> None:
    with ExitStack() as stack:
        before = [stack.enter_context(server.connect()) for _ in range(8)]
        server.site.write_text(SITE.replace("sales:", "offers:") + "queue: {first_delay: 1h}\n")
        eventually(
            lambda: server.ask("reload") and "offers" in (server.state / "tree/etc/courier/aliases/site").read_text()
        )
        after = [stack.enter_context(server.connect()) for _ in range(8)]
        for client in before + after:
            client.ehlo()
            client.mail("x@example.net")
        assert {client.rcpt("sales@example.com")[0] for client in before} == {250}
        assert {client.rcpt("offers@example.com")[0] for client in before} == {550}
        assert {client.rcpt("offers@example.com")[0] for client in after} == {250}
        assert {client.rcpt("sales@example.com")[0] for client in after} == {550}
        for client in (*before, *after):
            assert client.data("Subject: x\n\nx\n")[0] == 250
    eventually(lambda: len(server.inbox("boris")) == len(before))
    waiting = server.ask("queue")["messages"]
    assert [round(one["due"] - one["arrived"]) for one in waiting] == [3600] * len(after)


def test_a_listener_comes_and_goes_in_all_processes(server: Running) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = probe.getsockname()
    server.site.write_text(SITE.replace("listeners:\n", f"listeners:\n  smtps: {{on: ['127.0.0.1:{place[1]}']}}\n"))
    eventually(lambda: "esmtpd-ssl" in server.ask("status")["listeners"])
    for _ in range(8):
        socket.create_connection(place).close()
    settings = server.state / "tree/etc/courier/esmtpd-ssl"
    settings.write_text(settings.read_text() + "ESMTPDSSLSTART=NO\n")
    eventually(lambda: "esmtpd-ssl" not in server.ask("status")["listeners"])

    def is_closed() -> bool:
        try:
            socket.create_connection(place).close()
        except ConnectionRefusedError:
            return True
        return False

    eventually(is_closed)


def test_a_process_waits_for_the_generation_in_force_while_a_broken_one_lies_there(tmp_path: Path) -> None:
    with running(tmp_path, options=TWO) as server:
        settings = server.state / "tree/etc/courier/esmtpd"
        eventually(lambda: "up to date" in server.log())  # until then the compiler may put right what hands do
        good = settings.read_bytes()
        settings.write_bytes(b"PORT=$HOME\n")
        eventually(lambda: "begins an expansion" in server.ask("status")["trouble"])
        victim, other = sessions(server)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: "waits for the generation in force" in server.log())
        assert sessions(server) == [other]
        server.send("anna@example.com")
        settings.write_bytes(good)
        eventually(lambda: len(sessions(server)) == 2)


def test_no_process_outlives_the_server(server: Running) -> None:
    processes = sessions(server)
    server.stop(signal.SIGKILL)
    eventually(lambda: not any(Path(f"/proc/{one}").exists() for one in processes), within=5)
    server.start()


def test_what_fails_is_remembered_by_all_who_take_mail_in(tmp_path: Path) -> None:
    site = SITE + "  courierd: {DEFAULTDELIVERY: '| exit 75'}\n"
    with running(tmp_path, site, TWO) as server:

        def answers() -> set[int]:
            with ExitStack() as stack:
                clients = [stack.enter_context(server.connect(source="127.0.0.2")) for _ in range(8)]
                for client in clients:
                    client.ehlo()
                    client.mail("x@example.net")
                return {client.rcpt("anna@example.com")[0] for client in clients}

        assert answers() == {250}
        with server.connect(source="127.0.0.2") as client:
            client.sendmail("x@example.net", "anna@example.com", "Subject: x\n\nx\n")
        eventually(lambda: answers() == {456})
        for process in sessions(server):
            os.kill(process, signal.SIGKILL)
        eventually(lambda: len(sessions(server)) == 2)
        assert answers() == {456}, "those that come later learn of what was before"


def test_with_none_the_server_serves_them_itself(tmp_path: Path) -> None:
    with running(tmp_path, options=("--sessions", "0")) as server:
        assert sessions(server) == []
        with server.connect() as client:
            assert served_by(client) == server.pid
        server.send("anna@example.com")
        eventually(lambda: server.inbox("anna"))


@pytest.mark.parametrize("word", ["-1", "many", "1.5"])
def test_what_is_no_number_of_processes_is_refused(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "site.yaml", f"--sessions={word}"])
    assert ended.value.code == 2
    assert f"'{word}' is no number of processes" in capsys.readouterr().err
