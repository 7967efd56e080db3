"""Trace: the stages one after the other, until one of them refuses or the ends are reached."""

from __future__ import annotations

from courier_compiler.tracing import alias, connection, notices, recipient, sender, session
from courier_compiler.tracing.host import CompiledHost
from courier_compiler.tracing.values import Envelope, Notice, Reply, Trace
from courier_compiler.tracing.walk import Walk

_ACCEPTED = Reply("RCPT", 250, "Ok.")


def trace(host: CompiledHost, envelope: Envelope) -> Trace:
    """The way of an envelope through a host. Raises ValueError for a client that is no IP address."""
    walk = Walk(host, envelope)
    reply, notice = _walked(walk)
    deliveries = tuple(walk.deliveries.values()) if reply.is_positive else ()
    return Trace(envelope, tuple(walk.steps), reply, deliveries, notice, tuple(dict.fromkeys(walk.assumed)))


def _walked(walk: Walk) -> tuple[Reply, Notice | None]:
    variables = connection.admit(walk)
    if isinstance(variables, Reply):
        return variables, None
    variables = session.authenticate(walk, variables)
    if isinstance(variables, Reply):
        return variables, None
    variables = sender.with_bofh(walk, variables)
    refusal = sender.examine(walk, variables)
    if refusal is not None:
        return refusal, None
    address = recipient.accept(walk, variables)
    if isinstance(address, Reply):
        return address, None
    refusal = alias.resolve(walk, address)
    return refusal or _ACCEPTED, None if refusal else notices.notice(walk, variables)
