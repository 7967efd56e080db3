"""Traces for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from courier_compiler.tracing.values import Delivery, Hop, Notice, Trace, Why


def as_text(found: Trace) -> str:
    """Each stage with its steps, each step with what decided it; the verdict at last."""
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: Trace) -> Iterator[str]:
    for stage, steps in groupby(found.steps, key=lambda step: step.stage):
        yield f"{stage}:"
        for step in steps:
            yield f"  {step.says}"
            if step.why is not None:
                yield f"      {step.why}"
    verdict = "accepted" if found.is_accepted else "refused"
    yield f"{verdict} at {found.reply.command}: {found.reply}"
    for delivery in found.deliveries:
        yield f"  {delivery.kind} {delivery}"
    if found.assumed:
        yield "as long as nothing speaks against it in what could not be looked up here:"
        yield from (f"  {assumption}" for assumption in found.assumed)


def as_json(ways: Sequence[Trace]) -> str:
    """One object; a list of them where there are several hosts."""
    records = list(map(_record, ways))
    return json.dumps(records[0] if len(records) == 1 else records, indent=2) + "\n"


def _record(found: Trace) -> dict[str, object]:
    envelope = found.envelope
    return {
        "envelope": {
            "sender": envelope.sender,
            "recipient": envelope.recipient,
            "client": envelope.client,
            "login": envelope.login,
            "tls": envelope.tls,
            "listener": envelope.service,
        },
        "accepted": found.is_accepted,
        "reply": {"command": found.reply.command, "code": found.reply.code, "text": found.reply.text},
        "steps": [{"stage": step.stage, "says": step.says, "why": _why(step.why)} for step in found.steps],
        "deliveries": list(map(_delivery, found.deliveries)),
        "notice": _notice(found.notice),
        "assumed": list(found.assumed),
    }


def _why(why: Why | None) -> dict[str, object] | None:
    if why is None:
        return None
    mark = why.mark
    place = {"file": mark.file, "line": mark.line, "column": mark.column} if mark else {}
    return {"says": why.says, "path": list(why.path), **place}


def _delivery(delivery: Delivery) -> dict[str, object]:
    return {
        "kind": delivery.kind,
        "target": delivery.target,
        "route": _hop(delivery.hop),
        "why": _why(delivery.why),
    }


def _hop(hop: Hop | None) -> dict[str, object] | None:
    if hop is None:
        return None
    return {
        "domain": hop.domain,
        "relay": hop.relay,
        "port": hop.port,
        "security": hop.security,
        "login": hop.login,
    }


def _notice(notice: Notice | None) -> dict[str, object] | None:
    if notice is None:
        return None
    return {"address": notice.address, "dropped": notice.dropped, "why": _why(notice.why)}
