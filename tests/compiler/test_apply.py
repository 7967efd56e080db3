"""Applying: what is done, what is refused before anything is written, and what the command says of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compiler.applied_hosts import ETC, FREE, everything, file, link, manifest
from compiler.built_sites import HEAD, OWNED
from courier_compiler.applying import staging
from courier_compiler.applying.apply import Outcome, apply, preview, recover, rollback
from courier_compiler.applying.durable import Disk
from courier_compiler.applying.generations import in_force, kept
from courier_compiler.applying.installed import Create, DirectoryTree, Drift, Place
from courier_compiler.applying.journal import journal_path
from courier_compiler.applying.lock import BusyError, held
from courier_compiler.applying.staging import Options, target
from courier_compiler.artefact import Artefact
from courier_compiler.cli import main
from courier_schema.legacy.manifest import NAME, Manifest
from courier_schema.report import CourierSiteError

ME = file("me", "mx\n")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _put(place: Place, *artefacts: Artefact, options: Options = FREE) -> Outcome:
    return apply(artefacts, manifest(*artefacts), place, options)


def _ids(outcome: Outcome) -> list[str]:
    return [problem.id for problem in outcome.problems]


def _text(place: Place, name: str) -> str:
    return place.path(f"{ETC}/{name}").read_text()


# what is done


def test_a_first_apply_makes_files_with_modes_links_and_directories(place: Place) -> None:
    secret = file("userdb", "s", 0o600)
    _put(place, ME, secret, link("filters/active/x", "/usr/bin/x"), file("aliases/system", ""))
    assert _text(place, "me") == "mx\n"
    assert place.path(f"{ETC}/userdb").stat().st_mode & 0o777 == 0o600
    assert place.path(f"{ETC}/filters/active/x").readlink() == Path("/usr/bin/x")
    assert place.path(f"{ETC}/aliases").stat().st_mode & 0o777 == 0o750, "as the target's package makes it"


def test_the_manifest_in_force_is_the_one_applied(place: Place) -> None:
    _put(place, ME)
    assert DirectoryTree(place).manifest() == manifest(ME)


def test_a_second_apply_of_the_same_has_nothing_to_do(place: Place) -> None:
    _put(place, ME)
    outcome = _put(place, ME)
    assert (outcome.changes, outcome.number) == ((), None)


def test_files_of_ours_that_are_wanted_no_longer_go_and_so_do_our_empty_directories(place: Place) -> None:
    place.path(f"{ETC}/hosteddomains").mkdir(parents=True)
    _put(place, ME, file("hosteddomains/site"), file("aliases/system"))
    _put(place, ME)
    assert {path for path in everything(place) if not path.endswith("/me")} == {"etc", ETC, f"{ETC}/hosteddomains"}


def test_files_of_others_are_left_alone(place: Place) -> None:
    place.path(f"{ETC}/aliases").mkdir(parents=True)
    theirs = place.path(f"{ETC}/aliases/theirs")
    theirs.write_text("x")
    _put(place, file("aliases/system"))
    _put(place, ME)
    assert theirs.read_text() == "x"


def test_our_records_are_not_for_strangers_and_secrets_in_them_for_nobody(place: Place) -> None:
    _put(place, file("userdb", "s", 0o600))
    assert place.state.stat().st_mode & 0o777 == 0o750
    assert place.manifest.stat().st_mode & 0o777 == 0o640
    assert (place.state / "generations").stat().st_mode & 0o777 == 0o700


def test_files_on_another_file_system_are_staged_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.path("srv").mkdir()
    steps: list[tuple[str, Path]] = []
    monkeypatch.setattr(staging, "same_mount", lambda one, other: place.path("srv") != other)
    files = (ME, Artefact("srv/vmail/note", b"n"))
    apply(files, manifest(*files), place, FREE, Disk(lambda verb, path: steps.append((verb, path))))
    created = [path for verb, path in steps if verb == "create" and path.parent == place.path("srv")]
    assert len(created) == 1
    assert created[0].name.startswith(".courier-site-")
    assert place.path("srv/vmail/note").read_text() == "n"
    assert [path.name for path in place.path("srv").iterdir()] == ["vmail"]


# what is refused


def test_a_foreign_file_in_the_way_is_refused_and_nothing_is_touched(place: Place) -> None:
    place.path(ETC).mkdir(parents=True)
    place.path(f"{ETC}/me").write_text("theirs")
    outcome = _put(place, ME, file("locals"))
    assert _ids(outcome) == ["foreign-file"]
    assert "--adopt etc/courier/me" in outcome.problems[0].remedy
    assert _text(place, "me") == "theirs"
    assert not place.path(f"{ETC}/locals").exists()


@pytest.mark.parametrize("options", [replace(FREE, adopt=frozenset({f"{ETC}/me"})), replace(FREE, adopt_all=True)])
def test_an_adopted_file_is_replaced_and_kept(place: Place, options: Options) -> None:
    place.path(ETC).mkdir(parents=True)
    place.path(f"{ETC}/me").write_text("theirs")
    _put(place, ME, options=options)
    assert _text(place, "me") == "mx\n"
    rollback(place, None, FREE)
    assert _text(place, "me") == "theirs"


def test_a_file_that_was_edited_by_hand_stops_an_apply(place: Place) -> None:
    _put(place, ME)
    place.path(f"{ETC}/me").write_text("edited")
    outcome = _put(place, file("me", "new"), file("locals"))
    assert _ids(outcome) == ["drifted-file"]
    assert isinstance(outcome.changes[1], Drift)
    assert (_text(place, "me"), place.path(f"{ETC}/locals").exists()) == ("edited", False)


def test_an_edit_that_is_overwritten_is_kept_as_a_generation(place: Place) -> None:
    _put(place, ME)
    place.path(f"{ETC}/me").write_text("edited")
    _put(place, file("me", "new"), options=replace(FREE, overwrite_drift=True))
    assert _text(place, "me") == "new"
    rollback(place, None, FREE)
    assert _text(place, "me") == "edited"


def test_a_file_of_ours_that_was_edited_is_not_removed_either(place: Place) -> None:
    _put(place, ME, file("locals", "x"))
    place.path(f"{ETC}/locals").write_text("edited")
    assert _ids(_put(place, ME)) == ["drifted-file"]
    _put(place, ME, options=replace(FREE, overwrite_drift=True))
    assert not place.path(f"{ETC}/locals").exists()


def test_a_directory_or_a_special_file_in_the_way_is_refused_whatever_is_allowed(place: Place) -> None:
    place.path(f"{ETC}/me/theirs").mkdir(parents=True)
    os.mkfifo(place.path(f"{ETC}/locals"))
    everything_allowed = replace(FREE, adopt_all=True, overwrite_drift=True)
    outcome = _put(place, ME, file("locals"), options=everything_allowed)
    assert _ids(outcome) == ["path-obstructed", "path-obstructed"]


def test_a_file_where_a_directory_is_needed_is_refused(place: Place) -> None:
    place.path(ETC).mkdir(parents=True)
    place.path(f"{ETC}/aliases").write_text("theirs")
    assert _ids(_put(place, file("aliases/system"))) == ["path-obstructed"]


def test_a_link_that_leads_out_of_the_root_is_refused(place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    place.path(ETC).mkdir(parents=True)
    place.path(f"{ETC}/aliases").symlink_to(outside)
    assert _ids(_put(place, file("aliases/system"))) == ["path-obstructed"]
    assert list(outside.iterdir()) == []


def test_our_own_records_cannot_be_overwritten_by_a_site(place: Place) -> None:
    assert _ids(_put(place, file(".courier-site/manifest.json"))) == ["path-obstructed"]


def test_users_that_the_host_does_not_have_are_told_before_anything_is_written(place: Place) -> None:
    artefact = Artefact(f"{ETC}/me", b"", owner="nobody-of-that-name", group="no-group-either")
    outcome = preview([artefact], manifest(artefact), place, Options())
    said = {problem.says for problem in outcome.problems if problem.id == "unknown-owner"}
    assert {"this host has no user nobody-of-that-name", "this host has no group no-group-either"} <= said


def test_who_is_not_root_is_told_so_before_anything_is_written(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CourierSiteError, match="run as root, or say --no-owners"):
        _put(place, ME, options=Options())
    assert list(place.root.iterdir()) == []


def test_a_plan_other_than_the_reviewed_one_is_refused(place: Place) -> None:
    reviewed = preview([ME], manifest(ME), place, FREE).checksum
    other = file("me", "other")
    assert _ids(apply([other], manifest(other), place, replace(FREE, checksum=reviewed))) == ["plan-changed"]
    assert apply([ME], manifest(ME), place, replace(FREE, checksum=reviewed)).number is not None


def test_a_host_that_is_being_changed_is_not_changed_twice(place: Place) -> None:
    _put(place, ME)
    with held(place, "somebody"), pytest.raises(BusyError, match="being changed by somebody"):
        _put(place, file("me", "new"))
    assert _text(place, "me") == "mx\n"


def test_a_build_for_a_target_that_this_release_does_not_know_is_refused(place: Place) -> None:
    with pytest.raises(CourierSiteError, match="another release"):
        target(Manifest("s", "h", "debian-99", {}, {}))


def test_the_layout_of_a_manifest_is_that_of_its_target(place: Place) -> None:
    record = manifest(ME)
    assert target(Manifest("s", "h", record.profile, {**record.layout, "mailuser": "mailer"}, {})).layout.mailuser == (
        "mailer"
    )


def test_a_preview_changes_nothing(place: Place) -> None:
    outcome = preview([ME], manifest(ME), place, FREE)
    assert [type(change) for change in outcome.changes] == [Create]
    assert list(place.root.iterdir()) == []


def test_a_preview_waits_for_an_interrupted_apply_to_be_finished(place: Place) -> None:
    _put(place, ME)
    journal_path(place).write_text("{}")
    with pytest.raises(CourierSiteError, match="--recover"):
        preview([ME], manifest(ME), place, FREE)


def test_a_damaged_journal_is_not_guessed_at(place: Place) -> None:
    _put(place, ME)
    journal_path(place).write_text("{}")
    with pytest.raises(CourierSiteError, match="damaged"):
        recover(place)


# owners (these tests are for root; others see that the refusal above comes first)


def _owners(path: Path) -> tuple[int, int]:
    return path.lstat().st_uid, path.lstat().st_gid


def _given(place: Place) -> Iterator[tuple[int, int]]:
    place.path("etc").mkdir()
    place.path("etc/passwd").write_text("root:x:0:0::/:\nmailer:x:4711:4712::/:\n")
    place.path("etc/group").write_text("root:x:0:\ncourier:x:4713:\nmailers:x:4712:\n")
    artefacts = (
        Artefact(f"{ETC}/userdb", b"", 0o640, "mailer", "mailers"),
        file("aliases/system"),
        Artefact(f"{ETC}/filters/active/x", b"/x", 0o777, "mailer", "mailers", link=True),
    )
    apply(artefacts, manifest(*artefacts), place, Options())
    for name in ("userdb", "aliases", "filters/active/x", ".courier-site", ".courier-site/manifest.json"):
        yield _owners(place.path(f"{ETC}/{name}"))


def test_files_get_the_owners_of_a_mounted_host(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        with pytest.raises(CourierSiteError, match="only root"):
            list(_given(place))
        return
    assert list(_given(place)) == [(4711, 4712), (0, 4713), (4711, 4712), (0, 4713), (0, 4713)]


# the command

SITE = HEAD + OWNED + "accounts: {anna: {password: {value: s3cret-word}}}\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def _run(*words: object) -> int:
    return main([str(word) for word in words])


def test_a_site_is_applied_and_its_next_version_after_review(
    site: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("apply", site, "--root", root, "--no-owners") == 0
    assert "generation 2 (" in capsys.readouterr().out
    site.write_text(SITE.replace("mx.example.org", "mail.example.org"))
    assert _run("apply", site, "--root", root, "--no-owners", "--dry-run", "--reload", "print") == 0
    out = capsys.readouterr().out
    assert "update  /etc/courier/me\n" in out
    assert "\nrestart courierfilter: " not in out
    assert "\nstop and start esmtpd: " in out, "nobody was told of the first generation"
    assert "\n    /usr/sbin/esmtpd stop\n    /usr/sbin/esmtpd start\n" in out
    checksum = out.strip().rpartition(" ")[2]
    assert _run("apply", site, "--root", root, "--no-owners", "--checksum", "0" * 16) == 1
    assert "[plan-changed]" in capsys.readouterr().out
    assert (root / ETC / "me").read_text() == "mx.example.org\n"
    assert _run("apply", site, "--root", root, "--no-owners", "--checksum", checksum) == 0
    assert (root / ETC / "me").read_text() == "mail.example.org\n"


def test_a_site_with_a_mistake_changes_nothing(site: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text(SITE + "nonsense: 1\n")
    assert _run("apply", site, "--root", root, "--no-owners") == 1
    assert "nonsense" in capsys.readouterr().out
    assert not root.exists()


def test_a_build_directory_is_applied_as_it_was_built(site: Path, root: Path, tmp_path: Path) -> None:
    build = tmp_path / "build"
    assert _run("build", site, "-o", build) == 0
    assert _run("apply", build, "--root", root, "--no-owners") == 0
    record = DirectoryTree(Place(root)).manifest()
    assert record is not None
    assert record.dump() == (build / NAME).read_bytes()
    assert _run("apply", site, "--root", root, "--no-owners") == 0
    assert in_force(Place(root)).number == 2, "the site makes the very same tree"


def test_a_build_directory_that_was_altered_is_refused(
    site: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = tmp_path / "build"
    assert _run("build", site, "-o", build) == 0
    (build / ETC / "me").write_text("evil.example.org\n")
    (build / ETC / "locals").unlink()
    assert _run("apply", build, "--root", root, "--no-owners") == 1
    out = capsys.readouterr().out
    assert "[build-file-altered]" in out
    assert "[build-file-missing]" in out
    assert not root.exists()


def test_a_site_of_several_hosts_needs_to_know_which_this_is(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(SITE + "hosts: {a: {host: {name: a.example.org}}, b: {host: {name: b.example.org}}}\n")
    assert _run("apply", site, "--root", root, "--no-owners") == 1
    assert "(a, b): say which this is with --host" in capsys.readouterr().err
    assert _run("apply", site, "--host", "b", "--root", root, "--no-owners") == 0
    assert (root / ETC / "me").read_text() == "b.example.org\n"


def test_recovery_says_when_there_is_nothing_to_recover(
    site: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("apply", "--recover", "--root", root) == 1
    assert "nothing was ever applied" in capsys.readouterr().err
    _run("apply", site, "--root", root, "--no-owners")
    assert _run("apply", "--recover", "--root", root) == 0
    assert "no apply was interrupted" in capsys.readouterr().out


def test_daemons_are_not_told_of_a_host_that_is_only_mounted(
    site: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("apply", site, "--root", root, "--no-owners", "--reload") == 1
    assert "only on the mail host itself" in capsys.readouterr().err
    assert not root.exists()


def test_rolling_back_by_command(site: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run("apply", site, "--root", root, "--no-owners")
    first = everything(Place(root))
    site.write_text(SITE.replace("mx.example.org", "mail.example.org"))
    _run("apply", site, "--root", root, "--no-owners")
    capsys.readouterr()
    assert _run("rollback", "--root", root, "--no-owners", "--dry-run") == 0
    assert "update  /etc/courier/me" in capsys.readouterr().out
    assert everything(Place(root)) != first
    assert _run("rollback", "--root", root, "--no-owners", "--reload", "print") == 0
    assert "/usr/sbin/courier " in capsys.readouterr().out
    assert everything(Place(root)) == first
    assert _run("rollback", "--root", root, "--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[0] for line in lines] == [" ", "*", " "]
    assert "as found" in lines[0]
    assert [generation.found for generation in kept(Place(root))] == [True, False, False]
    assert _run("rollback", "--root", root, "--no-owners", "--to", "77") == 1
    assert "there is no generation 77" in capsys.readouterr().err


# guards

MANY = SITE + "aliases:\n" + "".join(f"  name{number}: eva@example.net\n" for number in range(20))


def test_what_a_guard_objects_to_is_refused_until_it_is_allowed_by_its_word(
    site: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.write_text(MANY)
    assert _run("apply", site, "--root", root, "--no-owners") == 0
    before = everything(Place(root))
    site.write_text(SITE)
    for dry in ([], ["--dry-run"]):
        capsys.readouterr()
        assert _run("apply", site, "--root", root, "--no-owners", *dry) == 1
        out = capsys.readouterr().out
        assert "[guard-aliases]" in out
        assert "say --allow aliases if that is meant" in out
    assert everything(Place(root)) == before
    assert _run("apply", site, "--root", root, "--no-owners", "--allow", "tls") == 1
    assert _run("apply", site, "--root", root, "--no-owners", "--allow", "aliases") == 0
    assert _run("rollback", "--root", root, "--no-owners") == 0
    assert everything(Place(root)) == before
    assert _run("apply", site, "--root", root, "--no-owners", "--loss", "95") == 0
    assert everything(Place(root)) != before


def test_a_return_to_an_earlier_generation_is_not_guarded(site: Path, root: Path) -> None:
    assert _run("apply", site, "--root", root, "--no-owners") == 0
    before = everything(Place(root))
    site.write_text(MANY)
    assert _run("apply", site, "--root", root, "--no-owners") == 0
    assert _run("rollback", "--root", root, "--no-owners", "--dry-run") == 0
    assert _run("rollback", "--root", root, "--no-owners") == 0
    assert everything(Place(root)) == before


def test_a_build_is_guarded_like_its_site(site: Path, root: Path, tmp_path: Path) -> None:
    site.write_text(MANY)
    assert _run("apply", site, "--root", root, "--no-owners") == 0
    site.write_text(SITE)
    assert _run("build", site, "-o", tmp_path / "build") == 0
    assert _run("apply", tmp_path / "build", "--root", root, "--no-owners") == 1
    assert _run("apply", tmp_path / "build", "--root", root, "--no-owners", "--allow", "aliases") == 0


# what programs are told


def _document(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    status = _run(*words, "--format", "json")
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return status, document


def test_programs_get_exactly_one_document_whatever_happens(
    site: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("apply", site, "--root", root, "--no-owners")
    status, told = _document(capsys, *words, "--reload", "print")
    assert (status, told["generation"]["number"]) == (0, 2)
    assert told["changes"][0] == {"kind": "create", "path": "/etc/courier/aliasdir/README"}
    assert {"daemon", "action", "commands"} == told["daemons"][0].keys()
    assert told["counts"] == {"warning": 1}, "what the site is warned of stands in the same document"
    status, told = _document(capsys, *words)
    assert (status, told["changes"]) == (0, [])
    (root / ETC / "me").write_text("edited\n")
    status, told = _document(capsys, *words)
    assert (status, [one["id"] for one in told["problems"]]) == (1, ["drifted-file", "secret-in-site"])
    status, told = _document(capsys, *words, "--dry-run")
    assert status == 1
    assert [one["kind"] for one in told["changes"]] == ["drift"]
    site.write_text("nonsense: 1\n")
    assert _document(capsys, *words)[0] == 1
    assert _document(capsys, "apply", "--recover", "--root", root)[1]["recovered"] is None
    assert _document(capsys, "apply", "--confirmed", "--root", root)[1]["error"].startswith("no generation waits")
    assert _document(capsys, "apply", root / "gone", "--root", root)[0] == 1
    status, told = _document(capsys, "rollback", "--list", "--root", root)
    assert [one["in_force"] for one in told["generations"]] == [False, True]
    assert _document(capsys, "rollback", "--to", "99", "--root", root)[1]["error"].startswith("there is no generation")


@pytest.mark.parametrize(
    "words",
    [
        ["--keep", "0"],
        ["--loss", "101"],
        ["--allow", "anything"],
        ["--confirm", "soon"],
        ["--confirm", "0s"],
        ["--reload", "maybe"],
    ],
)
def test_nonsense_is_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        _run("apply", *words)
    assert raised.value.code == 2
