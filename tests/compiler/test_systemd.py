"""Daemons that systemd runs: what is asked of systemctl, and what a host with units does when a change is applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.applied_hosts import FREE, file, manifest
from courier_compiler.applying.apply import apply
from courier_compiler.applying.confirmation import require_daemons
from courier_compiler.applying.generations import in_force
from courier_compiler.applying.installed import Place
from courier_compiler.applying.reload import (
    Action,
    Patience,
    PlainServices,
    ReloadPlan,
    Step,
    SystemdServices,
    carry_out,
    running,
)
from courier_compiler.artefact import Daemon
from courier_compiler.profile import load_profile
from courier_schema.report import CourierSiteError

PROFILE = load_profile("debian-12")
HASTY = Patience(0, 0)

SYSTEMCTL = """#!/bin/sh
# systemctl(1) as far as it matters: a file below active/ and enabled/ for each unit, broken/ for those that fail.
echo "$*" >> {state}/calls
verb=$1; shift
now=no
while case "$1" in --*) true ;; *) false ;; esac; do test "$1" = --now && now=yes; shift; done
unit=$1
up() {{
    rm -f {state}/active/$unit
    if test -e {state}/broken/$unit; then
        echo "Job for $unit failed because the control process exited with error code." >&2
        exit 1
    fi
    touch {state}/active/$unit
}}
case $verb in
is-active) test -e {state}/active/$unit || exit 3 ;;
start) test -e {state}/active/$unit || up ;;
restart) up ;;
stop) rm -f {state}/active/$unit ;;
enable) touch {state}/enabled/$unit; if test $now = yes && test ! -e {state}/active/$unit; then up; fi ;;
disable) rm -f {state}/enabled/$unit; if test $now = yes; then rm -f {state}/active/$unit; fi ;;
*) echo "Unknown command verb $verb." >&2; exit 1 ;;
esac
exit 0
"""


class Units:
    """The units of a host, behind a systemctl that stands first on the PATH."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._state = directory / "systemd"
        for name in ("active", "enabled", "broken", "bin"):
            (self._state / name).mkdir(parents=True)
        program = self._state / "bin/systemctl"
        program.write_text(SYSTEMCTL.format(state=self._state))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{self._state}/bin:/usr/bin:/bin")
        self.services = SystemdServices(PlainServices(Place(directory), PROFILE))

    def given(self, *units: str) -> None:
        for unit in units:
            (self._state / "active" / unit).touch()
            (self._state / "enabled" / unit).touch()

    def break_(self, unit: str) -> None:
        (self._state / "broken" / unit).touch()

    def among(self, state: str) -> set[str]:
        return {path.name for path in (self._state / state).iterdir()}

    def changes(self) -> list[str]:
        """What was asked for, questions left out."""
        calls = (self._state / "calls").read_text().splitlines()
        return [call for call in calls if not call.startswith("is-active")]


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Units:
    return Units(tmp_path, monkeypatch)


def _do(units: Units, daemon: Daemon, action: Action) -> tuple[str, ...]:
    host = units.services
    return carry_out(ReloadPlan((Step(daemon, action, ()),)), host, running(host), HASTY)


def test_a_daemon_runs_while_its_unit_is_active(units: Units) -> None:
    units.given("courier-mta.service", "courier.service")
    assert running(units.services) == {Daemon.ESMTPD, Daemon.COURIERD}


def test_a_daemon_that_starts_with_a_file_is_restarted_as_a_unit(units: Units) -> None:
    units.given("courier-mta.service")
    assert _do(units, Daemon.ESMTPD, Action.STOP_START) == ()
    assert units.changes() == ["restart courier-mta.service"]


def test_a_unit_that_reads_its_databases_again_is_told_by_couriers_own_command(units: Units) -> None:
    units.given("courier-mta.service")
    step = Step(Daemon.ESMTPD, Action.RESTART, ())
    assert units.services.commands(step) == (("/usr/sbin/esmtpd", "restart"),)


def test_a_listener_that_is_opened_is_enabled_and_started(units: Units) -> None:
    assert _do(units, Daemon.POP3D_SSL, Action.START) == ()
    assert units.changes() == ["enable --now courier-pop-ssl.service"]
    assert units.among("active") == units.among("enabled") == {"courier-pop-ssl.service"}


def test_a_listener_that_ran_before_it_was_opened_starts_again_with_its_new_files(units: Units) -> None:
    units.given("courier-pop-ssl.service")
    assert _do(units, Daemon.POP3D_SSL, Action.START) == ()
    assert units.changes() == ["enable --now courier-pop-ssl.service", "restart courier-pop-ssl.service"]


def test_a_listener_that_is_closed_is_disabled_and_stopped(units: Units) -> None:
    units.given("courier-imap.service", "courier-imap-ssl.service")
    assert _do(units, Daemon.IMAPD, Action.STOP) == ()
    assert units.changes() == ["disable --now courier-imap.service"]
    assert units.among("active") == units.among("enabled") == {"courier-imap-ssl.service"}


def test_a_unit_that_was_not_active_is_left_alone(units: Units) -> None:
    units.given("courier-mta.service")
    assert _do(units, Daemon.COURIERD, Action.STOP_START) == ()
    assert units.changes() == []


def test_a_daemon_without_a_unit_is_told_plainly(units: Units) -> None:
    step = Step(Daemon.LDAPALIASD, Action.STOP_START, ())
    assert units.services.commands(step)[0][1] == "stop"


def test_what_systemctl_complains_of_is_quoted(units: Units) -> None:
    units.given("courier-mta.service")
    units.break_("courier-mta.service")
    complaint, absent = _do(units, Daemon.ESMTPD, Action.STOP_START)
    assert complaint.startswith("systemctl restart courier-mta.service: Job for courier-mta.service failed")
    assert absent == "esmtpd did not come back"


def test_a_unit_that_does_not_start_takes_the_change_back(units: Units, tmp_path: Path) -> None:
    place = Place(tmp_path)
    pop3d = {word: file("pop3d", f"POP3DSTART={word}\n", touches=frozenset({Daemon.POP3D})) for word in ("NO", "YES")}
    apply([pop3d["NO"]], manifest(pop3d["NO"]), place, FREE)
    units.break_("courier-pop.service")
    outcome = apply([pop3d["YES"]], manifest(pop3d["YES"]), place, FREE)
    with pytest.raises(CourierSiteError, match="pop3d did not start; generation 2 is in force again"):
        require_daemons(place, outcome, units.services, frozenset(), owners=False, patience=HASTY)
    assert place.path("etc/courier/pop3d").read_text() == "POP3DSTART=NO\n"
    assert units.changes() == ["enable --now courier-pop.service", "disable --now courier-pop.service"]
    assert units.among("enabled") == set()
    assert in_force(place).untold == ()
