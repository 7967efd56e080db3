"""After a change: which daemon has to hear of it, how it is told, and what happens when it does not come back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from compiler.applied_hosts import ETC, FREE, file, manifest
from courier_compiler.applying.apply import apply
from courier_compiler.applying.confirmation import require_daemons
from courier_compiler.applying.generations import in_force
from courier_compiler.applying.installed import FileState, MemoryTree, Place, compare
from courier_compiler.applying.journal import is_pending
from courier_compiler.applying.reload import (
    ORDER,
    Action,
    Patience,
    PlainServices,
    ReloadPlan,
    Step,
    SystemdServices,
    after,
    carry_out,
    running,
    services,
)
from courier_compiler.artefact import Artefact, Daemon
from courier_compiler.planning.comparison import Comparison
from courier_compiler.profile import Profile, load_profile
from courier_schema.report import CourierSiteError
from crash.hosts import Killed, KilledAt

PROFILE = load_profile("debian-12")
SMTP = frozenset({Daemon.ESMTPD, Daemon.ESMTPD_MSA, Daemon.ESMTPD_SSL})
HASTY = Patience(0, 0)
EMPTY = MemoryTree({})


def _steps(*artefacts: Artefact, before: MemoryTree = EMPTY, profile: Profile = PROFILE) -> tuple[Step, ...]:
    """What daemons have to do when these files come to a host."""
    changes = compare(artefacts, before)
    return Comparison.of(changes, artefacts, before.manifest(), profile).steps.steps


def _plan(*artefacts: Artefact, before: MemoryTree = EMPTY) -> dict[Daemon, Action]:
    return {step.daemon: step.action for step in _steps(*artefacts, before=before)}


def _tree(*artefacts: Artefact) -> MemoryTree:
    return MemoryTree({one.path: FileState(one.content) for one in artefacts}, manifest(*artefacts))


# the plan


def test_control_files_and_databases_are_read_again_on_restart() -> None:
    touched = file("me", touches=frozenset({Daemon.COURIERD, Daemon.ESMTPD}))
    access = file("smtpaccess.dat", touches=SMTP)
    assert _plan(touched) == {Daemon.COURIERD: Action.RESTART, Daemon.ESMTPD: Action.RESTART}
    assert set(_plan(access).values()) == {Action.RESTART}


@pytest.mark.parametrize(
    ("name", "daemons"),
    [
        ("courierd", {Daemon.COURIERD}),
        ("esmtpd", SMTP),
        ("esmtpd-msa", {Daemon.ESMTPD_MSA}),
        ("imapd-ssl", {Daemon.IMAPD, Daemon.IMAPD_SSL}),
        ("pop3d", {Daemon.POP3D, Daemon.POP3D_SSL}),
        ("authdaemonrc", {Daemon.AUTHDAEMOND}),
        ("sqwebmaild", {Daemon.WEBMAILD}),
        ("webmlmrc", {Daemon.WEBMLMD}),
        ("filters/ratefilter-maxrcpts", {Daemon.COURIERFILTER}),
    ],
)
def test_what_a_start_script_hands_to_a_daemon_needs_stop_and_start(name: str, daemons: set[Daemon]) -> None:
    assert _plan(file(name, touches=frozenset(daemons))) == dict.fromkeys(daemons, Action.STOP_START)


def test_a_daemon_that_has_both_reasons_is_stopped_and_started_once() -> None:
    both = (file("me", touches=frozenset({Daemon.COURIERD})), file("courierd", touches=frozenset({Daemon.COURIERD})))
    assert _plan(*both) == {Daemon.COURIERD: Action.STOP_START}


def test_the_list_of_active_filters_is_read_again_on_restart() -> None:
    assert _plan(file("filters/active/x", touches=frozenset({Daemon.COURIERFILTER}))) == {
        Daemon.COURIERFILTER: Action.RESTART
    }


def test_files_that_are_read_each_time_concern_no_daemon() -> None:
    assert _plan(file("me", touches=SMTP), file("aliases.dat")).keys() == SMTP


def test_daemons_that_others_ask_are_told_first() -> None:
    everyone = file("me", touches=frozenset(Daemon))
    assert tuple(_plan(everyone)) == ORDER
    assert set(ORDER) == set(Daemon)


def test_what_either_generation_knows_counts() -> None:
    old, new = (file("me", daemon, touches=frozenset({daemon})) for daemon in (Daemon.COURIERD, Daemon.ESMTPD))
    assert _plan(new, before=_tree(old)).keys() == {Daemon.COURIERD, Daemon.ESMTPD}


def test_of_a_build_that_does_not_say_who_reads_a_file_its_name_tells() -> None:
    artefacts = (file("esmtpd"), file("hosteddomains.dat"), file("aliases.dat"))
    silent = {path: replace(entry, touches=None) for path, entry in manifest(*artefacts).files.items()}
    record = replace(manifest(*artefacts), files=silent)
    steps = Comparison.of(compare(artefacts, EMPTY), artefacts, None, PROFILE, record).steps.steps
    actions = {step.daemon: step.action for step in steps}
    assert actions == {Daemon.COURIERD: Action.RESTART, **dict.fromkeys(SMTP, Action.STOP_START)}


def test_a_file_that_goes_is_told_to_those_who_kept_it() -> None:
    gone = file("dsnfrom", "x", touches=frozenset({Daemon.WEBMAILD}))
    assert _plan(before=_tree(gone)) == {Daemon.WEBMAILD: Action.RESTART}


def test_of_comments_and_permissions_no_daemon_hears() -> None:
    old = file("esmtpd", "# old words\nMAXPERIP=4\n", touches=SMTP)
    assert _plan(replace(old, content=b"# new words\nMAXPERIP=4\n"), before=_tree(old)) == {}
    assert _plan(replace(old, mode=0o600), before=_tree(old)) == {}
    assert _plan(replace(old, content=b"MAXPERIP=5\n"), before=_tree(old)).keys() == SMTP


def test_files_of_the_authentication_library_are_known_in_its_own_directory() -> None:
    profile = load_profile("upstream-2.0")
    path = f"{profile.layout.authdir}/authdaemonrc".lstrip("/")
    artefact = Artefact(path, b"x=1\n", touches=frozenset({Daemon.AUTHDAEMOND}))
    assert _steps(artefact, profile=profile) == (Step(Daemon.AUTHDAEMOND, Action.STOP_START, (path,)),)


def test_a_listener_that_is_opened_is_started_and_one_that_is_closed_is_stopped() -> None:
    on, off = (file("pop3d", f"POP3DSTART={word}\n", touches=frozenset({Daemon.POP3D})) for word in ("YES", "NO"))
    assert _plan(on, before=_tree(off)) == {Daemon.POP3D: Action.START}
    assert _plan(off, before=_tree(on)) == {Daemon.POP3D: Action.STOP}
    assert _plan(on) == {Daemon.POP3D: Action.START}
    assert _plan(before=_tree(on)) == {Daemon.POP3D: Action.STOP}


# what was not told


@pytest.mark.parametrize(
    ("earlier", "later", "left"),
    [
        (Action.RESTART, Action.RESTART, Action.RESTART),
        (Action.RESTART, Action.STOP_START, Action.STOP_START),
        (Action.STOP_START, Action.RESTART, Action.STOP_START),
        (Action.START, Action.RESTART, Action.START),
        (Action.START, Action.STOP_START, Action.START),
        (Action.STOP, Action.RESTART, Action.STOP),
        (Action.START, Action.STOP, Action.STOP),
        (Action.STOP, Action.START, Action.START),
        (Action.RESTART, Action.STOP, Action.STOP),
    ],
)
def test_what_was_not_told_is_told_with_what_comes_next(earlier: Action, later: Action, left: Action) -> None:
    plan = after([Step(Daemon.IMAPD, earlier, ("a", "b"))], [Step(Daemon.IMAPD, later, ("b", "c"))])
    assert plan.steps == (Step(Daemon.IMAPD, left, ("a", "b", "c")),)


def test_daemons_of_two_changes_are_told_in_the_usual_order() -> None:
    one, other = Step(Daemon.IMAPD, Action.RESTART, ("x",)), Step(Daemon.AUTHDAEMOND, Action.RESTART, ("y",))
    assert after([one], [other]).steps == (other, one)


def test_a_host_remembers_what_its_daemons_were_not_told(tmp_path: Path) -> None:
    place = Place(tmp_path)
    me = file("me", "a", touches=frozenset({Daemon.ESMTPD}))
    apply([me], manifest(me), place, FREE)
    rc = file("authdaemonrc", "daemons=3\n", touches=frozenset({Daemon.AUTHDAEMOND}))
    outcome = apply([me, rc], manifest(me, rc), place, FREE)
    assert [(step.daemon, step.action) for step in outcome.reload.steps] == [
        (Daemon.AUTHDAEMOND, Action.STOP_START),
        (Daemon.ESMTPD, Action.RESTART),
    ]
    again = apply([me, rc], manifest(me, rc), place, FREE)
    assert (again.number, again.reload) == (None, outcome.reload)
    require_daemons(place, again, Scripted(set(BOTH)), BOTH, owners=False, patience=HASTY)
    assert in_force(place).untold == ()
    assert apply([me, rc], manifest(me, rc), place, FREE).reload.steps == ()


def test_after_a_crash_the_daemons_are_told_of_both_changes(tmp_path: Path) -> None:
    place = Place(tmp_path)
    me, rc = file("me", "a", touches=SMTP), file("authdaemonrc", "daemons=3\n", touches=frozenset({Daemon.AUTHDAEMOND}))
    apply([me], manifest(me), place, FREE)
    step = 0
    while not is_pending(place):
        with pytest.raises(Killed):
            apply([me, rc], manifest(me, rc), place, FREE, KilledAt(step))
        step += 1
    outcome = apply([rc], manifest(rc), place, FREE)
    assert {step.daemon for step in outcome.reload.steps} == {Daemon.AUTHDAEMOND, *SMTP}


# the commands


def _step(daemon: Daemon, action: Action) -> Step:
    return Step(daemon, action, ())


def test_plain_daemons_are_told_by_couriers_own_commands(tmp_path: Path) -> None:
    plain = PlainServices(Place(tmp_path), PROFILE)
    assert plain.commands(_step(Daemon.ESMTPD, Action.RESTART)) == (("/usr/sbin/esmtpd", "restart"),)
    assert plain.commands(_step(Daemon.WEBMLMD, Action.STOP_START)) == (
        ("/usr/bin/webmlmd", "stop", "/etc/courier/webmlmrc"),
        ("/usr/bin/webmlmd", "start", "/etc/courier/webmlmrc"),
    )
    assert plain.commands(_step(Daemon.WEBMAILD, Action.RESTART)) == (("/usr/sbin/webmaild", "restart"),)


def test_systemd_is_used_where_it_runs(tmp_path: Path) -> None:
    host = services(Place(tmp_path), PROFILE)
    assert isinstance(host, SystemdServices) == Path("/run/systemd/system").is_dir()


def test_a_command_that_fails_is_quoted(tmp_path: Path) -> None:
    plain = PlainServices(Place(tmp_path), PROFILE)
    assert plain.run(("true",)) == ""
    assert plain.run(("false",)) == "exit status 1"
    assert plain.run(("sh", "-c", "echo no such port >&2; exit 3")) == "no such port"
    assert "No such file" in plain.run((str(tmp_path / "missing"),))


@contextmanager
def _holding(lock: Path) -> Iterator[None]:
    """A process that holds a record lock, as Courier's daemons do."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    script = f"import fcntl; f = open({str(lock)!r}, 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield
        holder.kill()


@pytest.mark.parametrize(
    ("daemon", "lock"),
    [
        (Daemon.COURIERD, "var/lib/courier/tmp/courierd.lock"),
        (Daemon.COURIERFILTER, "var/lib/courier/filters/.lock"),
        (Daemon.AUTHDAEMOND, "run/courier/authdaemon/pid.lock"),
        (Daemon.ESMTPD, "run/courier/esmtpd.pid.lock"),
        (Daemon.IMAPD_SSL, "run/courier/imapd-ssl.pid.lock"),
    ],
)
def test_a_daemon_runs_while_it_holds_its_lock(tmp_path: Path, daemon: Daemon, lock: str) -> None:
    place = Place(tmp_path)
    plain = PlainServices(place, PROFILE)
    assert running(plain) == frozenset()
    with _holding(place.path(lock)):
        assert running(plain) == {daemon}
    assert running(plain) == frozenset()


def test_a_lock_that_nobody_holds_says_more_than_a_pid(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.path("run/courier").mkdir(parents=True)
    place.path("run/courier/esmtpd.pid").write_text(f"{os.getpid()}\n")
    place.path("run/courier/esmtpd.pid.lock").touch()
    assert running(PlainServices(place, PROFILE)) == frozenset()


def test_without_a_lock_a_daemon_runs_while_the_process_of_its_pid_file_lives(tmp_path: Path) -> None:
    place = Place(tmp_path)
    plain = PlainServices(place, PROFILE)
    pid_file = place.path("run/courier/courierldapaliasd.pid")
    pid_file.parent.mkdir(parents=True)
    pid_file.write_text(f"{os.getpid()}\n")
    assert running(plain) == {Daemon.LDAPALIASD}
    with subprocess.Popen(["true"]) as gone:
        os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)
        pid_file.write_text(f"{gone.pid}\n")
        assert running(plain) == frozenset(), "it has ended, though nobody has asked for its status"
    assert running(plain) == frozenset()
    pid_file.write_text("")
    assert running(plain) == frozenset()


def test_a_pid_file_is_where_the_settings_say(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.path(ETC).mkdir(parents=True)
    place.path(f"{ETC}/esmtpd-ssl").write_text("SSLPIDFILE=/srv/tls.pid\nPIDFILE=/srv/other.pid\n")
    with _holding(place.path("srv/tls.pid.lock")):
        assert PlainServices(place, PROFILE).is_running(Daemon.ESMTPD_SSL)


# carrying it out


@dataclass
class Scripted:
    """Daemons that obey, complain or die as a test wants."""

    alive: set[Daemon]
    mortal: frozenset[Daemon] = frozenset()
    complaints: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def is_running(self, daemon: Daemon) -> bool:
        return daemon in self.alive

    def commands(self, step: Step) -> tuple[tuple[str, ...], ...]:
        return () if step.daemon is Daemon.SOCKD else ((step.daemon, step.action),)

    def run(self, command: tuple[str, ...]) -> str:
        self.ran.append(" ".join(command))
        if command[0] in self.mortal:
            self.alive.discard(Daemon(command[0]))
        return self.complaints.get(command[0], "")


PLAN = ReloadPlan(
    (
        Step(Daemon.COURIERD, Action.STOP_START, (f"{ETC}/courierd",)),
        Step(Daemon.ESMTPD, Action.RESTART, (f"{ETC}/me",)),
    )
)
BOTH = frozenset({Daemon.COURIERD, Daemon.ESMTPD})


def test_daemons_that_ran_are_told_and_well_afterwards() -> None:
    host = Scripted(set(BOTH))
    assert carry_out(PLAN, host, running(host), HASTY) == ()
    assert host.ran == ["courierd stop and start", "esmtpd restart"]


def test_daemons_that_did_not_run_are_left_alone() -> None:
    host = Scripted({Daemon.COURIERD})
    assert carry_out(PLAN, host, running(host), HASTY) == ()
    assert host.ran == ["courierd stop and start"]


def test_a_daemon_that_does_not_come_back_is_named_once() -> None:
    host = Scripted(set(BOTH), frozenset({Daemon.COURIERD}))
    assert carry_out(PLAN, host, BOTH, HASTY) == ("courierd did not come back",)


def test_a_command_that_complains_is_reported_with_what_it_says() -> None:
    host = Scripted(set(BOTH), complaints={"esmtpd": "no port"})
    assert carry_out(PLAN, host, BOTH, HASTY) == ("esmtpd restart: no port",)


def test_a_new_daemon_is_started_when_the_old_one_has_gone() -> None:
    class Slow(Scripted):
        """Goes at the third look."""

        looks = 0

        def commands(self, step: Step) -> tuple[tuple[str, ...], ...]:
            return ((step.daemon, "stop"), (step.daemon, "start"))

        def run(self, command: tuple[str, ...]) -> str:
            self.ran.append(f"{command[1]} after {self.looks} looks")
            if command[1] == "start":
                self.alive.add(Daemon(command[0]))
            return ""

        def is_running(self, daemon: Daemon) -> bool:
            self.looks += 1
            if self.looks == 3:
                self.alive.discard(daemon)
            return super().is_running(daemon)

    host = Slow({Daemon.COURIERD})
    assert carry_out(PLAN, host, frozenset({Daemon.COURIERD}), Patience(5, 0)) == ()
    assert host.ran == ["stop after 0 looks", "start after 3 looks"]


@pytest.mark.parametrize(("action", "runs"), [(Action.START, False), (Action.STOP, True)])
def test_listeners_are_started_and_stopped_whether_they_ran_or_not(action: Action, runs: bool) -> None:
    class Obedient(Scripted):
        def run(self, command: tuple[str, ...]) -> str:
            (self.alive.add if command[1] == "start" else self.alive.discard)(Daemon(command[0]))
            return ""

    host = Obedient({Daemon.POP3D} if runs else set())
    plan = ReloadPlan((Step(Daemon.POP3D, action, ()),))
    assert carry_out(plan, host, frozenset(), HASTY) == ()
    assert host.is_running(Daemon.POP3D) is not runs
    deaf = Scripted({Daemon.POP3D} if runs else set())
    assert carry_out(plan, deaf, frozenset(), HASTY) == (f"pop3d did not {action}",)


def test_a_daemon_that_nobody_knows_how_to_tell_is_reported() -> None:
    plan = ReloadPlan((Step(Daemon.SOCKD, Action.STOP_START, ()),))
    (trouble,) = carry_out(plan, Scripted({Daemon.SOCKD}), frozenset({Daemon.SOCKD}), HASTY)
    assert trouble == "nothing is known of how to stop and start sockd: do it by hand"


@pytest.mark.parametrize("recovers", [True, False])
def test_when_a_daemon_does_not_come_back_the_generation_before_does(tmp_path: Path, recovers: bool) -> None:
    place = Place(tmp_path)
    good, bad = (file("me", word, touches=BOTH) for word in ("good", "bad"))
    apply([good], manifest(good), place, FREE)
    outcome = apply([bad], manifest(bad), place, FREE)

    class Picky(Scripted):
        """Lives only with the right name."""

        def run(self, command: tuple[str, ...]) -> str:
            super().run(command)
            right = recovers and place.path(f"{ETC}/me").read_text() == "good"
            (self.alive.add if right else self.alive.discard)(Daemon(command[0]))
            return ""

    host = Picky(set(BOTH))
    outcome = replace(outcome, reload=PLAN)
    end = "and they are well" if recovers else "but not all is well: courierd did not come back"
    with pytest.raises(CourierSiteError, match=f"esmtpd did not come back; generation 2 is in force again.*{end}"):
        require_daemons(place, outcome, host, BOTH, owners=False, patience=HASTY)
    assert place.path(f"{ETC}/me").read_text() == "good"
    assert in_force(place).number == 2
    assert host.ran == ["courierd stop and start", "esmtpd restart", "courierd restart", "esmtpd restart"]


def test_when_all_daemons_come_back_the_new_generation_stays(tmp_path: Path) -> None:
    place = Place(tmp_path)
    outcome = apply([file("me")], manifest(file("me")), place, FREE)
    require_daemons(place, replace(outcome, reload=PLAN), Scripted(set(BOTH)), BOTH, owners=False, patience=HASTY)
    assert in_force(place).number == outcome.number
