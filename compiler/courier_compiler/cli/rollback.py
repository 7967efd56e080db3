"""rollback: put a generation that this host had before into force again, byte for byte."""

from __future__ import annotations

import argparse

from courier_compiler.applying import confirmation, generations
from courier_compiler.applying.apply import preview, recover, rollback
from courier_compiler.applying.installed import Place
from courier_compiler.applying.reload import known_to, plan_reload, running, services, touches_of
from courier_compiler.applying.staging import target
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_format, progress
from courier_compiler.cli._host import (
    add_root,
    current_touches,
    find_place,
    permissions,
    print_problems,
    say,
    say_changes,
    say_reload,
    services_to_tell,
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_root(parser)
    add_format(parser)
    parser.add_argument("--to", metavar="N|ID", help="generation to return to (the one before that in force)")
    parser.add_argument("--list", action="store_true", help="list the generations that are kept")


def run(options: argparse.Namespace) -> int:
    place = find_place(options)
    if options.list:
        return _list(options, place)
    if options.dry_run:
        return _preview(options, place)
    recover(place)
    generation = generations.find(place, options.to)
    stored = generations.load(generation.path)
    profile = target(stored.manifest)
    host = services_to_tell(options, place, profile)
    ran = running(host) if host is not None else frozenset()
    before = current_touches(place)
    with progress("rolling back"):
        outcome = rollback(place, str(generation.number), permissions(options))
    if outcome.problems:
        return print_problems(outcome, options)
    say_changes(options, outcome.changes)
    say(options, f"generation {generation.number} ({generation.id}) is in force")
    touches = touches_of(outcome.changes, profile, before, known_to(stored.artefacts))
    plan = plan_reload(outcome.changes, touches, profile)
    if options.reload == "print":
        say_reload(options, plan, services(place, profile))
    if host is not None and outcome.number is not None:
        with progress("telling the daemons"):
            confirmation.require_daemons(place, outcome, plan, host, ran, not options.no_owners)
    return 0


def _preview(options: argparse.Namespace, place: Place) -> int:
    stored = generations.load(generations.find(place, options.to).path)
    outcome = preview(stored.artefacts, stored.manifest, place, permissions(options))
    say_changes(options, outcome.changes)
    say(options, f"{len(outcome.changes)} changes, checksum {outcome.checksum}")
    return print_problems(outcome, options)


def _list(options: argparse.Namespace, place: Place) -> int:
    number = generations.in_force(place).number
    for generation in generations.kept(place):
        mark = "*" if generation.number == number else " "
        about = "as found, not made by us" if generation.found else ""
        say(options, f"{mark} {generation.number:4} {generation.id} {about}".rstrip())
    return 0


VERB = Verb("put a generation that this host had before into force again", configure, run)
