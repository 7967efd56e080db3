"""The real Courier 1.0.16 runs from a compiled tree: mail goes in every way the site describes, and comes out again."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from functools import partial

import pytest

from real.courier_host import ETC, EXAMPLES, Example, eventually, message, send
from real.name_server import NameServer

CLEAR = {
    "boris": (EXAMPLES / "small-office/secrets/boris").read_text().strip(),
    "clara@shop.example": (EXAMPLES / "small-office/secrets/clara").read_text().strip(),
}
UNVERIFIED = ssl._create_unverified_context()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    scratch = tmp_path_factory.mktemp("office")
    names = NameServer(scratch)
    host = Example("small-office", scratch)
    host.start("authdaemond", "courier", "esmtpd", "esmtpd-msa", "imapd", "imapd-ssl", "pop3d-ssl")
    host.wait_for(25, 587, 143, 993, 995)
    yield host
    host.stop()
    names.close()


@pytest.mark.parametrize(
    ("recipient", "reaches"),
    [
        ("anna@example.org", ["anna"]),
        ("Anna@EXAMPLE.ORG", ["anna"]),
        ("anna@example.com", ["anna"]),
        ("anna@mx.example.org", ["anna"]),
        ("postmaster@example.org", ["anna"]),
        ("abuse@example.org", ["anna"]),
        ("sales@example.org", ["anna", "boris", "orders@shop.example"]),
        ("sales@example.com", ["anna", "boris", "orders@shop.example"]),
        ("clara@shop.example", ["clara@shop.example"]),
        ("Clara@Shop.Example", ["clara@shop.example"]),
        ("clara@www.shop.example", ["clara@shop.example"]),
        ("team@shop.example", ["orders@shop.example", "clara@shop.example", "anna"]),
        ("team@www.shop.example", ["orders@shop.example", "clara@shop.example", "anna"]),
        ("nobody-we-know@shop.example", ["orders@shop.example"]),
        ("postmaster@shop.example", ["anna"]),
    ],
)
def test_mail_reaches_everybody_the_site_names(office: Example, recipient: str, reaches: list[str]) -> None:
    subject = f"to {recipient}"
    send(recipient, subject)
    for login in reaches:
        assert eventually(partial(office.arrived, login, subject)), (login, office.log.lines[-20:])


def test_an_unknown_local_name_is_refused_at_once(office: Example) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send("nobody@example.org", "lost")
    assert refused.value.recipients["nobody@example.org"][0] == 550


def test_relaying_is_refused_to_strangers_and_granted_to_the_local_host(office: Example) -> None:
    _add_stranger_address()
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send("somebody@elsewhere.example", "relay", source="198.51.100.7")
    assert refused.value.recipients["somebody@elsewhere.example"] == (513, b"Relaying denied.")
    with smtplib.SMTP("127.0.0.1", 25) as client:
        client.ehlo()
        client.mail("friend@example.net")
        assert client.rcpt("somebody@elsewhere.example")[0] == 250


def test_mail_for_us_is_accepted_from_strangers(office: Example) -> None:
    _add_stranger_address()
    send("anna@example.org", "from a stranger", source="198.51.100.7")
    assert eventually(lambda: office.arrived("anna", "from a stranger"))


def _add_stranger_address() -> None:
    """An address of this corner's network that the site's access table does not know."""
    subprocess.run(["ip", "address", "replace", "198.51.100.7/32", "dev", "lo"], check=True)


def test_submission_wants_tls_then_a_login_and_then_relays(office: Example) -> None:
    with smtplib.SMTP("127.0.0.1", 587) as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features
        client.starttls(context=UNVERIFIED)
        client.ehlo()
        assert set(client.esmtp_features["auth"].split()) == {"PLAIN", "LOGIN"}
        assert client.mail("anna@example.org")[0] in (530, 535), "not without a login"
        client.login("boris", CLEAR["boris"])
        client.mail("anna@example.org")
        assert client.rcpt("somebody@elsewhere.example")[0] == 250
        client.rset()
        client.send_message(message("submitted"), "anna@example.org", ["clara@shop.example"])
    assert eventually(lambda: office.arrived("clara@shop.example", "submitted"))


def test_a_wrong_password_is_refused(office: Example) -> None:
    with smtplib.SMTP("127.0.0.1", 587) as client:
        client.starttls(context=UNVERIFIED)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("boris", "wrong")


def test_mail_comes_out_again_by_imap(office: Example) -> None:
    send("boris@example.org", "read by IMAP")
    assert eventually(lambda: office.arrived("boris", "read by IMAP"))
    with imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=UNVERIFIED) as client:
        client.login("boris", CLEAR["boris"])
        client.select("INBOX")
        _, found = client.search(None, "SUBJECT", '"read by IMAP"')
        assert len(found[0].split()) == 1


def test_imap_refuses_logins_until_tls_is_on(office: Example) -> None:
    client = imaplib.IMAP4("127.0.0.1", 143)
    with pytest.raises(imaplib.IMAP4.error):
        client.login("boris", CLEAR["boris"])
    client.logout()
    with imaplib.IMAP4("127.0.0.1", 143) as client:
        client.starttls(ssl_context=UNVERIFIED)
        assert client.login("boris", CLEAR["boris"])[0] == "OK"


def test_mail_comes_out_again_by_pop3(office: Example) -> None:
    send("clara@shop.example", "read by POP3")
    assert eventually(lambda: office.arrived("clara@shop.example", "read by POP3"))
    client = poplib.POP3_SSL("127.0.0.1", 995, context=UNVERIFIED)
    client.user("clara@shop.example")
    client.pass_(CLEAR["clara@shop.example"])
    count = len(client.list()[1])
    texts = [b"\n".join(client.retr(number + 1)[1]) for number in range(count)]
    client.quit()
    assert any(b"Subject: read by POP3" in text for text in texts)


def test_quotas_of_accounts_reach_the_maildir(office: Example) -> None:
    send("anna@example.org", "with quota")
    assert eventually(lambda: office.arrived("anna", "with quota"))
    first = (office.inbox("anna") / "maildirsize").read_text().splitlines()[0]
    assert first == "10737418240S,200000C"


def test_the_logs_hold_no_complaint(office: Example) -> None:
    asked_for = (
        "elsewhere.example",
        "erik@example.net",
        "friend@example.net",
        "LOGIN FAILED",
        "nobody@example.org",
        "535 ",
    )
    said = [line for line in office.log.complaints() if not any(part in line for part in asked_for)]
    assert not said, "\n".join(said)


def test_the_modules_that_courier_names_are_installed(office: Example) -> None:
    installed = {line.split()[-1] for line in office.log.lines if "courierd: Installing" in line}
    assert {"local", "esmtp", "dsn", "uucp"} <= installed


def test_couriers_own_makers_reproduce_the_compiled_databases(office: Example) -> None:
    before = {path: path.read_bytes() for path in ETC.glob("*.dat")}
    for tool in (
        "makealiases",
        "makehosteddomains",
        "makeacceptmailfor",
        "makesmtpaccess",
        "makeimapaccess",
        "makeuserdb",
    ):
        done = subprocess.run([tool], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{tool}: {done.stderr}"
    script = "import dbm.gnu,sys; d=dbm.gnu.open(sys.argv[1]); print(sorted((k,d[k]) for k in d.keys()))"
    for path, content in before.items():
        made = subprocess.run(["/usr/bin/python3", "-c", script, str(path)], capture_output=True, check=True).stdout
        path.write_bytes(content)
        ours = subprocess.run(["/usr/bin/python3", "-c", script, str(path)], capture_output=True, check=True).stdout
        assert made == ours, path.name
