"""After a change: which daemon has to hear of it, how it is told, and what happens when it does not come back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from compiler.applied_hosts import ETC, FREE, file, manifest
from courier_compiler.applying import reload
from courier_compiler.applying.apply import apply
from courier_compiler.applying.confirmation import require_daemons
from courier_compiler.applying.generations import in_force
from courier_compiler.applying.installed import Change, MemoryTree, Place, compare
from courier_compiler.applying.reload import (
    ORDER,
    Action,
    Patience,
    PlainServices,
    ReloadPlan,
    Step,
    SystemdServices,
    carry_out,
    known_to,
    plan_reload,
    running,
    services,
    touches_of,
)
from courier_compiler.artefact import Artefact, Daemon
from courier_compiler.profile import load_profile
from courier_schema.report import CourierSiteError

PROFILE = load_profile("debian-12")
SMTP = frozenset({Daemon.ESMTPD, Daemon.ESMTPD_MSA, Daemon.ESMTPD_SSL})
HASTY = Patience(0, 0)


def _changes(*artefacts: Artefact) -> tuple[Change, ...]:
    return compare(artefacts, MemoryTree({}))


def _plan(*artefacts: Artefact) -> dict[Daemon, Action]:
    changes = _changes(*artefacts)
    touches = touches_of(changes, PROFILE, known_to(artefacts))
    return {step.daemon: step.action for step in plan_reload(changes, touches, PROFILE).steps}


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


def test_of_files_that_nobody_knows_the_readers_of_all_daemons_are_told_or_those_that_start_with_them() -> None:
    assert _plan(file("unknown")).keys() == set(Daemon)
    assert _plan(file("esmtpd")) == dict.fromkeys(SMTP, Action.STOP_START)


def test_what_either_generation_knows_counts() -> None:
    changes = _changes(file("me"))
    one, other = ({f"{ETC}/me": frozenset({daemon})} for daemon in (Daemon.COURIERD, Daemon.ESMTPD))
    assert touches_of(changes, PROFILE, one, other) == {f"{ETC}/me": frozenset({Daemon.COURIERD, Daemon.ESMTPD})}


def test_files_of_the_authentication_library_are_known_in_its_own_directory() -> None:
    profile = load_profile("upstream-2.0")
    path = f"{profile.layout.authdir}/authdaemonrc".lstrip("/")
    changes = _changes(Artefact(path, b""))
    plan = plan_reload(changes, touches_of(changes, profile), profile)
    assert plan == ReloadPlan((Step(Daemon.AUTHDAEMOND, Action.STOP_START, (path,)),))


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


def test_units_are_started_by_systemd_but_told_to_read_again_by_courier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def answer(command: tuple[str, ...]) -> str:
        asked.append(command)
        return "" if command[-1] == "courier-mta.service" else "inactive"

    monkeypatch.setattr(reload, "_run", answer)
    systemd = SystemdServices(PlainServices(Place(tmp_path), PROFILE))
    restart = ("systemctl", "restart", "courier-mta.service")
    assert systemd.commands(_step(Daemon.ESMTPD, Action.STOP_START)) == (restart,)
    assert systemd.commands(_step(Daemon.ESMTPD, Action.RESTART)) == (("/usr/sbin/esmtpd", "restart"),)
    assert systemd.commands(_step(Daemon.POP3D, Action.STOP_START))[0] == ("/usr/sbin/pop3d", "stop")
    assert systemd.is_running(Daemon.ESMTPD)
    assert not systemd.is_running(Daemon.POP3D)
    assert ("systemctl", "is-active", "--quiet", "courier-pop.service") in asked
    assert systemd.run(("anything",)) == "inactive"


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


def test_a_daemon_that_nobody_knows_how_to_tell_is_reported() -> None:
    plan = ReloadPlan((Step(Daemon.SOCKD, Action.STOP_START, ()),))
    (trouble,) = carry_out(plan, Scripted({Daemon.SOCKD}), frozenset({Daemon.SOCKD}), HASTY)
    assert trouble == "nothing is known of how to stop and start sockd: do it by hand"


@pytest.mark.parametrize("recovers", [True, False])
def test_when_a_daemon_does_not_come_back_the_generation_before_does(tmp_path: Path, recovers: bool) -> None:
    place = Place(tmp_path)
    good, bad = file("me", "good"), file("me", "bad")
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
    end = "and they are well" if recovers else "but not all is well: courierd did not come back"
    with pytest.raises(CourierSiteError, match=f"esmtpd did not come back; generation 2 is in force again.*{end}"):
        require_daemons(place, outcome, PLAN, host, BOTH, owners=False, patience=HASTY)
    assert place.path(f"{ETC}/me").read_text() == "good"
    assert in_force(place).number == 2
    assert host.ran == ["courierd stop and start", "esmtpd restart"] * 2


def test_when_all_daemons_come_back_the_new_generation_stays(tmp_path: Path) -> None:
    place = Place(tmp_path)
    outcome = apply([file("me")], manifest(file("me")), place, FREE)
    require_daemons(place, outcome, PLAN, Scripted(set(BOTH)), BOTH, owners=False, patience=HASTY)
    assert in_force(place).number == outcome.number
