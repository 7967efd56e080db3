"""Limits: sizes, connections, recipients, and how long mail is kept and tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.effects._services import SERVICES
from courier_compiler.planning.sides import Side, Sides
from courier_schema.legacy.formats.bofh import DEFAULT_MAXRCPTS
from courier_schema.legacy.table import rows_by_name
from courier_schema.legacy.tables import table

_FILES: Final = {
    "sizelimit": "a message may have {} bytes",
    "batchsize": "a queued message has up to {} recipients",
    "queuetime": "undeliverable mail goes back after {}",
    "faxqueuetime": "an undeliverable fax goes back after {}",
    "warntime": "the sender is told of a delay after {}",
    "retryalpha": "attempts of a series follow each other after {}",
    "retrybeta": "a series has {} attempts",
    "retrygamma": "the first series is followed by a pause of {}",
    "retrymaxdelta": "the pause between series doubles {} times",
    "submitdelay": "the first attempt waits {}",
    "localtimeout": "a delivery command may take {}",
    "esmtpdelay": "a server that failed is left alone for {}",
    "esmtptimeout": "another server may take {} for an answer",
    "esmtptimeoutconnect": "a connection to another server may take {}",
    "esmtptimeoutdata": "the transfer of a message may take {}",
    "dsnlimit": "a bounce returns messages of up to {} bytes",
}
"""Control files to what they limit."""
_CONNECTIONS: Final = {
    "MAXDAEMONS": "{service} serves {new} connections at a time, no longer {old}",
    "MAXPERIP": "{service} serves {new} connections of one address, no longer {old}",
    "MAXPERC": "{service} serves {new} connections of one block of addresses, no longer {old}",
}


def find(sides: Sides) -> Iterator[Finding]:
    for file, sentence in _FILES.items():
        for name in sides.named(file):
            yield from _file(sides, file, name, sentence)
    yield from _connections(sides)
    if "bofh" in sides.changed:
        old, new = _recipients(sides.before), _recipients(sides.after)
        if old != new:
            yield Finding(f"a message may have {new} recipients, no longer {old}", "bofh", "maxrcpts")


def _file(sides: Sides, file: str, name: str, sentence: str) -> Iterator[Finding]:
    old, new = (_value(side, file, name) for side in (sides.before, sides.after))
    if old != new:
        suffix = name.removeprefix(file).removeprefix(".")
        where = f" (virtual host {suffix})" if suffix else ""
        yield Finding(f"{sentence.format(new)}, no longer {old}{where}", name)


def _value(side: Side, file: str, name: str) -> str:
    """The limit in force: the file's word, else that of the whole host, else what Courier assumes."""
    row = rows_by_name(table("control"))[file]
    assumed = row.codec.encode(row.default) if row.default is not None else "unset"
    value = side.value(name)
    value = side.value(file) if value is None else value
    known = assumed if value is None else value
    return "any number of" if file == "sizelimit" and known == "0" else known


def _connections(sides: Sides) -> Iterator[Finding]:
    for service in SERVICES:
        if not sides.changed & {*service.files} or not service.is_open(sides.after):
            continue
        before, after = service.settings(sides.before), service.settings(sides.after)
        for setting, sentence in _CONNECTIONS.items():
            old, new = before.get(setting), after.get(setting)
            if old is not None and new is not None and old != new:
                says = sentence.format(service=service.name, old=old, new=new)
                yield Finding(says, service.file(sides, setting), setting)


def _recipients(side: Side) -> int:
    return side.bofh.maxrcpts or DEFAULT_MAXRCPTS


SUBJECT = Subject(8, "limits", find)
