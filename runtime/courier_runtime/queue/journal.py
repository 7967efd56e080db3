"""The queue's log lines, in Courier's shapes."""

from __future__ import annotations

import time
from typing import Final

from courier_runtime.delivery.uucp import outgoing
from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.outcome import Delivered, Failed, Outcome, Relayed
from courier_runtime.seams import Job, Log, Queued

_COURIERD: Final = "courierd"
_NEWLINE: Final = "\n"
_PROGRAMS: Final = {
    "local": "courierlocal",
    "esmtp": "courieresmtp",
    "uucp": "courieruucp",
    "fax": "courierfax",
    "dsn": "courierdsn",
}


class Journal:
    """Writes what happens to messages."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def arrived(self, name: MessageId, envelope: Envelope) -> None:
        """A message is safe, and ours from now on."""
        login = f", auth={envelope.login}" if envelope.login else ""
        self._log.info(_COURIERD, f"newmsg,id={name}{login}: {envelope.origin}")

    def started(self, job: Job) -> None:
        """A delivery begins: a line for each recipient, with the module's form of both addresses."""
        hop, sender = job.hop, job.message.envelope.sender
        if hop.module == "uucp":
            sender = outgoing(sender, job.snapshot)
        for address in job.addresses:
            self._log.info(
                _COURIERD,
                f"started,id={job.message.id},from=<{sender}>,module={hop.module},host={hop.host},addr=<{address}>",
            )

    def notifying(self, message: Queued, addressee: str, is_delay: bool) -> None:
        """A notice is made."""
        host = "deferred" if is_delay else ""
        self._log.info(
            _COURIERD,
            f"started,id={message.id},from=<>,module=dsn,host={host},addr=<{addressee}>",
        )

    def completed(self, message: Queued) -> None:
        """An attempt has ended, or a notice was made."""
        self._log.info(_COURIERD, f"completed,id={message.id}")

    def outcome(self, message: Queued, number: int, outcome: Outcome, module: str = "") -> None:
        """What became of a recipient: in a module, or without it where the queue itself gave up."""
        program = _PROGRAMS.get(module, _COURIERD)
        address = message.envelope.recipients[number].address
        head = f"id={message.id},from=<{message.envelope.sender}>,addr=<{address}>"
        match outcome:
            case Delivered() if module == "local":
                self._log.info(program, f"{head},size={message.size},success: Message delivered.")
            case Relayed() if module == "uucp":
                *first, last = outcome.said.replies
                for line in first:
                    self._log.info(program, f"{head}: {line}")
                self._log.info(program, f"{head},size={message.size},success: {last}")
            case Delivered() if module == "fax":
                self._log.info(program, f"{head},success: {' '.join(outcome.said.replies)}")
            case Delivered() | Relayed():
                for line in outcome.said.replies:
                    self._log.info(program, f"{head}: {line}")
                peer = f"delivered: {outcome.said.peer}" if outcome.said.peer else "delivered"
                self._log.info(program, f"{head},success: {peer}")
                self._log.info(program, f"{head},status: success")
            case _:
                for said in (outcome.said.network_error, *outcome.said.replies):
                    if said:
                        self._log.info(program, f"{head}: {said.replace(_NEWLINE, '/')}")
                self._log.info(program, f"{head},status: {'failure' if isinstance(outcome, Failed) else 'deferred'}")

    def waiting(self, wakeup: float | None, in_hand: int, running: int) -> None:
        """The queue has nothing else to do. This server never recycles itself, so it has no time of shutdown."""
        when = "none" if wakeup is None else time.asctime(time.localtime(wakeup))
        self._log.info(
            _COURIERD,
            f"Waiting.  shutdown time=none, wakeup time={when}, queuedelivering={in_hand}, inprogress={running}",
        )

    def trouble(self, text: str) -> None:
        """Something that somebody should look at."""
        self._log.error(_COURIERD, text)

    def note(self, text: str) -> None:
        """Something that happened to the queue as a whole."""
        self._log.info(_COURIERD, text)
