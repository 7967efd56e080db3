"""A site in an earlier version of the language is rewritten in place: values, version, and not one character more."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.old_installations import copied
from courier_compiler import pipeline
from courier_compiler.cli import main
from courier_compiler.migrating import rewriting, write
from courier_schema.report import CourierSiteError
from courier_schema.site.migrations import CURRENT, MIGRATIONS

Capture = pytest.CaptureFixture[str]

OLD = """\
# Our site, kept since the first days.

site:   example.org    # the domain
include: [fragments/*.yaml]
host:   {name: mx.example.org, fold_case: yes, postmaster: 'anna@example.net'}
tls:    {minimum: 1.2}   # not older
queue:
    lifetime:   300      # seconds
    "retries_per_series": '4'
"""
NEW = """\
# Our site, kept since the first days.

version: 1
site:   example.org    # the domain
include: [fragments/*.yaml]
host:   {name: mx.example.org, fold_case: true, postmaster: 'anna@example.net'}
tls:    {minimum: "1.2"}   # not older
queue:
    lifetime:   "300"      # seconds
    "retries_per_series": 4
"""
FRAGMENT = "files:\n  motd: {content: Hello, mode: 0640}   # for all\nlisteners: {smtp: {tarpit: 'off'}}\n"
NEW_FRAGMENT = 'files:\n  motd: {content: Hello, mode: "0640"}   # for all\nlisteners: {smtp: {tarpit: false}}\n'


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fragments").mkdir()
    (tmp_path / "fragments/more.yaml").write_text(FRAGMENT)
    (tmp_path / "site.yaml").write_text(OLD)
    return tmp_path


def files(place: Path) -> dict[str, str]:
    return {str(path.relative_to(place)): path.read_text() for path in place.rglob("*") if path.is_file()}


def test_values_get_their_spelling_and_the_site_its_version(place: Path) -> None:
    assert main(["migrate"]) == 0
    assert files(place) == {"site.yaml": NEW, "fragments/more.yaml": NEW_FRAGMENT}


def test_the_result_is_a_sound_site(place: Path) -> None:
    (before,) = pipeline.read(place)
    assert before.resolved is None
    main(["migrate"])
    (after,) = pipeline.read(place)
    assert after.resolved is not None
    assert after.resolved.site.version == CURRENT


def test_every_change_is_told_with_its_place(place: Path, capsys: Capture) -> None:
    main(["migrate"])
    assert capsys.readouterr().out.splitlines() == [
        "site.yaml:3:1: version: 1 is added",
        "site.yaml:5:43: yes becomes true",
        'site.yaml:6:19: 1.2 becomes "1.2"',
        'site.yaml:8:17: 300 becomes "300"',
        "site.yaml:9:27: '4' becomes 4",
        'fragments/more.yaml:2:32: 0640 becomes "0640"',
        "fragments/more.yaml:3:28: 'off' becomes false",
        "site.yaml is written in version 1 now: fragments/more.yaml, site.yaml",
    ]


def test_checking_tells_the_same_and_changes_nothing(place: Path, capsys: Capture) -> None:
    before = files(place)
    assert main(["migrate", "--check"]) == 1
    assert "site.yaml:5:43: yes becomes true\n" in capsys.readouterr().out
    assert files(place) == before


def test_a_second_run_finds_nothing_to_do(place: Path, capsys: Capture) -> None:
    main(["migrate"])
    after = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    capsys.readouterr()
    assert main(["migrate"]) == 0
    assert main(["migrate", "--check"]) == 0
    assert capsys.readouterr().out == "site.yaml is written in version 1: nothing to do\n" * 2
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == after


def test_a_site_that_is_current_is_never_touched_whatever_is_wrong_with_it(place: Path) -> None:
    (place / "site.yaml").write_text(f"version: 1\n{OLD}")
    before = files(place)
    assert main(["migrate"]) == 0
    assert files(place) == before


def test_what_no_migration_can_correct_leaves_everything_as_it_is(place: Path, capsys: Capture) -> None:
    (place / "site.yaml").write_text(f"{OLD}nonsense: 1\n")
    before = files(place)
    assert main(["migrate"]) == 1
    printed = capsys.readouterr()
    assert "site.yaml:10:1: error: the site has no key 'nonsense'" in printed.out
    assert "yes" not in printed.out, "what it could correct is not what is wrong"
    assert "is left as it is" in printed.err
    assert files(place) == before


@pytest.mark.parametrize("hosts", ["hosts: {}", "hosts: {mx1: [a]}", "hosts: {mx1: {include: [a]}}"])
def test_hosts_that_cannot_be_understood_are_told_and_left_alone(place: Path, capsys: Capture, hosts: str) -> None:
    (place / "site.yaml").write_text(f"{OLD}{hosts}\n")
    assert main(["migrate"]) == 1
    assert "site.yaml:10:" in capsys.readouterr().out
    assert (place / "site.yaml").read_text() == f"{OLD}{hosts}\n"


def test_a_syntax_error_is_reported_as_ever(place: Path, capsys: Capture) -> None:
    (place / "fragments/more.yaml").write_text("files: [\n")
    assert main(["migrate"]) == 1
    assert "fragments/more.yaml" in capsys.readouterr().out
    assert (place / "site.yaml").read_text() == OLD


@pytest.mark.parametrize("version", ["2", "latest", "true"])
def test_a_version_that_is_not_known_is_refused(place: Path, capsys: Capture, version: str) -> None:
    (place / "site.yaml").write_text(f"version: {version}\n{OLD}")
    assert main(["migrate"]) == 1
    assert "and this program knows 1 to 1" in capsys.readouterr().err


def test_a_version_that_is_said_is_replaced(place: Path, capsys: Capture) -> None:
    (place / "site.yaml").write_text(f"version: 0   # the first\n{OLD}")
    assert main(["migrate"]) == 0
    assert "site.yaml:1:10: 0 becomes 1\n" in capsys.readouterr().out
    assert (place / "site.yaml").read_text() == "version: 1   # the first\n" + NEW.replace("version: 1\n", "")


def test_line_ends_and_byte_order_marks_stay(place: Path) -> None:
    (place / "site.yaml").write_bytes(b"\xef\xbb\xbf" + OLD.replace("\n", "\r\n").encode())
    main(["migrate"])
    assert (place / "site.yaml").read_bytes() == b"\xef\xbb\xbf" + NEW.replace("\n", "\r\n").encode()


def test_a_map_on_one_line_stays_on_it(place: Path) -> None:
    (place / "site.yaml").write_text("{site: example.org, host: {name: mx.example.org, fold_case: no}}\n")
    main(["migrate"])
    assert (place / "site.yaml").read_text() == (
        "{version: 1, site: example.org, host: {name: mx.example.org, fold_case: false}}\n"
    )


def test_what_hosts_say_of_their_own_is_rewritten_too(place: Path) -> None:
    hosts = "hosts:\n  one: {tls: {minimum: 1.3}}\n  two: {listeners: {imap: {starttls: on}}}\n"
    (place / "site.yaml").write_text(OLD + hosts)
    assert main(["migrate"]) == 0
    assert (place / "site.yaml").read_text() == NEW + hosts.replace("1.3", '"1.3"').replace(": on", ": true")


def test_modes_and_links_stay(place: Path) -> None:
    (place / "site.yaml").chmod(0o640)
    (place / "real").mkdir()
    (place / "fragments/more.yaml").rename(place / "real/more.yaml")
    (place / "fragments/more.yaml").symlink_to("../real/more.yaml")
    main(["migrate"])
    assert stat.S_IMODE((place / "site.yaml").stat().st_mode) == 0o640
    assert (place / "fragments/more.yaml").is_symlink()
    assert (place / "real/more.yaml").read_text() == NEW_FRAGMENT


def test_a_file_that_is_edited_meanwhile_keeps_the_edit(place: Path) -> None:
    found = rewriting(place)
    (place / "fragments/more.yaml").write_text(FRAGMENT + "# a word more\n")
    before = files(place)
    with pytest.raises(CourierSiteError, match=r"more\.yaml was changed meanwhile"):
        write(found)
    assert files(place) == before


def test_an_interrupted_run_is_finished_by_the_next(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced: list[str] = []

    def failing(stage: Path, target: Path) -> Path:
        if replaced:
            raise OSError(28, "No space left on device", str(target))
        replaced.append(target.name)
        os.replace(stage, target)  # noqa: PTH105 - Path.replace is what is replaced here
        return target

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", failing)
        assert main(["migrate"]) == 1
    assert replaced == ["more.yaml"], "the file with the version comes last"
    assert files(place) == {"site.yaml": OLD, "fragments/more.yaml": NEW_FRAGMENT}
    assert main(["migrate"]) == 0
    assert files(place) == {"site.yaml": NEW, "fragments/more.yaml": NEW_FRAGMENT}


def test_standard_input_has_no_place_to_write_to(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    with (place / "site.yaml").open() as text:
        monkeypatch.setattr("sys.stdin", text)
        assert main(["migrate", "-"]) == 1
    assert "standard input cannot be rewritten" in capsys.readouterr().err


def test_an_imported_site_is_current(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    main(["import", str(copied("hand-edited-1.0", tmp_path / "etc")), "-o", str(site)])
    assert main(["migrate", "--check", str(site)]) == 0


def test_the_steps_lead_from_the_first_version_to_the_present_one() -> None:
    assert [step.before for step in MIGRATIONS] == list(range(CURRENT))
    assert [step.after for step in MIGRATIONS] == list(range(1, CURRENT + 1))


_BLANK = st.sampled_from(["", " ", "   "])
_COMMENT = st.sampled_from(["", "  # yes", "  # 'é' 0640"])


@settings(deadline=None)  # files are written and synced
@given(st.sampled_from(["yes", "no", "'on'", '"off"', "true"]), _BLANK, _COMMENT, st.sampled_from(["\n", "\r\n"]))
def test_nothing_but_the_scalar_changes(
    tmp_path_factory: pytest.TempPathFactory, word: str, blank: str, comment: str, end: str
) -> None:
    lines = (
        "site: example.org",
        f"host: {blank}# wörter",
        f"  fold_case:{blank} {word}{comment}",
        "  name: mx.example.org",
    )
    file = tmp_path_factory.mktemp("site") / "site.yaml"
    file.write_bytes("".join(f"{line}{end}" for line in lines).encode())
    write(rewriting(file))
    meant = "true" if word.strip("'\"") in ("yes", "on", "true") else "false"
    expected = f"version: 1{end}" + "".join(f"{line}{end}" for line in lines).replace(f" {word}", f" {meant}", 1)
    assert file.read_bytes().decode() == expected
