"""Every script holds word for word on every server: each group in a room of its own, several rooms at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, cast

import pytest

from dialogue.groups import HERE, Group, all_groups
from dialogue.script import parse_script
from dialogue.servers import SERVERS
from real.dialogue_room import Troubles, run

_AT_A_TIME: Final = 6
"""Rooms that are played in at once; most of the time they wait."""
_PLAYS: Final = [
    (server, group.name, script) for server in SERVERS for group in all_groups() for script in group.scripts
]


@pytest.fixture(scope="session")
def rooms(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, str], Future[Troubles]]]:
    """What comes of each group of which a script was asked for."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.function is test_the_conversation_holds:
            server, group, script = cast("tuple[str, str, str]", item.callspec.params["play"])
            wanted.setdefault((server, group), []).append(script)
    slowest_first = sorted(wanted.items(), key=lambda entry: -_least_seconds(entry[0][1], entry[1]))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        yield {key: pool.submit(run, *key, tuple(scripts)) for key, scripts in slowest_first}


def _least_seconds(group: str, scripts: Iterable[str]) -> float:
    texts = (Group(HERE / group).text(script) for script in scripts)
    return sum(parse_script(text).least_seconds for text in texts)


@pytest.mark.parametrize("play", _PLAYS, ids="/".join)
def test_the_conversation_holds(rooms: dict[tuple[str, str], Future[Troubles]], play: tuple[str, str, str]) -> None:
    server, group, script = play
    trouble = rooms[server, group].result()[script]
    if trouble is not None:
        pytest.fail(trouble, pytrace=False)
