"""The schema that editors use accepts what the compiler accepts and refuses what it refuses."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from courier_schema.export.json_schema import json_schema
from courier_schema.source.yaml_tree import parse_yaml

ROOT = Path(__file__).parents[2]
SITES = sorted((ROOT / "site-examples").glob("*/site.yaml"))
FRAGMENTS = sorted((ROOT / "site-examples").glob("*/domains/*.yaml"))
SITE = Draft202012Validator(json_schema())
FRAGMENT = Draft202012Validator(json_schema("fragment"))


def _tree(path: Path) -> dict[str, Any]:
    return parse_yaml(path.read_text(), str(path)).tree


def test_the_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(json_schema())
    Draft202012Validator.check_schema(json_schema("fragment"))


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.parent.name)
def test_every_example_is_valid(path: Path) -> None:
    assert [error.message for error in SITE.iter_errors(_tree(path))] == []


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.stem)
def test_every_fragment_is_valid(path: Path) -> None:
    assert [error.message for error in FRAGMENT.iter_errors(_tree(path))] == []


BROKEN = {
    "unknown key": {"sight": 1},
    "unknown key in a section": {"host": {"name": "mx.example.org", "nmae": "x"}},
    "switch as a word": {"listeners": {"smtp": {"enabled": "yes"}}},
    "number as text": {"listeners": {"smtp": {"max_connections": "40"}}},
    "port out of range": {"routes": {"example.net": {"via": "relay.example.net", "port": 70000}}},
    "domain with a blank": {"domains": {"exam ple.org": {}}},
    "unknown kind of domain": {"domains": {"example.net": {"kind": "remote"}}},
    "recipient with a blank": {"aliases": {"sales": "anna bob"}},
    "unknown login method": {"listeners": {"smtp": {"auth": ["CRAM-MD4"]}}},
    "unknown settings file": {"settings": {"esmtpdd": {}}},
    "unknown setting": {"settings": {"esmtpd": {"TARPITT": True}}},
    "setting of the wrong kind": {"settings": {"esmtpd": {"TARPIT": "no"}}},
    "unknown access word": {"access": {"192.0.2.0/24": "permit"}},
    "list instead of a map": {"accounts": ["anna"]},
    "duration with an unknown unit": {"queue": {"lifetime": "7y"}},
    "settings that are no map": {"settings": {"esmtpd": 3}},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_structurally_broken_sites_are_refused(change: dict[str, Any]) -> None:
    sound = {"site": "example.org", "host": {"name": "mx.example.org"}}
    assert SITE.is_valid(sound)
    assert not SITE.is_valid({**copy.deepcopy(sound), **change})


@pytest.mark.parametrize("missing", ["site", "host"])
def test_what_is_required_is_required_of_sites_but_not_of_fragments(missing: str) -> None:
    tree = {"site": "example.org", "host": {"name": "mx.example.org"}}
    del tree[missing]
    assert not SITE.is_valid(tree)
    assert FRAGMENT.is_valid(tree)


def _keys(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in schema.get("properties", {}).items():
        yield f"{path}.{key}", value
        yield from _keys(value, f"{path}.{key}")
    for branch in schema.get("anyOf", []):
        yield from _keys(branch, path)


def test_every_key_that_an_editor_completes_has_a_description() -> None:
    schema = json_schema()
    places = [("", schema), *schema["$defs"].items()]
    keys = [(f"{name}{path}", value) for name, part in places for path, value in _keys(part)]
    assert len(keys) > 600
    assert [path for path, value in keys if not value.get("description") and not path.startswith("Host_overlay")] == []
