"""Sites for tests of traces and expectations: from YAML text to a compiled host, and what becomes of an envelope."""

from __future__ import annotations

from compiler.built_sites import HEAD, OWNED, resolved_site
from courier_compiler.expectations.run import run
from courier_compiler.expectations.values import Outcome
from courier_compiler.tracing.host import CompiledHost
from courier_compiler.tracing.trace import trace
from courier_compiler.tracing.values import Envelope, Service, Stage, Trace

BASE = f"""\
{HEAD}{OWNED}\
tls: {{certificate: /etc/courier/esmtpd.pem}}
listeners:
  smtp: {{auth: []}}
  submission: {{require_tls: true, require_auth: true, auth: [], auth_tls: [PLAIN]}}
accounts:
  anna: {{password: {{value: geheim}}}}
  boris: {{}}
"""
STRANGE = "stranger@elsewhere.example"


def compiled(text: str = "") -> CompiledHost:
    """A host with anna, who can log in, and boris, who cannot; `text` adds sections."""
    host = CompiledHost.of(resolved_site(BASE + text))
    assert host.problems == ()
    return host


def way(
    recipient: str,
    text: str = "",
    sender: str = STRANGE,
    client: str = "198.51.100.7",
    login: str | None = None,
    tls: bool = False,
    service: Service = "smtp",
) -> Trace:
    """What becomes of mail to a recipient."""
    return trace(compiled(text), Envelope(sender, recipient, client, login, tls, service))


def reply(
    recipient: str,
    text: str = "",
    sender: str = STRANGE,
    client: str = "198.51.100.7",
    login: str | None = None,
    tls: bool = False,
    service: Service = "smtp",
) -> str:
    """The last reply, with the command that it answers."""
    found = way(recipient, text, sender, client, login, tls, service).reply
    return f"{found.command}: {found}"


def ends(found: Trace) -> list[str]:
    """Where a message goes: the kinds and names of its ends."""
    return [f"{delivery.kind} {delivery.target}" for delivery in found.deliveries]


def said(found: Trace, stage: Stage) -> list[str]:
    """The steps of a stage, each with the path of the site that decided it."""
    steps = (step for step in found.steps if step.stage is stage)
    return [f"{step.says} <- {step.why.says}" if step.why else step.says for step in steps]


def outcomes(tests: str, text: str = "") -> list[Outcome]:
    """The outcome of each test, in its order."""
    return list(run(compiled(f"{text}tests:\n{tests}")))


def failures(tests: str, text: str = "") -> list[str]:
    """What the failing tests say."""
    return [mismatch.says for outcome in outcomes(tests, text) for mismatch in outcome.mismatches]
