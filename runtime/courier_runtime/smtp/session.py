"""The conversation: every verb, in the order in which a client may say it.

A handler answers at once, or returns an awaitable where it has to wait. So the commands of one packet are worked off in
one go, and their replies leave together.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from courier_runtime.intake.service import MailIntake
from courier_runtime.intake.transaction import Transaction
from courier_runtime.mail.reply import Reply
from courier_runtime.policy.client import Client
from courier_runtime.policy.rules import Rules
from courier_runtime.seams import Authenticator, Clock, Counters, Log, Login, Rejected, Unavailable
from courier_runtime.smtp import sasl
from courier_runtime.smtp.body import Body
from courier_runtime.smtp.engine import Connection
from courier_runtime.smtp.parameters import parse_mail, parse_path, parse_rcpt
from courier_runtime.smtp.tarpit import Tarpit
from courier_runtime.smtp.tls import describe, subject
from courier_runtime.snapshot.model import ListenerSettings

Later = Awaitable[None] | None

OK: Final = b"250 Ok\r\n"
ACCEPTED: Final = b"250 Ok.\r\n"
GO_ON: Final = b"354 Ok.\r\n"
BYE: Final = b"221 Bye.\r\n"
READY: Final = b"220 Ok\r\n"

ERROR: Final = Reply.of(502, "ESMTP command error")
POLITE: Final = Reply.of(502, "Polite people say HELO first")
SYNTAX_ERROR: Final = Reply.of(554, "Syntax error - your mail software violates RFC 821.")
TOO_BIG: Final = Reply.of(534, "SIZE=Message too big.")
NO_TLS: Final = Reply.of(540, "TLS not available.")
TLS_FIRST: Final = Reply.of(400, "STARTTLS is required first.")
TLS_IMPOSSIBLE: Final = Reply.of(440, "TLS not available,  but it's required for this connection.")
AUTH_FIRST: Final = Reply.of(535, "Authentication required.")
AUTH_REJECTED: Final = Reply.of(535, "Authentication rejected")
AUTH_FAILED: Final = Reply.of(535, "Authentication failed.")
AUTH_UNAVAILABLE: Final = Reply.of(454, "Temporary authentication failure.")
AUTHENTICATED: Final = b"235 Ok\r\n"
VRFY_DISABLED: Final = b"252 VRFY disabled\r\n"
EXPN_DISABLED: Final = b"252 EXPN disabled\r\n"

_VERB: Final = re.compile(r"[^\s:]*")
_UNFIT_FOR_HELO: Final = re.compile(r"[\x00-\x20\x7f]")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]")
_BEFORE_TLS: Final = frozenset({"EHLO", "HELO", "QUIT", "RSET", "STARTTLS"})
_BEFORE_AUTH: Final = frozenset({"EHLO", "HELO", "NOOP", "RSET", "AUTH", "STARTTLS", "QUIT"})
_HELO_LIMIT: Final = 255
_PROGRESS: Final = 1024
"""Bytes of a text that earn a client another wait; a byte now and then does not keep a connection for ever."""
_SHOWN_OF_SECRETS: Final = 20
"""Characters of an initial response that a log may show."""


@dataclass(frozen=True, slots=True)
class Host:
    """What all sessions of a listener share."""

    settings: ListenerSettings
    intake: MailIntake
    authenticator: Authenticator
    log: Log
    metrics: Counters
    clock: Clock


class Session:
    """One conversation. Keeps the rules that it was born with; mail of a login may follow those of a virtual host."""

    def __init__(self, connection: Connection, client: Client, rules: Rules, host: Host) -> None:
        self._connection = connection
        self._client = client
        self._rules = self._mail_rules = rules
        self._host = host
        self._transaction: Transaction | None = None
        self._tarpit = Tarpit(client.conduct.tarpit)
        self._may_start_tls = host.settings.tls is not None and not client.tls
        self._is_over = False
        self._certificate_name = ""

    @property
    def is_busy(self) -> bool:
        """Whether a message is under way."""
        return self._transaction is not None

    async def run(self) -> None:
        """Talk until one of the two has enough."""
        client = self._client
        if client.conduct.needs_tls and not client.tls and not self._may_start_tls:
            self._connection.say(TLS_IMPOSSIBLE.encode())
            return
        self._connection.say(Reply(220, self._rules.snapshot.greeting).encode())
        try:
            await self._converse()
        finally:
            self._reset()

    async def _converse(self) -> None:
        connection, patience = self._connection, self._rules.command_timeout
        while not self._is_over:
            line = connection.take_line()
            if line is None:
                line = await connection.line(patience)
                if line is None:
                    return
            later = self._obey(line.partition(b"\0")[0].decode(errors="surrogateescape"))
            if later is not None:
                await later

    def _obey(self, line: str) -> Later:
        found = _VERB.match(line)
        word = found[0] if found else ""
        verb, argument = word.upper(), line[len(word) :]
        client = self._client
        if client.conduct.logs_dialogue:
            self._log_command(verb, line)
        if client.conduct.needs_tls and not client.tls and verb not in _BEFORE_TLS:
            return self._complain(TLS_FIRST, line)
        if client.conduct.needs_auth and not client.login and verb not in _BEFORE_AUTH:
            return self._complain(AUTH_FIRST, line)
        handler = _HANDLERS.get("NOOP" if verb.startswith("NOOP") else verb)
        return self._complain(ERROR, line) if handler is None else handler(self, argument, line)

    # ---- greetings and small talk ------------------------------------------------------------------------------

    def _helo(self, argument: str, line: str) -> Later:
        if not self._is_greeted(argument, is_extended=False):
            return self._complain(ERROR, line)
        self._connection.say(f"250 {self._me} Ok.\r\n".encode(errors="surrogateescape"))
        return None

    def _ehlo(self, argument: str, line: str) -> Later:
        if not self._is_greeted(argument, is_extended=True):
            return self._complain(ERROR, line)
        self._connection.say(Reply(250, tuple(self._extensions())).encode())
        return None

    def _is_greeted(self, argument: str, *, is_extended: bool) -> bool:
        """Take a greeting; the first name counts for good, and a greeting ends what was under way."""
        name = argument.strip(" ")
        if not name:
            return False
        self._reset()
        self._client.is_extended = is_extended
        if not self._client.helo:
            self._client.helo = _UNFIT_FOR_HELO.sub("_", name)[:_HELO_LIMIT]
        return True

    @property
    def _me(self) -> str:
        return self._rules.ascii_me

    def _extensions(self) -> list[str]:
        offered = self._mechanisms()
        return [
            f"{self._me} Ok.",
            *([f"AUTH {' '.join(offered)}"] if offered else []),
            *(["STARTTLS"] if self._may_start_tls else []),
            "XVERP=Courier",
            "XEXDATA",
            "XSECURITY=NONE,STARTTLS",
            "PIPELINING",
            "8BITMIME",
            "SMTPUTF8",
            "SIZE",
            "DSN",
        ]

    def _noop(self, argument: str, line: str) -> Later:
        self._connection.say(OK)
        return None

    def _rset(self, argument: str, line: str) -> Later:
        if argument.strip():
            return self._complain(ERROR, line)
        self._may_start_tls = False
        self._reset()
        self._connection.say(OK)
        return None

    def _quit(self, argument: str, line: str) -> Later:
        if argument.strip():
            return self._complain(ERROR, line)
        self._connection.say(BYE)
        self._is_over = True
        return None

    def _reset(self) -> None:
        if self._transaction is not None:
            self._transaction.abort()
            self._transaction = None

    # ---- mail --------------------------------------------------------------------------------------------------

    def _mail(self, argument: str, line: str) -> Later:
        self._may_start_tls = False
        if not self._client.helo:
            return self._complain(POLITE, line)
        if self._transaction is not None or ":" not in argument:
            return self._complain(ERROR, line)
        path = parse_path(argument)
        if path is None:
            return self._complain(SYNTAX_ERROR, line)
        parameters = parse_mail(path[1])
        transaction = self._host.intake.begin(self._client, self._mail_rules)
        is_too_big = parameters.exceeds(self._rules.limit(self._client))
        answer = TOO_BIG if is_too_big else transaction.mail(path[0], parameters)
        if answer is None:
            self._transaction = transaction
            self._connection.say(ACCEPTED)
            return None
        return self._mail_later(answer, transaction, path[0])

    async def _mail_later(self, answer: Reply | Awaitable[Reply | None], transaction: Transaction, sender: str) -> None:
        if not isinstance(answer, Reply):
            self._connection.flush()
            found = await answer
            if found is None:
                self._transaction = transaction
                self._connection.say(ACCEPTED)
                return
            answer = found
        transaction.abort()
        await self._refuse(answer, f"from=<{sender}>")

    def _rcpt(self, argument: str, line: str) -> Later:
        if self._transaction is None or ":" not in argument:
            return self._complain(ERROR, line)
        path = parse_path(argument)
        if path is None:
            return self._complain(SYNTAX_ERROR, line)
        answer = self._transaction.rcpt(path[0], parse_rcpt(path[1]))
        if answer is None:
            self._connection.say(ACCEPTED)
            return None
        return self._rcpt_later(answer, self._transaction.offer.sender, path[0])

    async def _rcpt_later(self, answer: Reply | Awaitable[Reply | None], sender: str, recipient: str) -> None:
        found = answer if isinstance(answer, Reply) else await answer
        if found is None:
            self._connection.say(ACCEPTED)
        else:
            await self._refuse(found, f"from=<{sender}>,to=<{recipient}>")

    def _data(self, argument: str, line: str) -> Later:
        if argument.strip() or self._transaction is None or not self._transaction.has_recipients:
            return self._complain(ERROR, line)
        return self._receive(self._transaction)

    async def _receive(self, transaction: Transaction) -> None:
        """Take a text to its end, then say what became of it."""
        connection = self._connection
        connection.say(GO_ON)
        transaction.open()
        body = Body()
        patience = self._rules.data_timeout
        progress = _PROGRESS
        while not body.is_done:
            data = connection.take()
            if data:
                progress += len(data)
                text = body.feed(data)
                if text:
                    await transaction.write(text)
            elif not await connection.more(patience if progress >= _PROGRESS else None):
                return
            elif progress >= _PROGRESS:
                progress = 0
        if body.rest:
            connection.give_back(body.rest)
        reply = await transaction.finish()
        self._transaction = None
        self._host.metrics.count("smtp_messages", result="refused" if reply.is_refusal else "accepted")
        if reply.is_refusal:
            await self._refuse(reply, f"from=<{transaction.offer.sender}>")
        else:
            self._tarpit.forgive()
            connection.say(reply.encode())

    def _vrfy(self, argument: str, line: str) -> Later:
        if not argument.strip():
            return self._complain(ERROR, line)
        self._may_start_tls = False
        if self._client.conduct.no_vrfy or self._transaction is not None:
            self._connection.say(VRFY_DISABLED)
            return None
        return self._tell(self._host.intake.verify(argument.strip(), self._rules), line)

    def _expn(self, argument: str, line: str) -> Later:
        if not argument.strip():
            return self._complain(ERROR, line)
        self._may_start_tls = False
        if self._client.conduct.no_expn or self._transaction is not None:
            self._connection.say(EXPN_DISABLED)
            return None
        return self._tell(self._host.intake.expand(argument.strip(), self._rules), line)

    async def _tell(self, answer: Reply | Awaitable[Reply], line: str) -> None:
        reply = answer if isinstance(answer, Reply) else await answer
        if reply.is_refusal:
            await self._complain_later(reply, line)
        else:
            self._tarpit.forgive()
            self._connection.say(reply.encode())

    # ---- TLS and logins ----------------------------------------------------------------------------------------

    def _starttls(self, argument: str, line: str) -> Later:
        if argument.strip():
            return self._complain(ERROR, line)
        context = self._host.settings.tls
        if context is None or not self._may_start_tls:
            return self._complain(NO_TLS, line)
        return self._secure(context)

    async def _secure(self, context: ssl.SSLContext) -> None:
        self._connection.say(READY)
        self._may_start_tls = False
        await self.start_tls(context)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go over to TLS; end the session if that fails."""
        try:
            secured = await self._connection.start_tls(context)
        except OSError as error:
            self._host.log.error(self._client.conduct.program, f"courieresmtpd: STARTTLS failed: {error}")
            self._is_over = True
            self._connection.give_up()
            return
        self._may_start_tls = False
        self._client.tls = describe(secured)
        field = self._host.settings.settings.tls_external
        if field:
            self._certificate_name = subject(secured, field)

    def _mechanisms(self) -> tuple[str, ...]:
        conduct = self._client.conduct
        offered = conduct.mechanisms_under_tls if self._client.tls else conduct.mechanisms
        return (*offered, sasl.EXTERNAL) if self._certificate_name else offered

    def _auth(self, argument: str, line: str) -> Later:
        self._may_start_tls = False
        if self._client.login or self._transaction is not None:
            return self._complain(ERROR, line)
        words = argument.split()
        if not words:
            return self._complain(ERROR, line)
        if not self._mechanisms():
            return self._complain(AUTH_REJECTED, line)
        return self._authenticate(words[0].upper(), words[1] if len(words) > 1 else None)

    async def _authenticate(self, mechanism: str, initial: str | None) -> None:
        proof: Login | None = None
        try:
            proof = await sasl.prove(mechanism, initial, self._ask, self._rules.snapshot.me, self._certificate_name)
            account = await sasl.verify(proof, self._host.authenticator, self._rules.snapshot)
        except (sasl.BrokenOff, Rejected):
            said = ("AUTH", mechanism, (initial or "")[:_SHOWN_OF_SECRETS], "" if proof is None else proof.user)
            await self._complain_later(AUTH_FAILED, " ".join(filter(None, said)))
            return
        except Unavailable:
            await self._complain_later(AUTH_UNAVAILABLE, f"AUTH {mechanism}")
            return
        self._client.has_authenticated(account, mechanism)
        if not self._rules.name:
            self._mail_rules = self._rules.for_host(account.rpartition("@")[2])
        self._connection.say(AUTHENTICATED)

    async def _ask(self, challenge: bytes) -> bytes:
        connection = self._connection
        connection.say(b"334 " + sasl.encode(challenge) + b"\r\n")
        line = await connection.line(self._rules.command_timeout)
        if line is None:
            raise sasl.BrokenOff
        return sasl.decode(line.decode(errors="surrogateescape"))

    # ---- errors ------------------------------------------------------------------------------------------------

    def _complain(self, reply: Reply, line: str) -> Later:
        """An error of the conversation: answered first, paid for afterwards."""
        client = self._client
        self._connection.say(reply.encode())
        text = f'error,{self._place},msg="{reply.code} {reply.lines[0]}",cmd: {_shown(line)}'
        self._host.log.info(client.conduct.program, text)
        price = self._tarpit.price(reply.code)
        return self._connection.pause(price) if price else None

    async def _complain_later(self, reply: Reply, line: str) -> None:
        later = self._complain(reply, line)
        if later is not None:
            await later

    async def _refuse(self, reply: Reply, what: str) -> None:
        """A refusal of mail: paid for first, then answered."""
        for line in reply.text.split("\n"):
            self._host.log.error(self._client.conduct.program, f"error,{self._place},{_shown(what)}: {_shown(line)}")
        price = self._tarpit.price(reply.code)
        if price:
            await self._connection.pause(price)
        self._connection.say(reply.encode())

    @property
    def _place(self) -> str:
        client = self._client
        ident = f',ident="{client.info}"' if client.info else ""
        return f"relay={client.ip},port={client.port}{ident}"

    def _log_command(self, verb: str, line: str) -> None:
        shown = " ".join(line.split()[:2]) if verb == "AUTH" else line
        self._host.log.info(self._client.conduct.program, _shown(shown))


def _shown(text: str) -> str:
    """Text of a client as a log may hold it."""
    return _UNPRINTABLE.sub(".", text) if len(text) <= 128 else _UNPRINTABLE.sub(".", text[:128]) + "..."


_HANDLERS: Final[dict[str, Callable[[Session, str, str], Later]]] = {
    "HELO": Session._helo,
    "EHLO": Session._ehlo,
    "MAIL": Session._mail,
    "RCPT": Session._rcpt,
    "DATA": Session._data,
    "RSET": Session._rset,
    "NOOP": Session._noop,
    "QUIT": Session._quit,
    "VRFY": Session._vrfy,
    "EXPN": Session._expn,
    "STARTTLS": Session._starttls,
    "AUTH": Session._auth,
}
