"""The connection: whether the service listens, what the access table says of the client, limits and DNS lists."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from courier_compiler.tracing.host import SERVICES, STARTS, Value, Variables
from courier_compiler.tracing.values import Reply, Stage
from courier_compiler.tracing.walk import Walk
from courier_schema.legacy.formats.access import AccessAnswer, lookup_access

_STAGE = Stage.CONNECTION


def admit(walk: Walk) -> Variables | Reply:
    """The variables of the client's session, or why there is none."""
    host, service = walk.host, walk.envelope.service
    files = SERVICES[service]
    variables = host.settings(*files)
    started = host.settings(files[-1]).get(STARTS[service], Value("NO"))
    if started.text.upper() != "YES":
        walk.note(_STAGE, f"the service {service} is off", started.why)
        return Reply("connect", 0, "nobody listens")
    table = host.access_table(service)
    answer = access(walk, table)
    why = host.why(table, _text(answer.key)) if answer.key else None
    if answer.is_denied:
        walk.note(_STAGE, f"{table}: {_text(answer.key)} is denied", why)
        return Reply("connect", 0, "the connection is closed")
    said = {_text(name): _text(value) for name, value in answer.environment.items()}
    shown = ", ".join(f"{name}={value}" if value else name for name, value in said.items()) or "nothing"
    found = f"{_text(answer.key)} sets {shown}" if answer.key else f"nothing about {walk.envelope.client}, which allows"
    walk.note(_STAGE, f"{table}: {found}", why)
    variables |= {name: Value(value, why) for name, value in said.items()}
    _limits(walk, variables)
    _lists(walk, variables)
    return variables


def access(walk: Walk, table: str) -> AccessAnswer:
    """What couriertcpd finds in an access table about the client."""
    return lookup_access(walk.host.get(table), walk.envelope.client)


def _limits(walk: Walk, variables: Variables) -> None:
    """Sessions that are allowed at a time; whether they are used up only the running host knows."""
    own = variables.get("MAXCPERIP")
    for name, whom in (("MAXDAEMONS", "in all"), ("MAXPERC", "of the client's network")):
        if name in variables:
            walk.note(_STAGE, f"{name} allows {variables[name].text} sessions {whom}", variables[name].why)
    name, value = ("MAXCPERIP", own) if own else ("MAXPERIP", variables.get("MAXPERIP"))
    if value:
        walk.note(_STAGE, f"{name} allows {value.text} sessions of one address", value.why)


def _lists(walk: Walk, variables: Variables) -> None:
    lists = variables.get("BLACKLISTS")
    if lists is None:
        return
    for zone, variable in _zones(lists.text):
        if variable in variables:
            walk.note(_STAGE, f"{zone} is not asked: {variable} is set already", variables[variable].why)
        else:
            walk.assume(_STAGE, f"would look up {walk.envelope.client} in {zone}", lists.why)


def _zones(options: str) -> Iterator[tuple[str, str]]:
    """Zone and variable of each -block and -allow option of couriertcpd."""
    for option in shlex.split(options):
        name, _, value = option.partition("=")
        if name in ("-block", "-allow"):
            zone, *words = value.split(",")
            yield zone.partition("=")[0], words[0].partition("/")[0] if words and words[0] else "BLOCK"


def _text(data: bytes | None) -> str:
    return (data or b"").decode(errors="surrogateescape")
