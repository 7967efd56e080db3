"""What VRFY and EXPN tell about addresses."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from courier_runtime.intake.desk import Desk
from courier_runtime.intake.transaction import MODULE, UNAVAILABLE
from courier_runtime.mail.reply import Reply
from courier_runtime.policy import addresses
from courier_runtime.policy.rules import Rules
from courier_runtime.seams import Unavailable

REMOTE: Final = Reply.of(550, "Remote address.")


async def verify(text: str, rules: Rules, desk: Desk) -> Reply:
    """Whether mail for this address would be delivered here."""
    address = _complete(text, rules)
    if address is None:
        return Reply.of(553, f"Syntax error: {text}")
    if rules.targets(address, MODULE) is None:
        try:
            found = desk.router.route(address, rules.snapshot)
            hop = await found if isinstance(found, Awaitable) else found
        except Unavailable:
            return UNAVAILABLE
        if isinstance(hop, Reply):
            return hop
        if hop.module == "esmtp":
            return REMOTE
    return Reply.of(250, f"<{address}>")


def expand(text: str, rules: Rules) -> Reply:
    """The members of an alias."""
    address = _complete(text, rules)
    if address is None:
        return Reply.of(553, f"Syntax error: {text}")
    targets = rules.targets(address, MODULE)
    if not targets:
        return Reply.of(500, f"<{address}> not found.")
    return Reply(250, tuple(f"<{target}>" for target in targets))


def _complete(text: str, rules: Rules) -> str | None:
    """A canonical address, of which a blank is the end; a bare name belongs to the default domain."""
    bare = text.partition(" ")[0].removeprefix("<").removesuffix(">")
    if bare and "@" not in bare:
        bare = f"{bare}@{rules.snapshot.locality.default_domain}"
    address = addresses.parse(bare, is_recipient=True)
    return None if address is None else rules.canonical(address)
