"""Confirmation: a generation that nobody confirms in time, or that a daemon does not survive, is taken back.

The deadline is part of what an apply commits. Three look after it: the command that applied, a watcher in a session of
its own that outlives the terminal, and, should the machine have stopped meanwhile, every later command. Run as a
program, this module is the watcher.
"""

from __future__ import annotations

import subprocess
import sys
import syslog
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from courier_compiler.applying import generations
from courier_compiler.applying.apply import Outcome, require_state, return_to, rollback, speaking
from courier_compiler.applying.durable import Disk
from courier_compiler.applying.installed import Place
from courier_compiler.applying.journal import finish
from courier_compiler.applying.lock import held
from courier_compiler.applying.reload import (
    PATIENT,
    Patience,
    Services,
    carry_out,
    running,
    services,
)
from courier_compiler.applying.staging import Options, target
from courier_compiler.artefact import Daemon
from courier_schema.report import CourierSiteError

_LOOK: float = 0.2
"""Seconds between two looks at whether somebody confirmed."""


def confirm(place: Place, disk: Disk | None = None) -> int:
    """Keep the generation in force; its number. CourierSiteError when none waits for that."""
    disk = disk or Disk()
    require_state(place)
    with held(place, "courier-compile apply --confirmed", wait=True), speaking(place, disk):
        finish(place, disk)
        record = generations.in_force(place)
        if record.pending is None:
            raise CourierSiteError("no generation waits to be confirmed: it was confirmed or taken back before")
        generations.settle(place, replace(record, pending=None), disk)
        return record.number


def take_back(place: Place, number: int, host: Services | None = None) -> Outcome | None:
    """Return to the generation before, whatever was edited meanwhile; None when this one waits no longer.

    `host` are the daemons to tell if the apply told them, this machine's unless given.
    """
    disk = Disk()
    with held(place, "courier-compile, taking back what was not confirmed", wait=True), speaking(place, disk):
        finish(place, disk)
        record = generations.in_force(place)
        if record.pending is None or record.number != number:
            return None
        pending = record.pending
        options = Options(owners=pending.owners, adopt_all=True, overwrite_drift=True)
        back = generations.find(place, str(pending.back_to))
        outcome = return_to(place, back, options, disk)
        if pending.reload:
            host = host or services(place, target(generations.load(back.path).manifest))
            if not carry_out(outcome.reload, host, running(host)):
                _settle_told(place, outcome, disk)
    return outcome


def _settle_told(place: Place, outcome: Outcome, disk: Disk) -> None:
    """Remember that the daemons heard all they had to, unless there is more by now. The caller holds the host."""
    record = generations.in_force(place)
    if record.untold and record.untold == outcome.reload.steps:
        generations.settle(place, replace(record, untold=()), disk)


def require_daemons(
    place: Place,
    outcome: Outcome,
    host: Services,
    ran: frozenset[Daemon],
    owners: bool = True,
    patience: Patience = PATIENT,
) -> None:
    """Tell the daemons that ran before a change of it. If one does not come back, the generation before is put into
    force again, the daemons are told of that, and CourierSiteError says why."""
    trouble = _tell(place, outcome, host, ran, patience)
    if not trouble:
        return
    if outcome.back_to is None:
        raise CourierSiteError("; ".join(trouble))
    options = Options(owners=owners, adopt_all=True, overwrite_drift=True)
    again = _tell(place, rollback(place, str(outcome.back_to), options), host, ran, patience)
    state = "and they are well" if not again else f"but not all is well: {'; '.join(again)}"
    raise CourierSiteError(
        f"{'; '.join(trouble)}; generation {outcome.back_to} is in force again, its daemons were told {state}"
    )


def _tell(
    place: Place, outcome: Outcome, host: Services, ran: frozenset[Daemon], patience: Patience
) -> tuple[str, ...]:
    """Tell daemons all that they have to hear; what went wrong. When nothing did, nothing is left to be told."""
    trouble = carry_out(outcome.reload, host, ran, patience)
    if not trouble and outcome.reload.steps:
        disk = Disk()
        with held(place, "courier-compile, telling the daemons", wait=True), speaking(place, disk):
            finish(place, disk)
            _settle_told(place, outcome, disk)
    return trouble


def honour(place: Place) -> None:
    """Take back what should have been taken back while nobody was there. CourierSiteError says so."""
    record = generations.in_force(place)
    if record.pending is not None and time.time() >= record.pending.deadline:
        take_back(place, record.number)
        raise CourierSiteError(
            f"generation {record.number} was not confirmed in time and has now been taken back; say this again if you"
            " still want it"
        )


def wait(place: Place, number: int) -> bool:
    """Until a generation is confirmed or taken back; whether it is confirmed. The deadline is honoured here, too."""
    while True:
        record = generations.in_force(place)
        if record.number != number:
            return False
        if record.pending is None:
            return True
        if time.time() >= record.pending.deadline:
            take_back(place, number)
            return False
        time.sleep(_LOOK)


def deadline(place: Place) -> str:
    """When the generation in force will be taken back, for people."""
    pending = generations.in_force(place).pending
    return "never" if pending is None else datetime.fromtimestamp(pending.deadline, UTC).strftime("%H:%M:%S UTC")


def start_watcher(place: Place) -> None:
    """Start the watcher of the apply that holds the host; it waits until that is done."""
    module = "courier_compiler.applying.confirmation"
    program = (sys.executable, "-m", module, str(place.root.resolve()), place.sysconfdir)
    subprocess.Popen(
        program,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def watch(place: Place) -> bool:
    """Wait for the apply that holds the host, then until what it applied is confirmed; whether it is."""
    disk = Disk()
    with held(place, "courier-compile, waiting for a confirmation", wait=True), speaking(place, disk):
        finish(place, disk)
        record = generations.in_force(place)
    return record.pending is None or wait(place, record.number)


def main() -> None:
    root, sysconfdir = sys.argv[1:]
    syslog.openlog("courier-compile", syslog.LOG_PID, syslog.LOG_MAIL)
    try:
        kept = watch(Place(Path(root), sysconfdir))
    except CourierSiteError as error:
        syslog.syslog(syslog.LOG_ERR, f"cannot take back an unconfirmed generation: {error}")
    else:
        if not kept:
            syslog.syslog(syslog.LOG_WARNING, "a generation was not confirmed in time and has been taken back")


if __name__ == "__main__":
    main()
