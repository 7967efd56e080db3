"""The states of a message in the spool, as a table: what leads from one to the next, and what is on the disk by then.

INTERNALS.md tells the same in prose. Every implementation moves messages through `after`, so a transition that the
table does not know cannot happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Stage(Enum):
    """Where a message stands."""

    WRITTEN = "written"
    """A draft: nobody is responsible for it yet but its sender."""
    WAITING = "waiting"
    """Safe, and nobody is at work on it."""
    LEASED = "leased"
    """Safe, and in the hands of one worker."""
    HELD = "held"
    """Safe, and not to be tried until it is freed."""
    GONE = "gone"
    """Served and reported, or never accepted."""


class Verb(Enum):
    """What happens to a message."""

    COMMIT = "commit"
    ABORT = "abort"
    LEASE = "lease"
    RECORD = "record"
    SETTLE = "settle"
    RELEASE = "release"
    REMOVE = "remove"
    HOLD = "hold"
    FREE = "free"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table."""

    before: Stage
    verb: Verb
    after: Stage
    disk: str
    """What the disk holds when the transition has happened."""


TABLE: Final = (
    Transition(Stage.WRITTEN, Verb.COMMIT, Stage.LEASED, "the message, synced: the instant of responsibility"),
    Transition(Stage.WRITTEN, Verb.ABORT, Stage.GONE, "nothing that recovery would keep"),
    Transition(Stage.WRITTEN, Verb.RESTART, Stage.GONE, "remains of the text, which recovery deletes"),
    Transition(Stage.WAITING, Verb.LEASE, Stage.LEASED, "nothing new: leases live in memory"),
    Transition(Stage.WAITING, Verb.HOLD, Stage.HELD, "the hold, written"),
    Transition(Stage.WAITING, Verb.RESTART, Stage.WAITING, "nothing new"),
    Transition(Stage.LEASED, Verb.RECORD, Stage.LEASED, "some outcomes, written"),
    Transition(Stage.LEASED, Verb.SETTLE, Stage.WAITING, "all outcomes and the next attempt, written"),
    Transition(Stage.LEASED, Verb.RELEASE, Stage.WAITING, "nothing new"),
    Transition(Stage.LEASED, Verb.REMOVE, Stage.GONE, "the removal, written; the text until the next checkpoint"),
    Transition(Stage.LEASED, Verb.HOLD, Stage.LEASED, "the hold, written; it takes effect with the lease's end"),
    Transition(Stage.LEASED, Verb.FREE, Stage.LEASED, "the end of the hold, written"),
    Transition(Stage.LEASED, Verb.RESTART, Stage.WAITING, "nothing new"),
    Transition(Stage.HELD, Verb.HOLD, Stage.HELD, "nothing new"),
    Transition(Stage.HELD, Verb.FREE, Stage.WAITING, "the end of the hold, written"),
    Transition(Stage.HELD, Verb.RESTART, Stage.HELD, "nothing new"),
    Transition(Stage.WAITING, Verb.FREE, Stage.WAITING, "nothing new"),
)
"""*Written*: in the page cache, which outlives the process. *Synced*: on the disk, which outlives a power failure."""

_AFTER: Final = {(row.before, row.verb): row.after for row in TABLE}


def after(stage: Stage, verb: Verb) -> Stage:
    """Where the verb leads. AssertionError if the table does not know it: a defect of the caller."""
    found = _AFTER.get((stage, verb))
    if found is None:
        raise AssertionError(f"a message that is {stage.value} cannot undergo {verb.value}")
    return found
