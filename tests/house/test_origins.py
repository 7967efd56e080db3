"""Every line, setting and record of every example has a reason, and every reason leads to a place of the site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from courier_compiler import pipeline
from courier_compiler.artefact import Artefact
from courier_compiler.build import build
from courier_compiler.origin import Kind, Origin
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.formats import gdbm
from courier_schema.source.secrets import HostSecrets

EXAMPLES = Path(__file__).parents[2] / "site-examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/site.yaml"))
_KEY = re.compile(r"[\t:= ]")
_CONTINUED = re.compile(r"\n[0-9A-F]+\Z")
"""End of the keys of an alias's further records."""
_QUOTED = re.compile(r'"[^"]*"')
"""A value of a settings file, which may span lines."""


@dataclass(frozen=True)
class Host:
    """One host of an example, built."""

    resolved: ResolvedSite
    artefacts: tuple[Artefact, ...]


def _hosts(name: str) -> Iterator[Host]:
    for reading in pipeline.read(EXAMPLES / name):
        assert reading.resolved is not None
        yield Host(reading.resolved, build(reading.resolved, HostSecrets(EXAMPLES / name), "site.yaml").artefacts)


def _without_reason(artefact: Artefact) -> Iterator[str]:
    """Lines and keys of a file that no origin names. An origin without a key stands for the whole file."""
    if "" in artefact.origins:
        return
    if artefact.content.startswith(b"\xcf\x9aW\x13"):
        keys = (key.decode() for key, _ in gdbm.Reader(artefact.content).items())
        yield from (key for key in keys if _CONTINUED.sub("", key) not in artefact.origins)
        return
    for line in _QUOTED.sub('""', artefact.content.decode()).splitlines():
        if line.strip() and not line.startswith("#") and not _has_reason(line, artefact):
            yield line


def _has_reason(line: str, artefact: Artefact) -> bool:
    """A line is named by itself, or by its part before a blank, a tab, a colon or an equals sign.

    In the file bofh the name of an option follows the word `opt`. The line of courierd that reads another file stands
    there without its name.
    """
    line = "SYSLOCALE_LINE=" if line.startswith(". ") else line.removeprefix("opt ")
    ends = (match.start() for match in _KEY.finditer(line))
    return any(part in artefact.origins for part in (line, *(line[:end] for end in ends)))


@pytest.mark.parametrize("name", NAMES)
def test_every_line_has_a_reason(name: str) -> None:
    for host in _hosts(name):
        for artefact in host.artefacts:
            assert list(_without_reason(artefact)) == [], artefact.path


@pytest.mark.parametrize("name", NAMES)
def test_every_reason_leads_into_the_site(name: str) -> None:
    for host in _hosts(name):
        for artefact in host.artefacts:
            for key, origin in artefact.origins.items():
                assert _is_rooted(host.resolved, origin), (artefact.path, key, origin)


def _is_rooted(resolved: ResolvedSite, origin: Origin) -> bool:
    """What the site decides has a place in its text; what does not says by which rule it is there."""
    if origin.kind in (Kind.STOCK, Kind.UPSTREAM):
        return True
    return resolved.mark(origin.path) is not None if origin.path else bool(origin.rule)


def test_a_line_without_reason_is_noticed() -> None:
    origin = Origin(Kind.DERIVED, (), "because")
    lines = b"# a comment\nknown\tvalue\nNAME=value\nstray\n"
    artefact = Artefact("etc/x", lines, origins={"known": origin, "NAME": origin})
    assert list(_without_reason(artefact)) == ["stray"]
