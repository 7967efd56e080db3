"""One transaction of a client: return address, recipients, text, and the final reply.

Answers come at once where nothing has to be waited for, so that pipelined commands cost no turns of the event loop.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Final

from courier_runtime.intake import trace
from courier_runtime.intake.acceptance import accept
from courier_runtime.intake.desk import Desk
from courier_runtime.intake.expansion import RecipientList
from courier_runtime.intake.headers import Habits
from courier_runtime.intake.incoming import Incoming, Passport
from courier_runtime.intake.parameters import MailParameters, RcptParameters
from courier_runtime.mail.address_lines import Style
from courier_runtime.mail.envelope import Envelope, Recipient
from courier_runtime.mail.recode import to_eight_bits, to_seven_bits
from courier_runtime.mail.reply import Reply
from courier_runtime.policy import spamtrap, spf
from courier_runtime.policy.client import Client
from courier_runtime.policy.offer import Offer
from courier_runtime.policy.pipeline import Answer, judge
from courier_runtime.policy.rules import Rules
from courier_runtime.seams import Draft, Unavailable

MODULE: Final = "esmtp"
"""The source module of clients, under which aliases and filters know them."""

UNAVAILABLE: Final = Reply.of(400, "Service temporarily unavailable.")
SUPPRESSED: Final = {
    "failed": Reply.of(556, "Address unavailable."),
    "deferred": Reply.of(456, "Address temporarily unavailable."),
}


_RECODERS: Final = {"7bit": to_seven_bits, "8bit": to_eight_bits}


class Transaction:
    """From MAIL to the end of the text. `None` as an answer is consent."""

    __slots__ = ("_desk", "_draft", "_incoming", "_named", "_parameters", "client", "offer", "rules")

    def __init__(self, desk: Desk, client: Client, rules: Rules) -> None:
        self._desk = desk
        self.client = client
        self.rules = rules
        self.offer = Offer(client, rules, desk.resolver, desk.spool, desk.clock.now())
        self._parameters = MailParameters()
        self._named = RecipientList()
        self._draft: Draft | None = None
        self._incoming: Incoming | None = None

    @property
    def has_recipients(self) -> bool:
        """Whether anybody was accepted."""
        return bool(self._named.origins)

    def mail(self, sender: str, parameters: MailParameters) -> Answer | Awaitable[Answer]:
        """The return address, as spelt between the brackets."""
        self._parameters = parameters
        self.offer.sender = sender
        return judge(self._desk.pipeline.mail, self.offer)

    def rcpt(self, address: str, parameters: RcptParameters) -> Answer | Awaitable[Answer]:
        """A recipient, as spelt between the brackets."""
        self.offer.recipient = address
        answer = judge(self._desk.pipeline.recipient, self.offer)
        if answer is None:
            return self._resolve(parameters)
        return answer if isinstance(answer, Reply) else self._rcpt_later(answer, parameters)

    async def _rcpt_later(self, first: Awaitable[Answer], parameters: RcptParameters) -> Answer:
        found = await first
        if found is not None:
            return found
        answer = self._resolve(parameters)
        return answer if answer is None or isinstance(answer, Reply) else await answer

    def _resolve(self, parameters: RcptParameters) -> Answer | Awaitable[Answer]:
        """Aliases, suppressed addresses, then the modules."""
        address, client = self.offer.recipient, self.client
        targets = self.rules.targets(address, MODULE)
        if targets is not None:
            return self._route(targets, parameters, targets)
        if client.source in client.conduct.suppresses:
            verdict = self._desk.suppression.verdict(address)
            if verdict:
                return SUPPRESSED[verdict]
        return self._route((_as_spelt(address, self.offer.spelt),), parameters, None)

    async def _route(
        self, addresses: tuple[str, ...], parameters: RcptParameters, targets: tuple[str, ...] | None
    ) -> Answer:
        """Whether all of them can be served; what stands behind an alias has to exist as well."""
        route, snapshot = self._desk.router.route, self.rules.snapshot
        for address in addresses:
            spamtrap.notice(self.offer, address)
            try:
                found = route(address, snapshot)
                hop = await found if isinstance(found, Awaitable) else found
            except Unavailable:
                return UNAVAILABLE
            if isinstance(hop, Reply):
                return hop
        self._take(parameters, targets)
        return None

    def _take(self, parameters: RcptParameters, targets: tuple[str, ...] | None) -> None:
        notify = parameters.notify or self.client.conduct.notify
        recipient = Recipient(self.offer.recipient, parameters.original, notify)
        self._named.add(self.offer.spelt, recipient, targets)

    def open(self) -> None:
        """The text begins."""
        client, rules = self.client, self.rules
        conduct, me = client.conduct, rules.snapshot.me
        style = Style(relay=partial(_relayed, rules))
        judges_author = conduct.spf is not None and spf.wants_author(self.offer)
        habits = Habits(
            conduct.no_rewriting,
            style,
            conduct.adds_date,
            conduct.adds_id,
            conduct.is_allow_exclusive,
            conduct.spf is not None and spf.renames(self.offer),
            judges_author,
        )
        passport = Passport(
            client.origin,
            trace.comment(client),
            trace.protocol(client, self._parameters.smtputf8),
            me,
            rules.id_host,
            habits,
            b"".join(self.offer.headers),
            trace.authentication_results(client, me) if client.recommendations else b"",
        )
        self._draft = self._desk.spool.begin()
        self._incoming = Incoming(
            self._draft,
            passport,
            self._desk.clock.now(),
            size_limit=rules.limit(client),
            header_limit=conduct.header_limit,
            judge=partial(spf.judge_author, self.offer) if judges_author else None,
            recode=partial(_RECODERS[conduct.recoding], me=me) if conduct.recoding else None,
        )

    async def write(self, text: bytes) -> None:
        """Some of the text, line ends as LF."""
        assert self._incoming is not None, "open() comes first"
        await self._incoming.write(text)

    async def finish(self) -> Reply:
        """The text is complete: the final reply, after which the message is ours or was refused."""
        assert self._incoming is not None, "open() comes first"
        assert self._draft is not None, "open() comes first"
        fault = await self._incoming.finish()
        if fault is None:
            answer = judge(self._desk.pipeline.message, self.offer)
            fault = answer if answer is None or isinstance(answer, Reply) else await answer
        if fault is not None:
            self._draft.abort()
            return fault
        envelope = self._envelope(self._incoming)
        return await accept(self._desk, self._draft, envelope, self._named, self.rules)

    def abort(self) -> None:
        """Forget everything."""
        if self._draft is not None:
            self._draft.abort()

    def _envelope(self, incoming: Incoming) -> Envelope:
        client, parameters, named = self.client, self._parameters, self._named
        conduct, source = client.conduct, client.source
        variables = {"TCPREMOTEIP": client.ip}
        if client.relay is not None:
            variables = {"RELAYCLIENT": client.relay, **variables}
        return Envelope(
            sender=self.offer.sender,
            recipients=tuple(named.recipients),
            source=source,
            origin=f"dns; {client.origin}",
            login=client.login,
            owner=client.owner,
            envelope_id=parameters.envelope_id or conduct.envelope_id,
            returns=parameters.returns or conduct.returns,
            verp=parameters.verp,
            smtputf8=incoming.has_eight_bit_headers or self._has_utf8_addresses(),
            eight_bit=incoming.is_eight_bit,
            security=parameters.security,
            virtual_host=self.rules.name,
            is_tracked=source in conduct.suppresses,
            variables=variables,
            delivered_to_alias=tuple(named.lists),
        )

    def _has_utf8_addresses(self) -> bool:
        """Addresses keep their UTF-8 domains, which travel as ACE; only a local part needs SMTPUTF8."""
        return not all(
            address.rpartition("@")[0].isascii()
            for address in (self.offer.sender, *(one.address for one in self._named.recipients))
        )


def _as_spelt(address: str, spelt: str) -> str:
    """The address with its local part as the client wrote it, which is what a refusal calls it."""
    if address == spelt or address.lower() != spelt.lower():
        return address
    return f"{spelt.rpartition('@')[0]}@{address.rpartition('@')[2]}"


def _relayed(rules: Rules, address: bytes) -> bytes:
    """What an address in a header becomes where the per cent sign in it is a relay that we are."""
    spelt = address.decode(errors="surrogateescape")
    taken = rules.takes(spelt)
    return address if taken is None else taken.encode(errors="surrogateescape")
