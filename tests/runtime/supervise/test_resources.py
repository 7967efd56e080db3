"""What gets scarce is said once, in the log, the metrics and the health, and so is the end of it."""

from __future__ import annotations

from courier_runtime.observe.clock import FrozenClock
from courier_runtime.observe.log import ListLog
from courier_runtime.observe.metrics import PrometheusMetrics
from courier_runtime.supervise.resources import Resources, open_descriptors

PLENTY = (1 << 40, 1 << 20)


class Machine:
    """A machine whose disk and descriptors are what a test says."""

    def __init__(self) -> None:
        self.room = PLENTY
        self.descriptors = (20, 1024)
        self.shortages = 3.0
        self.log = ListLog()
        self.metrics = PrometheusMetrics()
        self.watched = Resources(
            room=lambda: self.room,
            descriptors=lambda: self.descriptors,
            shortages=lambda: self.shortages,
            log=self.log,
            metrics=self.metrics,
            clock=FrozenClock(),
        )


def test_nothing_is_said_while_there_is_enough() -> None:
    machine = Machine()
    machine.watched.look()
    assert (machine.watched.trouble, machine.log.lines) == ("", [])
    assert b"courier_spool_free_bytes 1.099511627776e+12" in machine.metrics.text()


def test_a_full_disk_is_trouble_until_there_is_room_again() -> None:
    machine = Machine()
    machine.room = (3 << 20, 10)
    machine.watched.look()
    machine.watched.look()
    assert machine.watched.trouble == (
        "low on disk space: 3 MiB are left for the spool; low on inodes: 10 are left for the spool"
    )
    machine.room = PLENTY
    machine.watched.look()
    assert machine.watched.trouble == ""
    assert machine.log.lines == [
        "courierd: low on disk space: 3 MiB are left for the spool",
        "courierd: low on inodes: 10 are left for the spool",
        "courierd: room and descriptors suffice again",
    ]


def test_a_change_of_the_number_is_not_said_again() -> None:
    machine = Machine()
    for used in (1000, 1010, 1020):
        machine.descriptors = (used, 1024)
        machine.watched.look()
    assert machine.log.lines == ["courierd: low on descriptors: 1000 of 1024 are open, so clients may be turned away"]
    assert "1020 of 1024" in machine.watched.trouble


def test_a_shortage_that_is_over_before_anybody_looks_is_said_all_the_same() -> None:
    machine = Machine()
    machine.watched.look()
    assert machine.watched.trouble == ""
    machine.shortages += 1
    machine.watched.look()
    said = "low on descriptors: of 1024 hardly one was left a moment ago, so clients may be turned away"
    assert machine.watched.trouble == said
    machine.shortages += 1
    machine.watched.look()
    machine.watched.look()
    assert machine.watched.trouble == ""
    assert machine.log.lines == [f"courierd: {said}", "courierd: room and descriptors suffice again"]


def test_descriptors_are_counted() -> None:
    before, most = open_descriptors()
    with open(__file__), open(__file__):  # noqa: PTH123 - two descriptors
        assert open_descriptors() == (before + 2, most)
