"""Outcomes for machines: JSON for programs, JUnit's XML for the services that run tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree import ElementTree as Xml

from courier_compiler.expectations.values import Outcome


def as_json(outcomes: Sequence[Outcome]) -> str:
    """One object with every test and the counts."""
    failed = sum(not outcome.passed for outcome in outcomes)
    counts = {"passed": len(outcomes) - failed, "failed": failed}
    return json.dumps({"tests": list(map(_record, outcomes)), "counts": counts}, indent=2) + "\n"


def _record(outcome: Outcome) -> dict[str, object]:
    mark = outcome.mark
    return {
        "host": outcome.host,
        "group": outcome.group,
        "name": outcome.name,
        "passed": outcome.passed,
        "file": mark.file if mark else None,
        "line": mark.line if mark else None,
        "column": mark.column if mark else None,
        "mismatches": [
            {
                "expected": mismatch.expected,
                "found": mismatch.found,
                "decided_by": [str(reason) for reason in mismatch.reasons],
                "assumed": list(mismatch.assumed),
            }
            for mismatch in outcome.mismatches
        ],
    }


def as_junit(outcomes: Iterable[Outcome]) -> str:
    """A suite for each host, a case for each test."""
    root = Xml.Element("testsuites")
    for host, of_host in groupby(outcomes, key=lambda outcome: outcome.host):
        found = list(of_host)
        failed = sum(not outcome.passed for outcome in found)
        suite = Xml.SubElement(root, "testsuite", name=host, tests=str(len(found)), failures=str(failed))
        for outcome in found:
            _case(suite, outcome)
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _case(suite: Xml.Element, outcome: Outcome) -> None:
    case = Xml.SubElement(suite, "testcase", classname=f"tests.{outcome.group}", name=outcome.name)
    if outcome.mark:
        case.set("file", outcome.mark.file)
        case.set("line", str(outcome.mark.line))
    for mismatch in outcome.mismatches:
        failure = Xml.SubElement(case, "failure", message=mismatch.says)
        failure.text = "\n".join((f"{outcome.mark}: {mismatch.says}", *mismatch.assumed))
