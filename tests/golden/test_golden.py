"""Every example compiles, without a word of complaint, into exactly the tree that stands beside this file."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from courier_compiler import pipeline
from courier_compiler.build import build, manifest
from courier_compiler.host import NoHost
from courier_compiler.pipeline import Reading
from courier_schema.legacy.formats import gdbm
from courier_schema.legacy.formats.dump import dump
from courier_schema.legacy.manifest import NAME
from courier_schema.source.secrets import HostSecrets

EXAMPLES = Path(__file__).parents[2] / "site-examples"
GOLDEN = Path(__file__).parent
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/site.yaml"))


def _hosts(name: str) -> Iterator[tuple[Path, Reading]]:
    for reading in pipeline.read(EXAMPLES / name):
        yield GOLDEN / name / (reading.host or ""), reading


def _rendered(reading: Reading, base: Path) -> dict[str, str]:
    """The tree as text: databases as dumps, the manifest as it is, everything else by its path."""
    assert reading.resolved is not None, list(reading.report)
    built = build(reading.resolved, HostSecrets(base), "site.yaml")
    assert not built.problems
    texts = {NAME: manifest(reading.resolved, built.artefacts).dump().decode()}
    for artefact in built.artefacts:
        if re.search(r"\.dat(\.|$)", artefact.path):
            texts[f"{artefact.path}.dump"] = "".join(
                f"{line}\n" for line in dump(gdbm.Reader(artefact.content).items())
            )
        elif artefact.link:
            texts[f"{artefact.path}.link"] = f"{artefact.content.decode()}\n"
        else:
            texts[artefact.path] = artefact.content.decode()
    return texts


def _stored(place: Path) -> dict[str, str]:
    return {str(path.relative_to(place)): path.read_text() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_example_compiles_into_its_golden_tree(name: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        shutil.rmtree(GOLDEN / name, ignore_errors=True)
    for place, reading in _hosts(name):
        texts = _rendered(reading, EXAMPLES / name)
        if request.config.getoption("--update-golden"):
            for path, text in texts.items():
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                (place / path).write_text(text)
        assert texts.keys() == _stored(place).keys()
        for path, text in texts.items():
            assert text == (place / path).read_text(), path


@pytest.mark.parametrize("name", NAMES)
def test_example_is_free_of_problems(name: str) -> None:
    for reading in pipeline.read(EXAMPLES / name):
        report = pipeline.check(reading, NoHost(datetime(2026, 1, 1, tzinfo=UTC)))
        assert [str(problem) for problem in report if problem.severity != "note"] == []


@pytest.mark.parametrize("name", NAMES)
def test_building_twice_gives_the_same_bytes(name: str) -> None:
    for reading in pipeline.read(EXAMPLES / name):
        assert reading.resolved is not None
        again = replace(reading.resolved)
        secrets = HostSecrets(EXAMPLES / name)
        assert build(reading.resolved, secrets, "site.yaml") == build(again, secrets, "site.yaml")
