"""What one generation of the configuration comes to for those who take mail in: looked up once, asked often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from courier_runtime.mail.terms import Terms
from courier_runtime.policy.client import Client
from courier_runtime.policy.conduct import Conduct
from courier_runtime.routing.addresses import ascii_name
from courier_runtime.snapshot.model import ListenerSettings, Snapshot
from courier_schema.legacy.codecs import seconds
from courier_schema.legacy.formats.bofh import DEFAULT_MAXRCPTS
from courier_schema.legacy.formats.domains import DomainList, normal_form

REMEMBERED: Final = 4096
"""Answers of each kind that are kept. Tables do not change within a generation, so they cannot grow stale."""

Text = Callable[[str], str]
Takes = Callable[[str], str | None]
"""The address under which mail from strangers is taken, or None."""
Targets = Callable[[str, str], tuple[str, ...] | None]
"""What an alias (address, source module) stands for; None for an address that is none."""


class Rules:
    """A snapshot, with everything that taking mail in asks of it at hand."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        canonical: Text,
        takes: Takes,
        targets: Targets,
        name: str = "",
        virtual: Mapping[str, Rules] = MappingProxyType({}),
    ) -> None:
        self.snapshot = snapshot
        self.name = name
        """Of the virtual host, or empty."""
        self.canonical: Text = lru_cache(REMEMBERED)(canonical)
        self.takes: Takes = lru_cache(REMEMBERED)(takes)
        self.targets: Targets = lru_cache(REMEMBERED)(targets)
        self._virtual = virtual
        bofh, control = snapshot.bofh, snapshot.control
        self.bad_senders = BadSenders(bofh.badfrom, snapshot.locality.lowercase)
        self.bad_exchanges = frozenset(bofh.badmx)
        self.freemail = {words[0].lower(): words for words in bofh.freemail}
        self.traps = frozenset(canonical(address) for address in bofh.spamtrap)
        self.max_recipients = DEFAULT_MAXRCPTS if bofh.maxrcpts is None else bofh.maxrcpts
        self.size_limit = 10485760 if control.sizelimit is None else control.sizelimit
        self.terms = Terms.of(control)
        self.batch = control.batchsize or 100
        self.filtered = frozenset(control.enablefiltering or ())
        self.ascii_me = ascii_name(snapshot.me)
        self.id_host = control.msgidhost or snapshot.me
        self.command_timeout = _seconds(control.esmtptimeout, "10m")
        self.data_timeout = _seconds(control.esmtptimeoutdata, "5m")

    def for_host(self, name: str) -> Rules:
        """Those of a virtual host, or these."""
        return self._virtual.get(name, self)

    def conduct(self, listener: ListenerSettings, variables: Mapping[str, str]) -> Conduct:
        """How clients of a listener are treated whose access record sets these variables."""
        return Conduct.of({**listener.environment, **variables}, self.snapshot.bofh)

    def limit(self, client: Client) -> int:
        """Bytes that a message of this client may have; 0 for any size."""
        own = client.conduct.size_limit
        return self.size_limit if own is None else own


class BadSenders:
    """The `badfrom` directives, compiled: exact addresses, domains, and all that lies below a domain."""

    def __init__(self, patterns: tuple[str, ...], is_lowercase: bool) -> None:
        self._is_lowercase = is_lowercase
        self._exact = frozenset(self._folded(pattern) for pattern in patterns if not pattern.startswith("@"))
        domains = [pattern[1:] for pattern in patterns if pattern.startswith("@")]
        self._domains = DomainList.of(domains, "")
        self._below = tuple(name for name in self._exact if "@." in name)

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, str) or not (self._exact or self._domains.entries):
            return False
        folded = self._folded(address)
        local_part, _, domain = folded.rpartition("@")
        return folded in self._exact or domain in self._domains or self._lies_below(local_part, domain)

    def _lies_below(self, local_part: str, domain: str) -> bool:
        found = (name.rpartition("@") for name in self._below)
        return any(user == local_part and domain.endswith(suffix) for user, _, suffix in found)

    def _folded(self, address: str) -> str:
        local_part, at, domain = address.rpartition("@")
        return (local_part.lower() if self._is_lowercase else local_part) + at + normal_form(domain)


def _seconds(duration: str | None, default: str) -> int:
    return seconds(default if duration is None else duration)
