"""One command and one file give a mail server: mail goes in and arrives, edits take effect, nothing is lost."""

from __future__ import annotations

import email
import re
import signal
import smtplib
import ssl
import subprocess
import sys
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


def test_mail_to_an_account_arrives(server: Running) -> None:
    before = len(server.inbox("anna"))
    server.send("anna@example.com", "Subject: first\n\nhello\n")
    eventually(lambda: len(server.inbox("anna")) == before + 1)
    message = email.message_from_bytes(server.inbox("anna")[-1].read_bytes())
    assert message["Delivered-To"] == "anna@example.com"
    assert message["Return-Path"] == "<x@example.net>"
    assert re.search(
        r"by mx\.example\.com with ESMTP\s+id [0-9A-F]{16}\.[0-9A-F]{16}\.[0-9A-F]{8};", message["Received"]
    )


def test_mail_to_an_alias_reaches_all_of_it(server: Running) -> None:
    before = len(server.inbox("anna")), len(server.inbox("boris"))
    server.send("sales@example.com")
    eventually(lambda: (len(server.inbox("anna")), len(server.inbox("boris"))) == (before[0] + 1, before[1] + 1))


def test_strangers_may_not_relay_and_nobody_is_nobody(server: Running) -> None:
    with server.connect(source="127.0.0.2") as client:
        client.ehlo()
        assert client.mail("x@example.net")[0] == 250
        assert client.rcpt("joe@example.org") == (513, b"Relaying denied.")
        assert client.rcpt("nobody@example.com") == (550, b"User <nobody> unknown")


def test_submission_wants_a_login_and_offers_tls(server: Running) -> None:
    with server.connect("esmtpd-msa") as client:
        client.ehlo()
        assert client.mail("anna@example.com")[0] == 535
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        assert client.starttls(context=context)[0] == 220
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("anna", "wrong")
    with server.connect("esmtpd-msa") as client:
        before = len(server.inbox("boris"))
        client.login("anna", "secret-of-anna")
        client.sendmail("anna@example.com", ["boris@example.com"], "Subject: from anna\n\nhi\n")
    eventually(lambda: len(server.inbox("boris")) == before + 1)
    assert b"AUTH: PLAIN anna" in server.inbox("boris")[-1].read_bytes()


def test_status_and_log_name_the_generation_in_force(server: Running) -> None:
    status = server.ask("status")
    assert status["trouble"] == ""
    assert f"generation {status['generation']} is in force" in server.log()
    said = subprocess.run(
        [sys.executable, "-m", "courier_runtime.cli", "status"],
        env=server.environment(), check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert f"generation {status['generation']}, in force since" in said.stdout


def test_couriers_commands_work_against_the_server(server: Running, tmp_path: Path) -> None:
    install(tmp_path)
    environment = {**server.environment(), "PATH": "", "HOME": "", "USER": ""}

    def run(*words: str, message: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(tmp_path / words[0]), *words[1:]],
            env=environment, input=message, capture_output=True, text=True, check=False,
        )  # fmt: skip

    before = len(server.inbox("boris"))
    assert run("sendmail", message="To: boris@example.com\nBcc: boris@example.com\n\nhello\n").returncode == 0
    eventually(lambda: len(server.inbox("boris")) == before + 1)
    text = server.inbox("boris")[-1].read_text()
    assert "Bcc:" not in text
    assert "From: " in text
    assert "Message-ID: <courier." in text
    empty = run("sendmail", message="Subject: nobody\n\nhello\n")
    assert (empty.returncode, "511 Headers specify no receipients." in empty.stdout) == (67, True)
    assert run("sendmail", "-S", "FOO", "x@example.com").returncode == 77
    assert run("aliaslookup", "sales@example.com").stdout == "anna@example.com\nboris@example.com\n"
    assert run("mailq").stdout.endswith("   0 messages.\n")
    assert run("cancelmsg", "0" * 16 + "." + "0" * 16 + "." + "0" * 8).stderr == "Message not found.\n"


def test_an_edit_takes_effect_without_dropping_a_connection(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        first = server.ask("status")["generation"]
        with server.connect() as old:
            old.ehlo()
            server.site.write_text(SITE.replace("sales: [anna, boris]", "sales: [anna, boris]\n  news: boris"))
            eventually(lambda: server.ask("status")["generation"] != first)
            assert old.mail("x@example.net")[0] == 250
            assert old.rcpt("news@example.com")[0] == 550, "a session ends under the generation it began with"
        server.send("news@example.com")
        eventually(lambda: len(server.inbox("boris")) == 1)


def test_a_broken_edit_leaves_the_old_generation_in_force_and_says_why(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        first = server.ask("status")["generation"]
        server.site.write_text(SITE.replace("accounts:", "acounts:"))
        eventually(lambda: "acounts" in server.ask("status")["trouble"])
        assert server.ask("status")["generation"] == first
        assert "acounts" in server.log()
        server.send("anna@example.com")
        server.site.write_text(SITE.replace("sales:", "sale:"))
        eventually(lambda: server.ask("status")["generation"] != first)
        assert server.ask("status")["trouble"] == ""


def test_a_tree_that_is_edited_by_hand_is_reloaded_too_and_a_broken_one_is_not(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        conf = server.state / "tree/etc/courier"
        eventually(lambda: "up to date" in server.log())  # until then the compiler may put right what hands do
        first = server.ask("status")["generation"]
        (conf / "sizelimit").write_text("1000\n")
        eventually(lambda: server.ask("status")["generation"] != first)
        with server.connect() as client, pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.sendmail("x@example.net", "anna@example.com", "Subject: x\n\n" + "x" * 2000)
        assert refused.value.smtp_code == 534
        (conf / "esmtpd").write_text("PORT=$HOME\n")
        eventually(lambda: "begins an expansion" in server.ask("status")["trouble"])
        server.send("anna@example.com", "Subject: x\n\nsmall\n")


def test_what_was_accepted_survives_kill_minus_nine(tmp_path: Path) -> None:
    site = SITE + "  courierd: {DEFAULTDELIVERY: '| sleep 1; cat >> $HOME/got; echo >> $HOME/got'}\n"
    server = Running(tmp_path, site)
    server.start()
    (server.state / "root/home/anna").mkdir(parents=True)
    server.send("anna@example.com", "Subject: x\n\nsurvivor\n")
    server.stop(signal.SIGKILL)
    server.start()
    got = server.state / "root/home/anna/got"
    eventually(lambda: got.exists() and got.read_text().count("survivor") >= 1)
    assert server.ask("status")["generation"]
    server.stop()


def test_a_graceful_stop_ends_with_nothing_in_hand(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.send("anna@example.com")
        assert server.stop() == 0
        assert len(server.inbox("anna")) == 1


def test_metrics_and_health_have_a_page(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, options=("--metrics", f"127.0.0.1:{port}")) as server:
        server.send("anna@example.com")
        eventually(lambda: server.inbox("anna"))

        def metrics() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
                text: str = page.read().decode()
            return text

        eventually(lambda: 'courier_deliveries_total{module="local",outcome="delivered"} 1.0' in metrics())
        assert "process_open_fds " in metrics()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as page:
            assert page.read() == b"well\n"


def test_a_site_with_a_mistake_does_not_start_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(SITE.replace("accounts:", "acounts:"))
    command = [sys.executable, "-m", "courier_runtime.cli", str(tmp_path / "site.yaml"), "--embedded"]
    done = subprocess.run([*command, "--state", str(tmp_path / "state")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "site.yaml:8:1" in done.stderr
    assert "cannot be served as it is" in done.stderr


def test_a_second_server_on_the_same_state_is_refused(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        command = [sys.executable, "-m", "courier_runtime.cli", str(server.site), "--embedded", "--state"]
        ports = ["--port", "esmtpd=127.0.0.1:0", "--port", "esmtpd-msa=127.0.0.1:0"]
        done = subprocess.run(
            [*command, str(server.state), *ports], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 1
        assert "courier-run: " in done.stderr
