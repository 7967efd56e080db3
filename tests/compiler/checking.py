"""Sites as short texts, and what the checks find in them: the common ground of the tests of checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from compiler.resolving import understand
from courier_compiler import checks
from courier_compiler.host import FileFacts, HostView, NoHost
from courier_schema.report import Problem

NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
NOTHING_SEEN: Final = NoHost(NOW)
HOST: Final = "host: {name: mx.example.org, postmaster: admin@example.net}\n"
OWNER: Final = "account_defaults: {uid: 5000, gid: 5000}\n"
HASH: Final = '"$6$saltsalt$0123456789abcdef"'
ANNA: Final = f"{HOST}{OWNER}accounts:\n  anna: {{password: {HASH}}}\n"
CERTIFICATE: Final = "tls: {certificate: /etc/ssl/mx.pem}\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail host of which some files can be seen."""

    files: Mapping[str, FileFacts] = field(default_factory=dict)
    strict: bool = False
    moment: datetime = NOW

    def file(self, path: str) -> FileFacts | None:
        return self.files.get(path)

    def now(self) -> datetime:
        return self.moment


def problems(text: str, host: HostView = NOTHING_SEEN) -> list[Problem]:
    """Everything that the checks find in a site, in the order of the checks."""
    resolved, _ = understand(text)
    return list(checks.run(resolved, host))


def found(text: str, host: HostView = NOTHING_SEEN) -> list[str]:
    """The ids of it."""
    return [problem.id for problem in problems(text, host)]


def told(text: str, name: str, host: HostView = NOTHING_SEEN) -> list[str]:
    """The sentences of one check about a site."""
    return [problem.says for problem in problems(text, host) if problem.id == name]


def places(text: str, name: str, host: HostView = NOTHING_SEEN) -> list[str]:
    """The places of the findings of one check, as people say them."""
    return [".".join(map(str, problem.path)) for problem in problems(text, host) if problem.id == name]
