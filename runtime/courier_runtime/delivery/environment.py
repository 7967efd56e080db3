"""The environment of delivery programs: Courier's variables, and nothing of what the server was started with."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from courier_runtime.mail.verp import verp
from courier_runtime.routing.addresses import ascii_name, split
from courier_runtime.routing.local import LocalHop
from courier_runtime.seams import Job
from courier_runtime.snapshot.model import Snapshot


@dataclass(frozen=True, slots=True)
class Situation:
    """One local delivery: whose it is, and under which names the message came."""

    job: Job
    hop: LocalHop
    home: str
    """Where the home directory lies on this machine."""
    recipient: str
    """The full address."""
    sender: str
    """The return address, of this recipient's own under VERP."""
    default: str = ""
    """What the `default` of the instruction file's name stands for."""

    @property
    def snapshot(self) -> Snapshot:
        """The configuration of this delivery."""
        return self.job.snapshot

    @property
    def envelope_line(self) -> str:
        """The line that begins a message in an mbox."""
        return f"From {self.sender or 'MAILER-DAEMON'} {time.ctime(self.job.message.arrived)}\n"

    @property
    def return_path(self) -> str:
        """The header with the return address."""
        return f"Return-Path: <{self.sender}>\n"

    @property
    def delivered_to(self) -> str:
        """The header with this recipient."""
        return f"Delivered-To: {self.delivered_address}\n"

    @property
    def delivered_address(self) -> str:
        """The recipient as that header has it, with a domain that any program can read."""
        if self.recipient.isascii():
            return self.recipient
        local_part, domain = split(self.recipient)
        return f"{local_part}@{ascii_name(domain)}"


def situation(job: Job, number: int, hop: LocalHop) -> Situation:
    """The delivery of a job to one of its recipients."""
    envelope, address = job.message.envelope, job.recipient(number).address
    recipient = address if "@" in address else f"{address}@{job.snapshot.locality.default_domain}"
    sender = verp(envelope.sender, recipient) if envelope.verp else envelope.sender
    return Situation(job, hop, str(job.snapshot.ground.place(hop.home)), recipient, sender)


def variables(about: Situation) -> Mapping[str, str]:
    """Everything that a program sees."""
    snapshot = about.snapshot
    limits = snapshot.modules["local"]
    local_part, domain = split(about.recipient)
    extension = about.hop.extension
    parts = extension.split("-")
    return {
        **snapshot.courierd_environment,
        "PATH": snapshot.courierd_environment.get("PATH", "/usr/bin:/bin"),
        "SHELL": snapshot.courierd.shell or "/bin/sh",
        "COURIER_HOME": snapshot.ground.prefix,
        "MAXDELS": str(limits.max_deliveries),
        "MAXHOST": str(limits.max_per_host),
        "MAXRCPT": str(limits.max_recipients),
        "HOME": about.home,
        "PWD": about.home,
        "USER": about.hop.account,
        "SENDER": about.sender,
        "RECIPIENT": about.recipient,
        "LOCAL": local_part,
        "HOST": domain,
        "EXT": extension,
        **{f"EXT{number}": "-".join(parts[number - 1 :]) for number in (2, 3, 4)},
        "DEFAULT": about.default,
        "UFLINE": about.envelope_line.rstrip("\n"),
        "RPLINE": about.return_path.rstrip("\n"),
        "DTLINE": about.delivered_to.rstrip("\n"),
        "MAILDIRQUOTA": about.hop.quota,
        "MAILDROPDEFAULT": about.hop.maildir or snapshot.courierd.maildropdefault or "./Maildir",
    }
