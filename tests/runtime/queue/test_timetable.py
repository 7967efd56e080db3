"""When mail is tried again, as observed on the real Courier 1.0.16."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.terms import Terms
from courier_runtime.queue.timetable import Levels, Step, Timetable, expired
from courier_runtime.spool.composition import accepted
from courier_schema.legacy.tables.control import Control
from runtime.spools import NOON, envelope

MESSAGE = accepted(MessageId(1, 2, 3), envelope("a@x.org", "b@x.org"), Terms(), NOON, 1, None)


def gaps(table: Timetable, count: int) -> list[float]:
    return [table.gap(attempt) for attempt in range(1, count + 1)]


def test_with_the_defaults_the_gaps_are_those_that_were_observed() -> None:
    minutes = [gap / 60 for gap in gaps(Timetable.of(Control()), 13)]
    assert minutes == [5, 5, 30, 5, 5, 60, 5, 5, 120, 5, 5, 120, 5]


def test_with_small_numbers_the_gaps_are_those_that_were_observed() -> None:
    control = Control(retryalpha="2s", retrybeta=3, retrygamma="4s", retrymaxdelta=2)
    assert gaps(Timetable.of(control), 9) == [2, 2, 8, 2, 2, 16, 2, 2, 16]


def test_attempts_without_a_notice_fall_on_the_observed_minutes() -> None:
    table = Timetable()
    at, minutes = 0.0, [0.0]
    for attempt in range(1, 12):
        at += table.gap(attempt) / 60
        minutes.append(at)
    assert minutes == [0, 5, 10, 40, 45, 50, 110, 115, 120, 240, 245, 250]


def test_a_notice_swallows_a_step() -> None:
    table = Timetable()
    at_245 = 240 + table.gap(11) / 60
    assert at_245 == 245
    assert at_245 + table.gap(12) / 60 == 365


@given(st.integers(0, 10_000), st.integers(0, 9), st.integers(0, 40), st.integers(0, 20))
def test_a_gap_is_alpha_or_gamma_doubled_at_most_maxdelta_times(n: int, beta: int, gamma: int, delta: int) -> None:
    gap = Timetable(7.0, beta, float(gamma), delta).gap(n)
    assert gap == 7.0 or gap <= gamma * 2**delta
    if beta > 1 and n % beta:
        assert gap == 7.0


def test_the_sender_is_warned_once_and_only_when_the_time_has_come() -> None:
    table = Timetable()
    assert table.step(MESSAGE, MESSAGE.warns - 1) is Step.WAIT
    assert table.step(MESSAGE, MESSAGE.warns) is Step.WARN
    assert table.step(replace(MESSAGE, is_warned=True), MESSAGE.warns) is Step.WAIT
    assert table.step(replace(MESSAGE, warns=0.0), MESSAGE.expires) is Step.WAIT


@pytest.mark.parametrize(
    ("said", "host", "module"), [("relay.example", "relay.example", "esmtp"), ("neighbour uucp", "neighbour", "uucp")]
)
def test_a_backup_relay_takes_the_place_of_the_warning(said: str, host: str, module: str) -> None:
    table = Timetable.of(Control(backuprelay=said))
    assert (table.backup_host, table.backup_module) == (host, module)
    assert table.step(MESSAGE, MESSAGE.warns) is Step.BACK_UP


def test_faxes_expire_earlier_than_mail() -> None:
    assert expired(MESSAGE, (0, 1), frozenset({1}), MESSAGE.fax_expires - 1) == ()
    assert expired(MESSAGE, (0, 1), frozenset({1}), MESSAGE.fax_expires) == (1,)
    assert expired(MESSAGE, (0, 1), frozenset({1}), MESSAGE.expires) == (0, 1)


def test_terms_are_read_from_the_control_files() -> None:
    control = Control(queuetime="1w2d", faxqueuetime="1h", warntime="0", submitdelay="90")
    assert Terms.of(control) == Terms(queue=777600, fax_queue=3600, warning=0, delay=90)
    assert Terms.of(Control()) == Terms()
    assert Terms.of(Control(queuetime=None, warntime=None, faxqueuetime=None, submitdelay=None)) == Terms()


@pytest.mark.parametrize(
    ("control", "deliveries", "low", "high"),
    [
        (Control(), 59, 200, 400),
        (Control(), 300, 300, 600),
        (Control(), 500, 500, 1500),
        (Control(queuelo=5), 59, 20, 40),
        (Control(queuelo=50, queuehi=60), 59, 50, 60),
        (Control(queuelo=50, queuehi=10), 59, 50, 50),
    ],
)
def test_how_much_is_in_hand_follows_queuelo_and_queuehi(
    control: Control, deliveries: int, low: int, high: int
) -> None:
    levels = Levels.of(control, deliveries)
    assert (levels.low, levels.high) == (low, high)
    assert levels.refill == 300
