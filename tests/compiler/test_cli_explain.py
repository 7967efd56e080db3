"""explain: the reason of a setting, a record, a file, or a problem."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from courier_compiler.cli import main

Capture = pytest.CaptureFixture[str]

SITE = """\
site: example.org
host: {name: mx.example.org, postmaster: anna@example.net}
domains:
  hosted.example:
    kind: hosted
    aliases: {info: anna@example.net}
settings:
  esmtpd: {MAXPERIP: 8}
"""


def explain(place: Path, *words: str, site: str = SITE) -> int:
    (place / "site.yaml").write_text(site)
    return main(["explain", *words, "--site", str(place)])


def test_a_setting_that_was_said_names_its_line(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "esmtpd", "MAXPERIP") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("esmtpd MAXPERIP = 8\n")
    assert f"said in settings.esmtpd.MAXPERIP ({tmp_path}/site.yaml:8:" in printed


def test_a_record_names_the_alias_it_follows_from(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "aliases.dat", "info@hosted.example") == 0
    assert "follows from domains.hosted.example.aliases.info" in capsys.readouterr().out


def test_a_settings_file_without_a_name_tells_all_that_differs_from_the_defaults(
    tmp_path: Path, capsys: Capture
) -> None:
    assert explain(tmp_path, "esmtpd") == 0
    printed = capsys.readouterr().out
    assert "esmtpd MAXPERIP = 8\n  said in settings.esmtpd.MAXPERIP" in printed
    assert "Courier's default" not in printed


def test_a_setting_that_nobody_said_names_the_default_once(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "esmtpd", "MAXDAEMONS") == 0
    assert capsys.readouterr().out.count("Courier's default") == 1


def test_a_database_without_a_key_tells_how_many_entries_it_has(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "aliases.dat") == 0
    subject, hint = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"etc/courier/aliases\.dat: \d+ entries", subject)
    assert "courier-compile explain aliases.dat " in hint


@pytest.mark.parametrize("subject", ["/etc/courier/esmtpd", "build/etc/courier/esmtpd", "./build/etc/courier/esmtpd"])
def test_a_file_may_be_named_by_its_path_on_the_host_or_in_a_build(
    tmp_path: Path, capsys: Capture, subject: str
) -> None:
    assert explain(tmp_path, subject, "MAXPERIP") == 0
    assert capsys.readouterr().out.startswith("esmtpd MAXPERIP = 8\n")


@pytest.mark.parametrize(
    ("file", "query", "key"),
    [
        ("smtpaccess.dat", "192.168.1.5", "192.168"),
        ("aliases.dat", "INFO@Hosted.Example", "info@hosted.example"),
        ("locals", "a.lab.example", ".lab.example"),
        ("locals", "Old.lab.example", "!old.lab.example"),
        ("esmtproutes", "Bank.example", "bank.example:/SECURITY=REQUIRED"),
        ("esmtproutes", "mx.partner.example", ".partner.example:relay.partner.example,2525"),
        ("esmtproutes", ".partner.example", ".partner.example:relay.partner.example,2525"),
    ],
)
def test_a_query_is_explained_by_the_record_that_it_is_found_by(
    tmp_path: Path, capsys: Capture, file: str, query: str, key: str
) -> None:
    site = SITE.replace("domains:\n", "domains:\n  .lab.example: {excluding: [old.lab.example]}\n")
    site += "access: {192.168.0.0/16: relay}\n"
    site += "routes: {bank.example: {security: required}, .partner.example: {via: relay.partner.example, port: 2525}}\n"
    assert explain(tmp_path, file, query, site=site) == 0
    assert capsys.readouterr().out.startswith(f"etc/courier/{file} {key}\n  that is what {query} is found by\n")


@pytest.mark.parametrize(
    ("directory", "query", "subject"),
    [
        ("aliases", "INFO@Hosted.Example", "aliases.dat info@hosted.example"),
        ("smtpaccess", "192.168.1.5", "smtpaccess.dat 192.168"),
        ("esmtpacceptmailfor.dir", "hosted.example", "esmtpacceptmailfor.dat hosted.example"),
    ],
)
def test_a_directory_of_sources_stands_for_the_database_that_is_made_of_it(
    tmp_path: Path, capsys: Capture, directory: str, query: str, subject: str
) -> None:
    assert explain(tmp_path, directory, query, site=SITE + "access: {192.168.0.0/16: relay}\n") == 0
    assert capsys.readouterr().out.startswith(f"etc/courier/{subject}\n")


def test_another_directory_lists_its_files(tmp_path: Path, capsys: Capture) -> None:
    aliasdir = "delivery: {dotfiles: {noreply: '# nothing'}}\n"
    assert explain(tmp_path, "aliasdir", site=SITE + aliasdir) == 1
    assert "aliasdir is a directory; name one of its files: aliasdir/.courier-noreply" in capsys.readouterr().err


REFUSALS = """\
policy:
  deny_senders: ['@junk.example', spam@example.net]
  freemail: {freemail.example: [mail.freemail.example]}
  max_recipients: 50
  check_helo: strict
"""


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("badfrom spam@example.net", ["badfrom spam@example.net"]),
        ("spam@example.net", ["badfrom spam@example.net"]),
        ("badfrom", ["badfrom @junk.example", "badfrom spam@example.net"]),
        ("freemail freemail.example mail.freemail.example", ["freemail freemail.example"]),
        ("maxrcpts", ["maxrcpts"]),
        ("maxrcpts 50", ["maxrcpts"]),
        ("BOFHCHECKHELO", ["BOFHCHECKHELO = 1"]),
    ],
)
def test_the_lines_of_bofh_are_found_by_their_words(
    tmp_path: Path, capsys: Capture, query: str, subjects: list[str]
) -> None:
    assert explain(tmp_path, "bofh", query, site=SITE + REFUSALS) == 0
    printed = capsys.readouterr().out
    assert re.findall(r"^bofh (.*)$", printed, re.MULTILINE) == subjects
    assert printed.count("  follows from policy.") == len(subjects)


def test_the_whole_of_bofh_is_its_lines_and_its_options(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "bofh", site=SITE + REFUSALS.replace("  check_helo: strict\n", "")) == 0
    assert re.findall(r"^bofh (.*)$", capsys.readouterr().out, re.MULTILINE) == [
        "badfrom @junk.example", "badfrom spam@example.net", "freemail freemail.example", "maxrcpts"
    ]  # fmt: skip
    assert explain(tmp_path, "bofh") == 0
    assert capsys.readouterr().out == "bofh: all as Courier's own defaults have it\n"


def test_a_variable_names_its_line(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "esmtpd", "OURS", site=SITE + "environment: {esmtpd: {OURS: x}}\n") == 0
    assert capsys.readouterr().out.startswith("esmtpd OURS = x\n  said in environment.esmtpd.OURS (")


def test_a_setting_of_the_past_is_told_as_such(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "bofh", "BOFHBADMIME") == 1
    assert "bofh has no setting BOFHBADMIME: no program reads it since courier 0.69.1" in capsys.readouterr().err


def test_several_hosts_are_told_apart(tmp_path: Path, capsys: Capture) -> None:
    hosts = "hosts:\n  first: {}\n  second: {host: {name: mx2.example.org}}\n"
    assert explain(tmp_path, "me", site=SITE + hosts) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.endswith(":")] == ["first:", "second:"]


def test_a_misspelt_setting_is_guessed_at(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "esmtpd", "MAXPERI") == 1
    assert "did you mean MAXPERIP?" in capsys.readouterr().err


def test_a_file_that_is_not_made_is_told(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "nosuchfile", "x") == 1
    assert capsys.readouterr().err == "courier-compile: this host has no file nosuchfile\n"


@pytest.mark.parametrize(
    ("words", "meant"),
    [(("opne-relay",), "open-relay"), (("esmtpdd", "MAXPERIP"), "esmtpd"), (("alias.dat", "x"), "aliases.dat")],
)
def test_a_misspelt_file_or_problem_is_guessed_at(
    tmp_path: Path, capsys: Capture, words: tuple[str, ...], meant: str
) -> None:
    assert explain(tmp_path, *words) == 1
    assert f"this host has no file {words[0]}; did you mean {meant}?" in capsys.readouterr().err


def test_a_misspelt_problem_is_guessed_at_without_a_site(tmp_path: Path, capsys: Capture) -> None:
    assert main(["explain", "opne-relay", "--site", str(tmp_path / "none")]) == 1
    assert "or did you mean the problem open-relay?" in capsys.readouterr().err


def test_a_problem_is_explained_without_a_site(tmp_path: Path, capsys: Capture) -> None:
    assert main(["explain", "unknown-key", "--site", str(tmp_path / "none")]) == 0
    title, _, why = capsys.readouterr().out.partition("\n\n")
    assert title.startswith("unknown-key: ")
    assert len(why.split()) > 5


def test_a_site_with_errors_is_not_explained(tmp_path: Path, capsys: Capture) -> None:
    assert explain(tmp_path, "esmtpd", "MAXPERIP", site=SITE + "nonsense: 1\n") == 1
    assert f"run courier-compile check {tmp_path}" in capsys.readouterr().err
