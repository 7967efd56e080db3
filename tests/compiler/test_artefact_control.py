"""Control files, the file bofh and the module files as they are built."""

from __future__ import annotations

import pytest

from compiler.checking import places
from compiler.resolving import built, files
from courier_compiler.artefact import Artefact, Daemon


def artefacts(text: str) -> dict[str, Artefact]:
    """Artefacts by name in the configuration directory."""
    return {artefact.path.removeprefix("etc/courier/"): artefact for artefact in built(text).artefacts}


def test_a_control_file_is_one_line_and_only_there_if_it_was_said() -> None:
    made = files("queue: {lifetime: 5d}")
    assert made["queuetime"] == "5d\n"
    assert made["me"] == "mx.example.org\n"
    assert "warntime" not in made
    assert "maildrop" not in made


def test_a_file_whose_existence_is_the_message_is_empty_or_missing() -> None:
    assert files("host: {name: a.example.org}")["locallowercase"] == ""
    assert "locallowercase" not in files("host: {name: a.example.org, fold_case: false}")
    assert "uucprewriteheaders" not in files("uucp: {rewrite_headers: false}")


def test_a_control_file_may_be_said_under_its_own_name_and_taken_away() -> None:
    assert files("settings: {control: {sizelimit: 5000}}")["sizelimit"] == "5000\n"
    assert "me" not in files("settings: {control: {me: null}}")


def test_a_greeting_may_have_several_lines() -> None:
    text = 'host: {name: a.example.org, greeting: "a.example.org ESMTP\\nBe nice"}'
    assert files(text)["esmtpgreeting"] == "a.example.org ESMTP\nBe nice\n"


def test_the_line_break_at_the_end_of_a_greeting_makes_no_empty_line() -> None:
    text = "host:\n  name: a.example.org\n  greeting: |\n    a.example.org ESMTP\n    Be nice\n"
    assert files(text)["esmtpgreeting"] == "a.example.org ESMTP\nBe nice\n"


@pytest.mark.parametrize(
    ("text", "name", "touches"),
    [
        ("queue: {retry_pause: 1m}", "retryalpha", {Daemon.COURIERD}),
        ("queue: {lifetime: 1d}", "queuetime", set()),
        ("filters: {ratefilter: {interval: 90}}", "filters/ratefilter-interval", {Daemon.COURIERFILTER}),
        ("webmail: {calendar: local}", "calendarmode", {Daemon.WEBMAILD}),
        ("queue: {}", "me", {Daemon.COURIERD, Daemon.ESMTPD, Daemon.ESMTPD_MSA, Daemon.ESMTPD_SSL}),
    ],
)
def test_daemons_that_remember_a_control_file_are_touched_by_it(text: str, name: str, touches: set[Daemon]) -> None:
    assert set(artefacts(text)[name].touches) == touches


def test_the_password_of_web_administration_is_secret_and_closed() -> None:
    file = artefacts("webadmin: {password: hush}")["webadmin/password"]
    assert (file.content, file.secret, file.mode, file.owner) == (b"hush\n", True, 0o600, "courier")


def test_every_control_file_has_the_place_in_the_site_as_its_reason() -> None:
    assert artefacts("queue: {lifetime: 5d}")["queuetime"].origins[""].path == ("queue", "lifetime")


POLICY = """
policy:
  deny_senders: [spam@example.net, '@bad.example', '@.worse.example']
  deny_mx: [192.0.2.9]
  freemail: {mail.example: [mailers.example], other.example: []}
  spam_traps: [trap@example.org]
  max_recipients: {count: 50, hard: true}
  check_helo: soft
backscatter: {refuse_failing: []}
"""


def test_the_policy_is_directives_and_then_options() -> None:
    assert files(POLICY)["bofh"].splitlines() == [
        "badfrom spam@example.net",
        "badfrom @bad.example",
        "badfrom @.worse.example",
        "badmx 192.0.2.9",
        "freemail mail.example mailers.example",
        "freemail other.example",
        "spamtrap trap@example.org",
        "maxrcpts 50 hard",
        "opt BOFHCHECKHELO=2",
        "opt BOFHSUPPRESSBACKSCATTER=none",
    ]


def test_every_line_of_the_policy_has_a_reason() -> None:
    origins = artefacts(POLICY)["bofh"].origins
    assert origins["badfrom @bad.example"].path == ("policy", "deny_senders", 1)
    assert origins["badmx 192.0.2.9"].path == ("policy", "deny_mx", 0)
    assert origins["freemail other.example"].path == ("policy", "freemail", "other.example")
    assert origins["spamtrap trap@example.org"].path == ("policy", "spam_traps", 0)
    assert origins["maxrcpts"].path == ("policy", "max_recipients")
    assert origins["BOFHCHECKHELO"].path == ("policy", "check_helo")
    assert len(origins) == len(files(POLICY)["bofh"].splitlines())


def test_a_soft_limit_of_recipients() -> None:
    assert files("policy: {max_recipients: 20}")["bofh"] == "maxrcpts 20\n"


def test_a_host_that_refuses_nothing_has_no_file_for_it() -> None:
    assert "bofh" not in files("policy: {}")


def test_a_pattern_that_the_release_does_not_understand_is_a_warning() -> None:
    text = "policy: {deny_senders: [a@.example.net]}"
    assert places(text, "sender-pattern-not-in-target") == ["policy.deny_senders.0"]
    assert places(f"profile: upstream-2.0\n{text}", "sender-pattern-not-in-target") == []


@pytest.mark.parametrize(
    ("module", "content"),
    [
        ("dsn", "NAME=dsn\nPRIORITY=99\nPROG=./courierdsn\nMAXDELS=4\n"),
        ("esmtp", "NAME=esmtp\nPRIORITY=50\nPROG=./courieresmtp\nMAXDELS=80\nMAXHOST=4\nMAXRCPT=100\n"),
        ("fax", "NAME=fax\nPRIORITY=45\nPROG=./courierfax\nMAXDELS=1\nMAXHOST=1\nMAXRCPT=1\n"),
        ("local", "NAME=local\nPRIORITY=10\nPROG=./courierlocal\nMAXDELS=10\nMAXHOST=4\n"),
        ("uucp", "NAME=uucp\nPRIORITY=5\nPROG=./courieruucp\nMAXDELS=4\nMAXHOST=4\nMAXRCPT=16\n"),
    ],
)
def test_every_delivery_module_has_its_file(module: str, content: str) -> None:
    file = artefacts("queue: {modules: {esmtp: {deliveries: 80}}}")[f"module.{module}"]
    assert file.content.decode() == content
    assert file.touches == {Daemon.COURIERD}
    assert set(file.origins) == {line.partition("=")[0] for line in content.splitlines()}
