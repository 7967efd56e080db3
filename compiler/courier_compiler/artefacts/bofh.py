"""etc/courier/bofh: senders, recipients and servers that are refused, and the options that go with it.

There is no such file on a host whose site refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.origin import Origin, derived
from courier_schema.legacy.formats.bofh import Bofh, dump
from courier_schema.site.policy import Policy


def build(context: Context) -> Iterator[Artefact]:
    policy = context.site.policy
    options = {name: text for name, (text, _) in _options(context).items()}
    content = dump(_directives(policy, options))
    if content:
        origins = {**dict(_origins(policy)), **{name: origin for name, (_, origin) in _options(context).items()}}
        yield context.text("bofh", content, origins)


def _directives(policy: Policy, options: Mapping[str, str]) -> Bofh:
    limit = policy.max_recipients
    return Bofh(
        badfrom=tuple(policy.deny_senders),
        badmx=tuple(policy.deny_mx),
        freemail=tuple((domain, *others) for domain, others in policy.freemail.items()),
        spamtrap=tuple(policy.spam_traps),
        maxrcpts=limit.count if limit else None,
        is_hard=limit.hard if limit else False,
        options=options,
    )


def _options(context: Context) -> dict[str, tuple[str, Origin]]:
    """Options that were said, with their reasons."""
    settings = context.resolved.settings["bofh"]
    said = settings.table.said()
    return {
        row.name: (row.codec.encode(value), settings.origin(row.attribute))
        for row, value in settings.table.items()
        if row.attribute in said and value is not None
    }


def _origins(policy: Policy) -> Iterator[tuple[str, Origin]]:
    for place, pattern in enumerate(policy.deny_senders):
        yield f"badfrom {pattern}", derived("policy", "deny_senders", place)
    for place, address in enumerate(policy.deny_mx):
        yield f"badmx {address}", derived("policy", "deny_mx", place)
    for domain in policy.freemail:
        yield f"freemail {domain}", derived("policy", "freemail", domain)
    for place, address in enumerate(policy.spam_traps):
        yield f"spamtrap {address}", derived("policy", "spam_traps", place)
    if policy.max_recipients:
        yield "maxrcpts", derived("policy", "max_recipients")


ARTEFACT = ArtefactSpec("bofh", build)
