"""trace and test: what they print, and with which status they end."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from courier_compiler.cli import main

Capture = pytest.CaptureFixture[str]

SITE = """\
site: example.org
host: {name: mx.example.org, postmaster: anna}
account_defaults: {uid: 5000, gid: 5000}
listeners: {smtp: {}}
accounts: {anna: {}}
aliases: {info: anna}
"""
TESTS = """\
tests:
  mail:
    info@example.org: anna
    sales@example.org: {refused: 550}
"""
WRONG = """\
    nobody here: {to: anna@example.org, refused: 550}
"""
HOSTS = """\
hosts:
  one: {host: {name: one.example.org}}
  two: {host: {name: two.example.org}, aliases: {sales: anna}}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "site.yaml"


class TestTrace:
    def test_each_step_names_its_line(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE)
        assert main(["trace", "site.yaml", "friend@example.net", "info@example.org"]) == 0
        printed = capsys.readouterr().out
        assert (
            "alias:\n  aliases.dat: info@example.org leads to anna@example.org\n      site.yaml:6:11: aliases.info\n"
            in printed
        )
        assert "accepted at RCPT: 250 Ok.\n  account anna\n" in printed

    def test_a_refusal_is_status_1(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE)
        assert main(["trace", "site.yaml", "--from-address", "192.0.2.1", "<>", "x@example.net"]) == 1
        assert "refused at RCPT: 513 Relaying denied.\n" in capsys.readouterr().out

    def test_json_says_the_same(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE)
        assert main(["trace", "site.yaml", "friend@example.net", "info@example.org", "--format", "json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["accepted"] is True
        assert found["reply"] == {"command": "RCPT", "code": 250, "text": "Ok."}
        assert found["deliveries"][0]["target"] == "anna"
        alias = next(step for step in found["steps"] if step["stage"] == "alias")
        assert alias["why"] == {
            "says": "aliases.info", "path": ["aliases", "info"], "file": "site.yaml", "line": 6, "column": 11,
        }  # fmt: skip

    def test_several_hosts_are_traced_one_after_the_other(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE + HOSTS)
        assert main(["trace", "site.yaml", "friend@example.net", "sales@example.org"]) == 1
        one, two = capsys.readouterr().out.split("two:\n")
        assert one.startswith("one:\n")
        assert "User <sales> unknown" in one
        assert "account anna" in two
        assert main(["trace", "site.yaml", "friend@example.net", "sales@example.org", "--host", "two"]) == 0
        capsys.readouterr()
        main(["trace", "site.yaml", "friend@example.net", "sales@example.org", "--format", "json"])
        assert [way["accepted"] for way in json.loads(capsys.readouterr().out)] == [False, True]

    def test_a_site_with_errors_is_not_traced(self, site: Path, capsys: Capture) -> None:
        site.write_text("site: example.org\n")
        assert main(["trace", "site.yaml", "friend@example.net", "info@example.org"]) == 1
        assert "site.yaml has errors: run courier-compile check" in capsys.readouterr().err

    def test_an_address_that_is_none_is_wrong_usage(self, site: Path, capsys: Capture) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["trace", "site.yaml", "--from-address", "nowhere", "friend@example.net", "info@example.org"])
        assert ended.value.code == 2
        assert "'nowhere' is not an IP address" in capsys.readouterr().err


class TestTests:
    def test_what_passes_is_counted(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE + TESTS)
        assert main(["test", "site.yaml"]) == 0
        assert capsys.readouterr().out == "2 tests, none failed\n"

    def test_what_fails_is_a_problem_at_its_line(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE + TESTS + WRONG)
        assert main(["test", "site.yaml"]) == 1
        printed = capsys.readouterr().out
        assert printed.startswith(
            "site.yaml:11:5: error: mail nobody here: expected refusal with 550, but it reaches anna; "
            "decided by accounts.anna (site.yaml:5:12) [test-failed]\n"
        )
        assert printed.endswith("3 tests, 1 failed\n")

    def test_a_site_without_tests_says_so(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE)
        assert main(["test", "site.yaml"]) == 0
        assert capsys.readouterr().out == "the site has no tests\n"

    def test_forges_get_annotations(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE + TESTS + WRONG)
        assert main(["test", "site.yaml", "--format", "github"]) == 1
        assert capsys.readouterr().out.startswith("::error file=site.yaml,line=11,col=5,title=test-failed::mail nobody")

    def test_json_has_every_test(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE + TESTS + WRONG)
        assert main(["test", "site.yaml", "--format", "json"]) == 1
        found = json.loads(capsys.readouterr().out)
        assert found["counts"] == {"passed": 2, "failed": 1}
        failed = found["tests"][2]
        assert (failed["host"], failed["group"], failed["name"]) == ("mx.example.org", "mail", "nobody here")
        assert failed["mismatches"][0]["decided_by"] == ["site.yaml:5:12: accounts.anna"]

    def test_junit_has_a_suite_for_each_host(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE + TESTS + HOSTS)
        assert main(["test", "site.yaml", "--format", "junit"]) == 1
        suites = Xml.fromstring(capsys.readouterr().out).findall("testsuite")
        assert [suite.attrib for suite in suites] == [
            {"name": "one", "tests": "2", "failures": "0"},
            {"name": "two", "tests": "2", "failures": "1"},
        ]
        (failure,) = suites[1].iter("failure")
        assert "it reaches anna" in failure.attrib["message"]

    def test_one_host_can_be_chosen(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE + TESTS + HOSTS)
        assert main(["test", "site.yaml", "--host", "one"]) == 0
        assert main(["test", "site.yaml"]) == 1
        assert capsys.readouterr().out.endswith("4 tests, 1 failed\n")

    def test_checking_and_building_do_not_run_them(self, site: Path, capsys: Capture) -> None:
        site.write_text(SITE + TESTS + WRONG)
        assert main(["check", "site.yaml"]) == 0
        assert main(["build", "site.yaml", "-o", "build"]) == 0
        assert "test-failed" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["small-office", "everything", "isp"])
def test_the_examples_do_what_they_promise(name: str, capsys: Capture) -> None:
    assert main(["test", str(Path(__file__).parents[2] / "site-examples" / name)]) == 0
    assert "none failed" in capsys.readouterr().out
