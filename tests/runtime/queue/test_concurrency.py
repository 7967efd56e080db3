"""Who may deliver now: limits of modules and hosts, and fairness between hosts."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.queue.concurrency import Turns
from courier_runtime.snapshot.model import ModuleLimits

Job = tuple[str, str, int]
LIMITS = {
    "esmtp": ModuleLimits("esmtp", priority=50, max_deliveries=3, max_per_host=2),
    "local": ModuleLimits("local", priority=10, max_deliveries=2, max_per_host=1),
}


def turns(*jobs: Job) -> Turns[Job]:
    made: Turns[Job] = Turns(LIMITS)
    for job in jobs:
        made.put(job[0], job[1], job)
    return made


def taken(made: Turns[Job]) -> list[Job]:
    found = []
    while (job := made.take()) is not None:
        found.append(job)
    return found


def test_a_host_gets_no_more_than_maxhost_and_a_module_no_more_than_maxdels() -> None:
    made = turns(*(("esmtp", "a", n) for n in range(5)))
    assert [job[2] for job in taken(made)] == [0, 1]
    made = turns(*(("esmtp", host, 0) for host in "abcde"))
    assert [job[1] for job in taken(made)] == ["a", "b", "c"]
    assert made.running == 3


def test_the_larger_priority_comes_first() -> None:
    made = turns(("local", "x", 0), ("esmtp", "a", 0))
    assert [job[0] for job in taken(made)] == ["esmtp", "local"]


def test_the_host_that_was_served_least_recently_comes_next() -> None:
    made = turns(("esmtp", "a", 0), ("esmtp", "a", 1), ("esmtp", "a", 2), ("esmtp", "b", 0), ("esmtp", "c", 0))
    assert [job[1:] for job in taken(made)] == [("a", 0), ("b", 0), ("c", 0)]
    made.put("esmtp", "b", ("esmtp", "b", 1))
    made.leave("esmtp", "b")
    assert [job[1:] for job in taken(made)] == [("a", 1)]
    made.leave("esmtp", "a")
    made.leave("esmtp", "c")
    assert [job[1:] for job in taken(made)] == [("b", 1), ("a", 2)]


def test_a_module_without_limits_of_its_own_does_one_thing_at_a_time() -> None:
    made = turns(("fax", "x", 0), ("fax", "y", 1))
    assert taken(made) == [("fax", "x", 0)]


def test_new_limits_hold_for_what_starts_from_now_on() -> None:
    made = turns(*(("local", host, 0) for host in "abcd"))
    assert len(taken(made)) == 2
    made.adopt({"local": ModuleLimits("local", max_deliveries=4, max_per_host=1)})
    assert len(taken(made)) == 2


def test_what_waits_can_be_forgotten_and_what_runs_still_ends() -> None:
    made = turns(*(("local", "a", n) for n in range(3)))
    assert len(taken(made)) == 1
    made.clear()
    made.leave("local", "a")
    assert made.running == 0
    assert taken(made) == []
    made.put("local", "a", ("local", "a", 9))
    assert taken(made) == [("local", "a", 9)]


@given(st.lists(st.tuples(st.sampled_from(["esmtp", "local"]), st.sampled_from("abc")), max_size=60), st.integers())
def test_everything_has_its_turn_once_and_no_limit_is_ever_exceeded(wanted: list[tuple[str, str]], seed: int) -> None:
    pick = Random(seed).randrange
    made: Turns[Job] = Turns(LIMITS)
    running: list[Job] = []
    served: list[Job] = []
    for number, (module, host) in enumerate(wanted):
        made.put(module, host, (module, host, number))
        running += taken(made)
        per_module = Counter(job[0] for job in running)
        per_host = Counter(job[:2] for job in running)
        assert all(count <= LIMITS[name].max_deliveries for name, count in per_module.items())
        assert all(count <= LIMITS[name].max_per_host for (name, _), count in per_host.items())
        if running and pick(2):
            job = running.pop(pick(len(running)))
            made.leave(job[0], job[1])
            served.append(job)
    running += taken(made)
    while running:
        job = running.pop(0)
        made.leave(job[0], job[1])
        served.append(job)
        running += taken(made)
    assert sorted(job[2] for job in served) == list(range(len(wanted)))
    assert made.running == 0
