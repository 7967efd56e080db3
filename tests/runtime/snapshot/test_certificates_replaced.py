"""A renewed certificate is no edit, and yet a reason to go over to a new snapshot, wherever it lies."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from courier_runtime.observe.clock import SystemClock
from courier_runtime.observe.metrics import NoMetrics
from courier_runtime.snapshot.certificates import is_replaced
from courier_runtime.snapshot.load import Found, load_snapshot
from courier_runtime.snapshot.model import Ground, Snapshot
from courier_runtime.snapshot.own_certificate import own_certificate
from courier_runtime.supervise.reload import Reloader
from runtime.spools import Lines
from runtime.trees import write_tree

TLS = "ESMTPDSTART=YES\nPORT=smtp\nCOURIERTLS=/usr/bin/couriertls\nTLS_CERTFILE=/far/away.pem\n"


def loaded(directory: Path) -> Snapshot:
    """The snapshot of a server that is not embedded, whose certificate lies outside of its tree."""
    tree = write_tree(directory / "etc", {"esmtpd": TLS})
    return load_snapshot(
        Found(tree, "/etc/courier", None), Ground(tree, directory / "state", directory), "mx.example.com"
    )


def renew(directory: Path, number: int) -> None:
    made = own_certificate(directory / f"made{number}", "mx.example.com")
    (directory / "far").mkdir(exist_ok=True)
    made.replace(directory / "far/away.pem")


def test_files_that_appear_change_or_go_are_noticed(tmp_path: Path) -> None:
    none = loaded(tmp_path)
    assert not is_replaced(none.certificates)
    renew(tmp_path, 1)
    assert is_replaced(none.certificates)
    first = loaded(tmp_path)
    assert not is_replaced(first.certificates)
    renew(tmp_path, 2)
    assert is_replaced(first.certificates)
    second = loaded(tmp_path)
    assert second.generation == first.generation
    assert second.certificates != first.certificates
    (tmp_path / "far/away.pem").unlink()
    assert is_replaced(second.certificates)


def test_a_certificate_outside_of_the_tree_takes_effect_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("courier_runtime.supervise.reload.RETRY", 0.02)
    renew(tmp_path, 1)
    first = loaded(tmp_path)

    async def story() -> Snapshot:
        looks: list[int] = []

        def look() -> Snapshot:
            looks.append(1)
            return loaded(tmp_path)

        made = Reloader(snapshot=first, load=look, followers=(), log=Lines(), metrics=NoMetrics(), clock=SystemClock())
        running = asyncio.create_task(made.run(lambda: None))
        await asyncio.sleep(0.1)
        assert not looks, "nothing is read while nothing has changed"
        renew(tmp_path, 2)
        async with asyncio.timeout(10):
            while made.current is first:
                await asyncio.sleep(0.01)
        running.cancel()
        return made.current

    assert asyncio.run(story()).certificates != first.certificates
