"""The way in for all mail: transactions of clients, and finished messages from inside."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable
from dataclasses import replace
from functools import partial
from typing import Final

from courier_runtime.delivery.uucp import incoming
from courier_runtime.intake import trace
from courier_runtime.intake.acceptance import accept, module_of
from courier_runtime.intake.answers import expand, verify
from courier_runtime.intake.desk import Desk
from courier_runtime.intake.expansion import RecipientList
from courier_runtime.intake.headers import Habits
from courier_runtime.intake.incoming import Incoming, Passport
from courier_runtime.intake.transaction import UNAVAILABLE, Transaction
from courier_runtime.mail.address_lines import Style
from courier_runtime.mail.envelope import BY_HEADERS, Envelope, Recipient
from courier_runtime.mail.reply import Reply
from courier_runtime.policy.client import Client
from courier_runtime.policy.conduct import Conduct
from courier_runtime.policy.recipient import FULL, check_space
from courier_runtime.policy.rules import Rules
from courier_runtime.routing.accept import accept as accepts
from courier_runtime.routing.addresses import canonical
from courier_runtime.routing.aliases import expand as targets_of
from courier_runtime.routing.fax import is_fax, route_fax
from courier_runtime.seams import Unavailable
from courier_runtime.snapshot.model import Snapshot

NOBODY: Final = Reply.of(511, "Headers specify no receipients.")
HERE: Final = "dns; localhost (localhost [127.0.0.1])"
"""The origin of mail that was made on this host."""
_BOUNCES_OF_BOUNCES: Final = "#@[]"


def rules_of(snapshot: Snapshot, name: str = "") -> Rules:
    """What a generation comes to, its virtual hosts included."""
    return Rules(
        snapshot,
        canonical=partial(canonical, snapshot=snapshot),
        takes=partial(_takes, snapshot=snapshot),
        targets=partial(targets_of, snapshot=snapshot),
        name=name,
        virtual={suffix: rules_of(virtual, suffix) for suffix, virtual in snapshot.virtual.items()},
    )


class MailIntake:
    """Implements `seams.Intake`, and gives listeners what their sessions need."""

    def __init__(self, desk: Desk, snapshot: Snapshot) -> None:
        self._desk = desk
        self.rules = rules_of(snapshot)
        """Of the current generation. Who has begun with others stays with them."""

    def adopt(self, new: Snapshot) -> None:
        """Go over to a new generation."""
        if new is not self.rules.snapshot:
            self.rules = rules_of(new)

    def begin(self, client: Client, rules: Rules) -> Transaction:
        """A client says MAIL."""
        return Transaction(self._desk, client, rules)

    async def verify(self, text: str, rules: Rules) -> Reply:
        """The answer to VRFY."""
        return await verify(text, rules, self._desk)

    def expand(self, text: str, rules: Rules) -> Reply:
        """The answer to EXPN."""
        return expand(text, rules)

    async def submit(
        self, envelope: Envelope, text: AsyncIterable[bytes], comment: str = "", headers: tuple[bytes, ...] = ()
    ) -> Reply:
        """Take a finished message. Without recipients in the envelope they come from the headers, and Bcc goes.

        Local recipients that do not exist are taken all the same: their notice comes later, as for every sender inside.
        """
        rules = self.rules.for_host(envelope.virtual_host)
        if not check_space(self._desk.spool.free):
            return FULL
        named = RecipientList()
        fault = await self._name(named, envelope.recipients, envelope.source, rules)
        if fault is not None:
            return fault
        return await self._take(envelope, named, text, rules, (comment, b"".join(headers)))

    async def _take(
        self,
        envelope: Envelope,
        named: RecipientList,
        text: AsyncIterable[bytes],
        rules: Rules,
        said: tuple[str, bytes],
    ) -> Reply:
        desk = self._desk
        from_headers = not envelope.recipients
        origin = envelope.origin or HERE
        passport = _passport(origin, envelope, rules, said)
        draft = desk.spool.begin()
        try:
            incoming = Incoming(
                draft,
                passport,
                desk.clock.now(),
                size_limit=rules.size_limit,
                header_limit=Conduct.of({}, rules.snapshot.bofh).header_limit,
                wants_recipients=from_headers,
            )
            async for piece in text:
                await incoming.write(piece)
            fault = await incoming.finish()
            if fault is None and from_headers:
                found = (
                    Recipient(address.decode(errors="surrogateescape"), notify=envelope.by_headers.notify)
                    for address in incoming.recipients
                )
                fault = await self._name(named, tuple(found), envelope.source, rules)
                fault = fault or (None if named.origins else NOBODY)
            if fault is not None:
                return fault
            finished = replace(
                envelope,
                sender=_canonical_sender(envelope.sender, rules),
                recipients=tuple(named.recipients),
                origin=origin,
                smtputf8=incoming.has_eight_bit_headers,
                eight_bit=incoming.is_eight_bit,
                delivered_to_alias=(*envelope.delivered_to_alias, *named.lists),
                by_headers=BY_HEADERS,
            )
            return await accept(desk, draft, finished, named, rules)
        finally:
            draft.abort()

    async def _name(
        self, named: RecipientList, recipients: tuple[Recipient, ...], source: str, rules: Rules
    ) -> Reply | None:
        """Expand recipients; what is wrong with one that can never be served."""
        for recipient in recipients:
            address = _completed(recipient.address, rules)
            if "!" in address or is_fax(address):
                fault = await self._fault(address, rules, module_of(source))
                if fault is not None:
                    return fault
            spelt, address = address, rules.canonical(address)
            named.add(
                spelt,
                Recipient(address, recipient.original, recipient.notify),
                rules.targets(address, module_of(source)),
            )
        return None

    async def _fault(self, address: str, rules: Rules, module: str) -> Reply | None:
        fax = route_fax(address, rules.snapshot, module)
        if isinstance(fax, Reply):
            return fax
        try:
            found = self._desk.router.route(address, rules.snapshot)
            hop = await found if isinstance(found, Awaitable) else found
        except Unavailable:
            return UNAVAILABLE
        return hop if isinstance(hop, Reply) else None


def _takes(address: str, snapshot: Snapshot) -> str | None:
    taken = accepts(address, snapshot)
    return None if taken is None else taken.address


def _passport(origin: str, envelope: Envelope, rules: Rules, said: tuple[str, bytes]) -> Passport:
    module = module_of(envelope.source)
    snapshot = rules.snapshot
    keeps = module == "uucp" and not snapshot.control.uucprewriteheaders
    domain = snapshot.locality.default_domain.encode(errors="surrogateescape")
    habits = Habits(
        rewriting=1 if keeps else 0,
        style=Style(domain, path=partial(_off_path, rules) if module == "uucp" else None),
        removes_bcc=not envelope.recipients,
        is_blind=envelope.by_headers.is_blind,
    )
    comment, below = said
    return Passport(trace.host_of_origin(origin), comment, module, snapshot.me, rules.id_host, habits, below=below)


def _off_path(rules: Rules, path: bytes) -> bytes:
    """What a path in a header of a neighbour's mail becomes with uucprewriteheaders: an address, if one can be made."""
    spelt = incoming(path.decode(errors="surrogateescape"), rules.snapshot)
    return _completed(spelt, rules).encode(errors="surrogateescape")


def _canonical_sender(sender: str, rules: Rules) -> str:
    return sender if sender in ("", _BOUNCES_OF_BOUNCES) else rules.canonical(_completed(sender, rules))


def _completed(address: str, rules: Rules) -> str:
    """Bare names belong to the default domain; paths of UUCP are complete."""
    if "@" in address or "!" in address:
        return address
    return f"{address}@{rules.snapshot.locality.default_domain}"
