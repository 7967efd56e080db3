"""Refusals: senders, recipients and servers that are turned away, block lists, and mail filters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.sides import Sides, differing
from courier_compiler.planning.spelling import short

_KINDS: Final = {
    "badfrom": ("mail from {} is refused", "mail from {} is no longer refused"),
    "badmx": ("mail of domains served by {} is refused", "mail of domains served by {} is no longer refused"),
    "spamtrap": ("a message to {} is refused as a whole", "{} is no trap any longer"),
}


def find(sides: Sides) -> Iterator[Finding]:
    if "bofh" in sides.changed:
        yield from _bofh(sides)
    if "esmtpd" in sides.changed:
        yield from _lists(sides)
    for name in sorted(sides.changed):
        if name.startswith("filters/active/"):
            told = "sees mail" if sides.after.has(name) else "no longer sees mail"
            yield Finding(f"the filter {PurePosixPath(name).name} {told}", name)


def _bofh(sides: Sides) -> Iterator[Finding]:
    for kind, (refused, free) in _KINDS.items():
        gained, lost = differing(getattr(sides.before.bofh, kind), getattr(sides.after.bofh, kind))
        for word in gained:
            yield Finding(refused.format(word), "bofh", f"{kind} {word}")
        for word in lost:
            yield Finding(free.format(word), "bofh", f"{kind} {word}")
    before, after = ({words[0] for words in side.bofh.freemail} for side in (sides.before, sides.after))
    for domain in sorted(after - before):
        yield Finding(f"mail from {domain} has to come from its own servers", "bofh", f"freemail {domain}")
    for domain in sorted(before - after):
        yield Finding(f"mail from {domain} may come from any server", "bofh", f"freemail {domain}")


def _lists(sides: Sides) -> Iterator[Finding]:
    before, after = sides.before.settings("esmtpd"), sides.after.settings("esmtpd")
    old, new = before.get("BLACKLISTS", ""), after.get("BLACKLISTS", "")
    if old != new and sides.before.has("esmtpd"):
        says = (
            f"clients are looked up in other DNS lists: {short(new)}" if new else "clients are looked up in no DNS list"
        )
        yield Finding(says, "esmtpd", "BLACKLISTS")


SUBJECT = Subject(9, "refusals", find)
