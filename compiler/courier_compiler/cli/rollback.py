"""rollback: put a generation that this host had before into force again, byte for byte."""

from __future__ import annotations

import argparse

from courier_compiler.applying import confirmation, generations
from courier_compiler.applying.apply import preview, recover, rollback
from courier_compiler.applying.installed import Place
from courier_compiler.applying.reload import running, services
from courier_compiler.applying.staging import target
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_format, progress
from courier_compiler.cli._host import (
    Record,
    add_root,
    find_place,
    permissions,
    recording,
    services_to_tell,
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_root(parser)
    add_format(parser)
    parser.add_argument("--to", metavar="N|ID", help="generation to return to (the one before that in force)")
    parser.add_argument("--list", action="store_true", help="list the generations that are kept")


def run(options: argparse.Namespace) -> int:
    with recording(options) as record:
        place = find_place(options)
        if options.list:
            return _list(place, record)
        return (_preview if options.dry_run else _return)(options, place, record)


def _return(options: argparse.Namespace, place: Place, record: Record) -> int:
    recover(place)
    generation = generations.find(place, options.to)
    profile = target(generations.load(generation.path).manifest)
    host = services_to_tell(options, place, profile)
    ran = running(host) if host is not None else frozenset()
    with progress("rolling back"):
        outcome = rollback(place, str(generation.number), permissions(options))
    record.note(outcome)
    if outcome.problems:
        return record.print()
    record.say_changes(outcome.changes)
    record.in_force(generation.number, generation.id)
    if options.reload == "print":
        record.say_reload(outcome.reload, services(place, profile))
    if host is not None:
        with progress("telling the daemons"):
            confirmation.require_daemons(place, outcome, host, ran, not options.no_owners)
    return record.print()


def _preview(options: argparse.Namespace, place: Place, record: Record) -> int:
    stored = generations.load(generations.find(place, options.to).path)
    outcome = preview(stored.artefacts, stored.manifest, place, permissions(options), mark=None)
    record.note(outcome)
    record.say_changes(outcome.changes)
    record.say(f"{len(outcome.changes)} changes, checksum {outcome.checksum}")
    return record.print()


def _list(place: Place, record: Record) -> int:
    number = generations.in_force(place).number
    kept = generations.kept(place)
    record.facts["generations"] = [
        {"number": one.number, "id": one.id, "found": one.found, "in_force": one.number == number} for one in kept
    ]
    for generation in kept:
        mark = "*" if generation.number == number else " "
        about = "as found, not made by us" if generation.found else ""
        record.say(f"{mark} {generation.number:4} {generation.id} {about}".rstrip())
    return record.print()


VERB = Verb("put a generation that this host had before into force again", configure, run)
