"""The schema that editors use accepts what the compiler accepts and refuses what it refuses."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from courier_schema.export.json_schema import json_schema
from courier_schema.site.validate import parse_site
from courier_schema.source.yaml_tree import parse_yaml

ROOT = Path(__file__).parents[2]
SITES = sorted((ROOT / "site-examples").glob("*/site.yaml"))
FRAGMENTS = sorted((ROOT / "site-examples").glob("*/*/*.yaml"))
OF_SETTINGS = ("unknown-setting", "unknown-settings-file", "wrong-setting")
"""Ids of what is wrong with the form of settings, which is found behind the models."""
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


def test_fragments_of_every_example_are_looked_at() -> None:
    assert {path.parent.name for path in FRAGMENTS} >= {"domains", "fragments"}


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
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
    "secret from two sources": {"accounts": {"anna": {"password": {"from_file": "a", "from_env": "b"}}}},
    "secret from nowhere": {"accounts": {"anna": {"password": {"from_file": None}}}},
    "service without a password": {"accounts": {"anna": {"passwords": {"imap": None}}}},
    "two destinations": {"delivery": {"default": {"maildir": "Maildir", "mbox": "mail"}}},
    "no destination": {"delivery": {"default": {}}},
    "file with two contents": {"files": {"motd": {"content": "hello", "link": "/etc/motd"}}},
    "virtual host with blanks": {"virtual_hosts": {"not a host": {}}},
    "alias that is longer than it looks": {"aliases": {"sa\u200bles": "anna"}},
    "recipient that reads backwards": {"aliases": {"sales": "\u202eanna"}},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_structurally_broken_sites_are_refused(change: dict[str, Any]) -> None:
    sound = {"site": "example.org", "host": {"name": "mx.example.org"}}
    assert SITE.is_valid(sound)
    assert not SITE.is_valid({**copy.deepcopy(sound), **change})


def _is_structural(site: Path) -> bool:
    """Whether the form of the site is wrong: not its YAML, nor what values mean that are each possible."""
    document = parse_yaml(site.read_text(), site.name)
    if document.problems or {"include", "hosts"} & document.tree.keys():
        return False
    said = site.with_suffix(".expect").read_text()
    ids = {problem.id for problem in parse_site(document)[1]}
    return any(f" {name}: " in said for name in OF_SETTINGS) or bool(ids - {"contradiction"})


ALIKE = {"wrong-value-version"}
"""Sites with numbers that are one in JSON: 1.0 is 1."""
STRUCTURAL = [
    site for site in sorted((ROOT / "tests/broken").glob("*.yaml")) if _is_structural(site) and site.stem not in ALIKE
]


def test_there_are_structurally_broken_sites_of_every_sort() -> None:
    names = {site.stem for site in STRUCTURAL}
    assert names >= {"unknown-key", "missing-key", "wrong-kind-number", "wrong-value", "unknown-setting", "size-word"}
    assert len(names) > 30


@pytest.mark.parametrize("site", STRUCTURAL, ids=lambda site: site.stem)
def test_what_the_compiler_refuses_for_its_form_the_schema_refuses(site: Path) -> None:
    assert not SITE.is_valid(_tree(site))


@pytest.mark.parametrize(("name", "is_valid"), [("mx1", True), ("mx-1.a_b", True), ("../victim", False), ("", False)])
def test_names_of_hosts_are_identifiers(name: str, is_valid: bool) -> None:
    site = {"site": "example.org", "host": {"name": "mx.example.org"}, "hosts": {name: {}}}
    assert SITE.is_valid(site) is is_valid


def test_exactly_one_of_several_keys_is_enough() -> None:
    sound = {"site": "example.org", "host": {"name": "mx.example.org"}}
    password = {"from_file": "a", "from_env": None}
    assert SITE.is_valid({**sound, "accounts": {"anna": {"password": password}, "ben": {"password": "$6$a$b"}}})
    assert SITE.is_valid({**sound, "virtual_hosts": {"2001:db8::1": {}, "192.0.2.1": {}, "example.org": {}}})


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
