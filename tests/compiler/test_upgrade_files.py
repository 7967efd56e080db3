"""An upgrade on the disk: whole files or none, backups, links, owners, and what the command says."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from courier_compiler.cli import main

TEMPLATE = b"##VERSION: 2\n##NAME: PORT:1\nPORT=25\n##NAME: LDAP_BINDPW:1\nLDAP_BINDPW=none\n"
OLD = b"##VERSION: 1\n##NAME: PORT:1\n# mine\nPORT=2525\n##NAME: LDAP_BINDPW:0\nLDAP_BINDPW=hush\n"
MERGED = (
    b"##VERSION: 2\n##NAME: PORT:1\n#\n# DEFAULT SETTING from settings.dist:\n#PORT=25\n#\n# mine\nPORT=2525\n"
    b"##NAME: LDAP_BINDPW:1\n#\n# Previous setting (revision 0):\n#\n# LDAP_BINDPW=hush\nLDAP_BINDPW=none\n"
)

Call = Callable[..., object]


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("settings.dist").write_bytes(TEMPLATE)
    Path("settings").write_bytes(OLD)


def _names() -> set[str]:
    return {path.name for path in Path().iterdir()}


def _mode(name: str) -> int:
    return stat.S_IMODE(Path(name).stat().st_mode)


def test_the_file_is_made_anew_and_the_old_one_kept_beside_it() -> None:
    assert main(["upgrade", "settings"]) == 0

    assert Path("settings").read_bytes() == MERGED
    assert Path("settings.bak").read_bytes() == OLD
    assert _names() == {"settings", "settings.bak", "settings.dist"}


def test_a_second_run_writes_nothing() -> None:
    main(["upgrade", "settings"])
    Path("settings.bak").unlink()

    assert main(["upgrade", "settings"]) == 0
    assert main(["upgrade", "--force", "settings"]) == 0
    assert _names() == {"settings", "settings.dist"}


def test_a_dry_run_reports_the_same_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upgrade", "-n", "settings.dist"]) == 0
    announced = capsys.readouterr().out

    assert _names() == {"settings", "settings.dist"}
    assert main(["upgrade", "settings.dist"]) == 0
    assert capsys.readouterr().out == announced.replace("settings:3:1:", "settings.bak:3:1:")


def test_a_new_file_gets_the_template_s_mode_and_an_old_one_keeps_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    Path("settings").chmod(0o600)
    Path("new.dist").write_bytes(TEMPLATE)
    Path("new.dist").chmod(0o640)

    assert main(["upgrade", "settings", "new"]) == 0
    assert (_mode("settings"), _mode("settings.bak"), _mode("new")) == (0o600, 0o600, 0o640)
    assert "mode 0600, although its template has" in capsys.readouterr().out
    assert not Path("new.bak").exists()


def test_what_a_link_leads_to_is_made_anew() -> None:
    Path("real").mkdir()
    Path("settings").rename("real/file")
    Path("settings").symlink_to("real/file")

    assert main(["upgrade", "settings"]) == 0
    assert Path("settings").is_symlink()
    assert Path("real/file").read_bytes() == MERGED
    assert Path("real/file.bak").read_bytes() == OLD


def test_leftovers_of_a_run_that_was_killed_are_replaced_and_never_written_through() -> None:
    Path("target").write_bytes(b"untouched\n")
    Path("settings.new").symlink_to("target")
    Path("settings.bak").symlink_to("target")

    assert main(["upgrade", "settings"]) == 0
    assert Path("target").read_bytes() == b"untouched\n"
    assert (Path("settings").read_bytes(), Path("settings.bak").read_bytes()) == (MERGED, OLD)


def test_a_directory_means_all_its_templates(capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.dist").write_bytes(TEMPLATE)

    assert main(["upgrade", "--compatible", "."]) == 0
    assert Path("other").read_bytes() == TEMPLATE
    assert [line for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")] == [
        "other:",
        "settings:",
    ]


FAULTS: list[tuple[object, str, int]] = [
    (os, "open", 2),
    (os, "fchmod", 0),
    (os, "write", 0),
    (os, "fsync", 0),
    (os, "link", 0),
    (Path, "rename", 0),
    (Path, "rename", 1),
]


@pytest.mark.parametrize(("owner", "call", "after"), FAULTS, ids=str)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failure_leaves_the_old_file_whole(
    owner: object,
    call: str,
    after: int,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done: list[str] = []
    genuine = getattr(owner, call)

    def failing(*arguments: object, **options: object) -> object:
        done.append(call)
        if len(done) > after:
            raise OSError(code, os.strerror(code))
        return genuine(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(owner, call, failing)
        assert main(["upgrade", "settings"]) == 1

    assert len(done) > after
    assert Path("settings").read_bytes() == OLD
    assert _names() <= {"settings", "settings.dist", "settings.bak"}
    assert capsys.readouterr().err == f"courier-compile: cannot write settings: {os.strerror(code)}\n"
    assert main(["upgrade", "settings"]) == 0
    assert Path("settings").read_bytes() == MERGED


def test_a_full_disk_fails_the_compatible_upgrade_of_one_file(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def full(descriptor: int, content: memoryview) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        status = main(["upgrade", "--compatible", "settings"])

    assert status == 9
    assert capfdbinary.readouterr().out == b"settings.new: No space left on device\n"
    assert Path("settings").read_bytes() == OLD
    assert _names() == {"settings", "settings.dist"}


def test_a_half_written_file_is_never_put_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = os.write

    def full(descriptor: int, content: memoryview) -> int:
        if len(content) < 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return genuine(descriptor, content[:10])

    monkeypatch.setattr(os, "write", full)

    assert main(["upgrade", "settings"]) == 1
    assert Path("settings").read_bytes() == OLD
    assert _names() == {"settings", "settings.dist"}


@pytest.mark.parametrize("compatible", [["--compatible"], []], ids=["compatible", "careful"])
def test_there_is_no_moment_without_the_file(compatible: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def watched(genuine: Call) -> Call:
        def call(*arguments: object, **options: object) -> object:
            seen.append(Path("settings").read_bytes())
            result = genuine(*arguments, **options)
            seen.append(Path("settings").read_bytes())
            return result

        return call

    with monkeypatch.context() as patched:
        for owner, call in ((os, "link"), (os, "fsync"), (os, "write"), (Path, "rename"), (Path, "unlink")):
            patched.setattr(owner, call, watched(getattr(owner, call)))
        assert main(["upgrade", *compatible, "settings"]) == 0

    assert set(seen) == {OLD, Path("settings").read_bytes()}


def test_without_hard_links_the_backup_is_made_by_renaming(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refused)

    assert main(["upgrade", "settings"]) == 0
    assert (Path("settings").read_bytes(), Path("settings.bak").read_bytes()) == (MERGED, OLD)


def test_one_file_s_trouble_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.dist").write_bytes(b"PORT=25\n")
    Path("directory.dist").write_bytes(TEMPLATE)
    Path("directory").mkdir()

    assert main(["upgrade", "nothing", "bad", "directory", "settings"]) == 1
    said = capsys.readouterr()
    assert said.err == (
        "courier-compile: cannot read nothing.dist: No such file or directory\n"
        "courier-compile: cannot read directory: Is a directory\n"
    )
    assert "bad.dist:1:1: error: no line among the first 20 begins with ##VERSION:" in said.out
    assert Path("settings").read_bytes() == MERGED


def test_the_report_names_every_setting_and_hides_passwords(capsys: pytest.CaptureFixture[str]) -> None:
    main(["upgrade", "settings"])
    said = capsys.readouterr().out

    assert said.startswith(
        "settings: 1 kept, 1 reset\n"
        "  kept     PORT: PORT=2525 (the revision is the same; the default is PORT=25)\n"
        "  reset    LDAP_BINDPW: LDAP_BINDPW=***, was LDAP_BINDPW=*** "
        "(the revision went from 0 to 1; the old value is a comment now)\n"
    )
    assert "settings.bak:3:1: note: 1 line of comment in the group PORT" in said
    main(["upgrade", "settings"])
    assert capsys.readouterr().out == "settings: is of the version of settings.dist already\n"


def test_programs_get_the_report_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["upgrade", "--format", "json", "settings"])
    report = json.loads(capsys.readouterr().out)

    assert report["files"][0]["changed"] is True
    assert report["files"][0]["settings"][0] == {
        "name": "PORT",
        "fate": "kept",
        "reason": "the revision is the same",
        "old": "PORT=2525",
        "new": "PORT=25",
    }
    assert [problem["id"] for problem in report["problems"]] == ["upgrade-comments"]
    assert "hush" not in json.dumps(report)


def test_warnings_count_when_asked_to(capsys: pytest.CaptureFixture[str]) -> None:
    Path("settings").write_bytes(b"PORT=2525\n")

    assert main(["upgrade", "-n", "settings"]) == 0
    assert main(["upgrade", "-n", "--strict", "settings"]) == 1
    assert "upgrade-no-markers" in capsys.readouterr().out


def test_comments_of_a_base_are_not_taken_for_own_ones() -> None:
    Path("base").write_bytes(OLD)

    assert main(["upgrade", "--base", "base", "settings"]) == 0
    assert b"# mine" not in Path("settings").read_bytes()


def test_without_files_there_is_nothing_to_upgrade(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upgrade"]) == 1
    assert main(["upgrade", "--compatible"]) == 0
    assert capsys.readouterr().err == ("courier-compile: name the settings files to upgrade, or their directory\n")


def test_options_before_the_word_compatible_count_too(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["upgrade", "-n", "--compatible", "settings"]) == 0
    assert main(["upgrade", "settings", "--compatible", "-n"]) == 0

    assert capfdbinary.readouterr().out == b"settings:\n  PORT: unchanged\n  LDAP_BINDPW: UPDATED\n" * 2
    assert _names() == {"settings", "settings.dist"}


def test_what_courier_s_tool_passes_over_in_silence_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    Path("settings.bak").mkdir()
    Path("settings.bak/file").touch()

    assert main(["upgrade", "--compatible", "settings"]) == 0
    assert capfd.readouterr().err == "courier-compile: settings: Is a directory\n"
