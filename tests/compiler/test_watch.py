"""`watch` keeps a tree up to date at every edit, says at once what is wrong with one, and ends cleanly."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from compiler.watching import COMPILER, DOMAIN, SITE, Place, replace, until, watching
from courier_compiler.applying.installed import Place as HostPlace
from courier_compiler.applying.lock import BusyError, Claim


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_first_round_applies_the_whole_site(place: Place) -> None:
    with watching(place) as watch:
        assert place.file("me") == "mx.example.org\n"
        assert "generation" in watch.text


def test_a_save_is_applied(place: Place) -> None:
    with watching(place):
        (place.site / "site.yaml").write_text(SITE.replace("mx.", "mail."))
        place.await_file("me", "mail.example.org")


def test_a_save_by_renaming_is_applied_every_time(place: Place) -> None:
    with watching(place):
        for name in ("one", "two", "three"):
            replace(place.site / "site.yaml", SITE.replace("mx.", f"{name}."))
            place.await_file("me", f"{name}.example.org")


def test_fragments_are_watched_where_they_lie(place: Place) -> None:
    with watching(place):
        replace(place.domain, DOMAIN.replace("info", "help"))
        place.await_file("aliases/@example.org", "help: anna")
        place.more.write_text("queue: {warn_after: 5h}\n")
        place.await_file("warntime", "5h")


def test_a_new_fragment_that_a_pattern_matches_is_read(place: Place) -> None:
    with watching(place):
        (place.site / "domains/com.yaml").write_text(
            "domains: {example.com: {kind: hosted, aliases: {a: b@example.net}}}\n"
        )
        place.await_file("aliases/@example.com", "a@example.com: b@example.net")
        (place.site / "domains/com.yaml").unlink()
        until(lambda: not place.file("aliases/@example.com"), lambda: "the domain stays")


def test_a_secret_is_an_input_too(place: Place) -> None:
    with watching(place) as watch:
        before = place.file("userdb")
        place.secret.write_text("second\n")
        watch.settle(2)
        until(lambda: place.file("userdb") != before, lambda: "the password stays")


def test_a_secret_that_was_missing_is_awaited(place: Place) -> None:
    place.secret.unlink()
    with watching(place) as watch:
        assert "[secret-unavailable]" in watch.text
        assert not (place.root / "etc/courier/me").exists()
        place.secret.write_text("late\n")
        watch.await_text("up to date")
        assert "anna" in place.file("userdb")


def test_while_an_edit_is_broken_the_last_good_tree_stays(place: Place) -> None:
    with watching(place) as watch:
        place.domain.write_text(DOMAIN.replace("sales: anna", "sales: [anna"))
        watch.await_text("the last good tree stays in force")
        assert f"{place.domain}:" in watch.text
        assert "[yaml-" in watch.text
        assert "sales: anna" in place.file("aliases/@example.org")
        place.domain.write_text(DOMAIN.replace("sales", "orders"))
        place.await_file("aliases/@example.org", "orders: anna")


def test_a_site_that_is_broken_from_the_start_is_applied_when_it_is_mended(place: Place) -> None:
    (place.site / "site.yaml").write_text("site: [\n")
    with watching(place) as watch:
        assert "stays in force" in watch.text
        (place.site / "site.yaml").write_text(SITE)
        watch.await_text("up to date")
        assert place.file("me") == "mx.example.org\n"


def test_a_hand_edited_file_of_the_tree_is_not_overwritten(place: Place) -> None:
    with watching(place) as watch:
        (place.root / "etc/courier/me").write_text("by.hand.example\n")
        replace(place.site / "site.yaml", SITE.replace("mx.", "mail."))
        watch.await_text("[drifted-file]")
        assert place.file("me") == "by.hand.example\n"


def test_the_directory_of_the_site_may_be_replaced(place: Place) -> None:
    with watching(place):
        for name in ("one", "two"):
            beside = place.site.with_name(f"site-{name}")
            shutil.copytree(place.site, beside)
            (beside / "site.yaml").write_text(SITE.replace("mx.", f"{name}."))
            place.site.rename(place.site.with_name(f"before-{name}"))
            beside.rename(place.site)
            place.await_file("me", f"{name}.example.org")
        (place.site / "site.yaml").write_text(SITE)
        place.await_file("me", "mx.example.org")


def test_the_site_may_lie_behind_a_link_that_moves_on(place: Place, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(place.site, tmp_path / name)
        (tmp_path / name / "site.yaml").write_text(SITE.replace("mx.", f"{name}."))
    shutil.rmtree(place.site)
    place.site.symlink_to("one")
    with watching(place):
        (tmp_path / "link").symlink_to("two")
        (tmp_path / "link").rename(place.site)
        place.await_file("me", "two.example.org")


def test_a_tree_that_is_lost_is_made_again_at_the_next_edit(place: Place) -> None:
    with watching(place):
        shutil.rmtree(place.root)
        replace(place.site / "site.yaml", SITE.replace("mx.", "mail."))
        until((place.root / "etc/courier/aliases.dat").exists, lambda: "there is no tree")


def test_touching_other_files_beside_the_site_changes_nothing(place: Place) -> None:
    with watching(place) as watch:
        (place.site / "notes.txt").write_text("not part of the site\n")
        (place.site / "site.yaml.swp").write_text("of an editor\n")
        replace(place.site / "site.yaml", SITE.replace("mx.", "mail."))
        place.await_file("me", "mail.example.org")
        watch.settle(2)
        assert watch.rounds == 2


def test_a_second_watch_on_the_same_tree_is_refused(place: Place) -> None:
    with watching(place) as watch:
        second = subprocess.run(place.command(), capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 1
        holder = f"courier-compile watch (process {watch.process.pid} of "
        assert second.stderr.startswith(f"courier-compile: {place.root} is kept up to date by {holder}")
        assert second.stderr.endswith(" already: end that first\n")


def test_others_may_change_the_host_while_it_is_watched(place: Place) -> None:
    with watching(place):
        replace(place.site / "site.yaml", SITE.replace("mx.", "mail."))
        place.await_file("me", "mail.example.org")
        words = [COMPILER, "rollback", "--root", str(place.root), "--no-owners"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert place.file("me") == "mx.example.org\n"


def test_a_claim_is_refused_to_others_until_it_is_released(tmp_path: Path) -> None:
    host, first, second = HostPlace(tmp_path, "/etc/courier"), Claim(), Claim()
    host.state.mkdir(parents=True)
    first.renew(host)
    first.renew(host)
    with pytest.raises(BusyError, match="is kept up to date by courier-compile watch"):
        second.renew(host)
    first.release()
    second.renew(host)
    second.release()


def test_a_claim_follows_a_host_that_was_made_anew(tmp_path: Path) -> None:
    host, first = HostPlace(tmp_path, "/etc/courier"), Claim()
    first.renew(host)
    host.state.mkdir(parents=True)
    first.renew(host)
    shutil.rmtree(tmp_path / "etc")
    host.state.mkdir(parents=True)
    first.renew(host)
    with pytest.raises(BusyError):
        Claim().renew(host)
    first.release()


def test_what_changes_while_it_is_read_is_read_once_more_and_not_applied(place: Place, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    slow = f"{{from_command: [sh, -c, 'echo once >> {asked}; sleep 0.7; cat {place.secret}']}}"
    text = SITE.replace("{from_file: ../secrets/anna}", slow)
    (place.site / "site.yaml").write_text(text)
    with watching(place) as watch:
        replace(place.site / "site.yaml", text.replace("mx.", "half."))
        until(lambda: asked.read_text().count("once") == 2, lambda: watch.text)
        replace(place.site / "site.yaml", text.replace("mx.", "whole."))
        place.await_file("me", "whole.example.org")
        watch.settle(3)
        assert "changed meanwhile, so once more" in watch.text
        assert watch.text.count(" is in force\n") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(place: Place, number: signal.Signals) -> None:
    with watching(place) as watch:
        assert watch.end(number) == 0
        assert watch.lines[-1] == "no longer watching\n"
        assert "Traceback" not in watch.text


def test_problems_are_spoken_in_the_form_that_is_asked_for(place: Place) -> None:
    (place.site / "site.yaml").write_text("site: [\n")
    with watching(place, "--format", "json") as watch:
        watch.await_text('"counts"')
        until(lambda: watch.text.count("{") == watch.text.count("}"), lambda: watch.text)
        assert json.loads(watch.text)["problems"][0]["file"].endswith("site.yaml")


def test_daemons_of_another_machine_are_not_told(place: Place) -> None:
    with watching(place, "--reload") as watch:
        assert "daemons can be told only on the mail host itself" in watch.text
        assert not (place.root / "etc/courier/me").exists()


def test_commands_to_reload_are_printed_when_asked_for(place: Place) -> None:
    with watching(place, "--reload", "print") as watch:
        replace(place.site / "site.yaml", SITE + "listeners: {smtp: {}}\n")
        watch.settle(2)
        assert "/usr/sbin/esmtpd start" in watch.text


def test_a_watch_of_weeks_needs_no_more_memory_than_one_of_minutes(place: Place) -> None:
    def edits(numbers: range) -> int:
        for number in numbers:
            replace(place.site / "site.yaml", SITE.replace("mx.", f"mx{number}."))
            watch.settle(number + 2)
        return watch.memory

    with watching(place) as watch:
        early = edits(range(10))
        assert edits(range(10, 50)) < early + 2048


def test_standard_input_is_not_watched(place: Place) -> None:
    words = [COMPILER, "watch", "-", "--apply", str(place.root)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "courier-compile: standard input cannot be watched: name a site file or its directory\n"


def test_a_tree_to_apply_to_must_be_named(place: Place) -> None:
    done = subprocess.run(place.command()[:3], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "--apply" in done.stderr
