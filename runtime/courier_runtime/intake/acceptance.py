"""The last step: envelopes, filters, and the commit after which a message is ours."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from courier_runtime.intake.desk import Desk
from courier_runtime.intake.expansion import RecipientList
from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.reply import Reply
from courier_runtime.policy.recipient import FULL
from courier_runtime.policy.rules import Rules
from courier_runtime.seams import Draft, Filter, Hop, SpoolFull, Text, Unavailable


@dataclass(frozen=True, slots=True)
class Judged:
    """A message as filters see it."""

    envelope: Envelope
    text: Text


async def accept(desk: Desk, draft: Draft, envelope: Envelope, named: RecipientList, rules: Rules) -> Reply:
    """Make a message safe, in pieces of at most `batchsize` recipients.

    The reply is final; what it refuses is gone.
    """
    refused: Reply | Mapping[int, Reply] = {}
    if desk.filters and module_of(envelope.source) in rules.filtered:
        refused = await _inspect(desk.filters, Judged(envelope, draft.text()))
    if isinstance(refused, Reply):
        draft.abort()
        return refused
    if not refused:
        return await _commit(draft, envelope, rules)
    return await _accept_some(desk, draft, envelope, named, rules, refused)


async def _accept_some(
    desk: Desk, draft: Draft, envelope: Envelope, named: RecipientList, rules: Rules, refused: Mapping[int, Reply]
) -> Reply:
    """Keep the message for those whom no filter refused. The client is told of the others, so no notice is due."""
    kept = tuple(one for number, one in enumerate(envelope.recipients) if number not in refused)
    if not kept:
        draft.abort()
        return await _several(desk, None, named, rules, refused)
    reply = await _commit(draft, replace(envelope, recipients=kept), rules)
    return reply if reply.is_refusal else await _several(desk, reply, named, rules, refused)


async def _commit(draft: Draft, envelope: Envelope, rules: Rules) -> Reply:
    """The instant of responsibility."""
    try:
        names = await draft.commit(tuple(split(envelope, rules.batch)), rules.terms)
    except SpoolFull:
        draft.abort()
        return FULL
    return Reply(250, (f"Ok. {names[0].public}",))


def module_of(source: str) -> str:
    """The module behind a source, as settings call it: `smtp/dsn` is mail that module dsn has made."""
    last = source.rpartition("/")[2]
    return "esmtp" if last in ("smtp", "authsmtp") else last


def split(envelope: Envelope, batch: int) -> Iterator[Envelope]:
    """Pieces of at most `batch` recipients; lists that count as delivered go with the first."""
    if len(envelope.recipients) <= batch:
        yield envelope
        return
    for start in range(0, len(envelope.recipients), batch):
        lists = () if start else envelope.delivered_to_alias
        yield replace(envelope, recipients=envelope.recipients[start : start + batch], delivered_to_alias=lists)


async def _inspect(filters: Sequence[Filter], message: Judged) -> Reply | Mapping[int, Reply]:
    """Ask every filter: the refusal of the whole, or those of some recipients."""
    refused: dict[int, Reply] = {}
    for judge in filters:
        verdict = await judge.inspect(message)
        if verdict is None:
            continue
        if not verdict.recipients:
            return verdict.reply
        refused.update({number: verdict.reply for number in verdict.recipients if number not in refused})
    return refused


async def _several(
    desk: Desk, accepted: Reply | None, named: RecipientList, rules: Rules, refused: Mapping[int, Reply]
) -> Reply:
    """Courier's answer of several: one inner reply for each RCPT, in their order (EXDATA), be it one alone.

    A list counts as accepted as long as one of its members gets the message.
    """
    lines: list[str] = []
    for spelt, numbers in named.origins:
        if accepted is not None and not all(number in refused for number in numbers):
            lines += accepted.text.split("\n")
        else:
            first, *others = numbers
            name = spelt if others else await _name(desk, named.recipients[first].address, rules)
            inner = refused[first]
            lines += Reply(inner.code, (f"{name}:", *inner.lines)).text.split("\n")
    return Reply(558, tuple(lines))


async def _name(desk: Desk, address: str, rules: Rules) -> str:
    """What the module that serves an address calls it: a local account has no domain."""
    try:
        found = desk.router.route(address, rules.snapshot)
        hop = await found if isinstance(found, Awaitable) else found
    except Unavailable:
        return address
    return hop.address if isinstance(hop, Hop) else address
