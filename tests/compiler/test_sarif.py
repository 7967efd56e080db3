"""SARIF: what forges and editors demand of a log (OASIS SARIF 2.1.0, sections 3.13 to 3.49), and what they show."""

from __future__ import annotations

import json
from typing import Any, Final

import jsonschema
import pytest

from courier_compiler import checks
from courier_compiler.problem_pages import pages
from courier_compiler.render import render
from courier_schema.report import Mark, Problem, Severity

_MESSAGE: Final = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}, "markdown": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
_RULE: Final = {
    "type": "object",
    "required": ["id", "shortDescription", "fullDescription", "help"],
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$"},
        **dict.fromkeys(("shortDescription", "fullDescription", "help"), _MESSAGE),
    },
    "additionalProperties": False,
}
_LOCATION: Final = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "properties": {"uri": {"type": "string", "pattern": r"^[\w!$&-;=?-Z~%]+$"}},
                    "additionalProperties": False,
                },
                "region": {
                    "type": "object",
                    "properties": {key: {"type": "integer", "minimum": 1} for key in ("startLine", "startColumn")},
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        }
    },
    "additionalProperties": False,
}
_RESULT: Final = {
    "type": "object",
    "required": ["message", "ruleId", "level"],
    "properties": {
        "ruleId": {"type": "string"},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": _MESSAGE,
        "locations": {"type": "array", "items": _LOCATION},
    },
    "additionalProperties": False,
}
_DRIVER: Final = {
    "type": "object",
    "required": ["name", "rules"],
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "rules": {"type": "array", "items": _RULE, "uniqueItems": True},
    },
    "additionalProperties": False,
}
_LOG: Final = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "pattern": "^https://.*sarif-schema-2.1.0.json$"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {"type": "object", "required": ["driver"], "properties": {"driver": _DRIVER}},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": _RESULT},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
"""The parts of the standard's schema that concern us, closed: a property that is not here is misspelt."""


def _log(*problems: Problem) -> Any:
    return json.loads(render(problems, "sarif"))


def _rules(log: Any) -> dict[str, Any]:
    return {rule["id"]: rule for rule in log["runs"][0]["tool"]["driver"]["rules"]}


@pytest.mark.parametrize("severity", Severity)
def test_a_log_keeps_to_the_standard(severity: Severity) -> None:
    mark = Mark("sites/my site/bücher 100%.yaml", 3, 2)
    log = _log(Problem("alias-loop", "a\u202eb loops", "mend it", mark, severity=severity))
    jsonschema.validate(log, _LOG)
    [result] = log["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "sites/my%20site/b%C3%BCcher%20100%25.yaml"
    assert place["region"] == {"startLine": 3, "startColumn": 2}
    assert result["level"] == str(severity)


def test_a_problem_without_a_place_has_no_location() -> None:
    log = _log(Problem("alias-loop", "says", "remedy"))
    jsonschema.validate(log, _LOG)
    assert log["runs"][0]["results"][0]["locations"] == []


def test_a_sound_site_is_a_log_without_results() -> None:
    log = _log()
    jsonschema.validate(log, _LOG)
    assert log["runs"][0]["results"] == []


def test_every_kind_of_problem_brings_its_help() -> None:
    log = _log(*(Problem(name, "says", "remedy") for name in pages()))
    jsonschema.validate(log, _LOG)
    rules = _rules(log)
    assert rules.keys() == pages().keys()
    for check in checks.discover():
        assert rules[check.id]["shortDescription"]["text"] == check.title
        assert check.why in rules[check.id]["help"]["markdown"]
        assert f"`courier-compile explain {check.id}`" in rules[check.id]["help"]["markdown"]


def test_a_rule_is_listed_once_however_often_it_is_broken() -> None:
    log = _log(*(Problem("alias-loop", f"{name} loops", "mend it") for name in "abc"))
    assert list(_rules(log)) == ["alias-loop"]
    assert len(log["runs"][0]["results"]) == 3
