"""Metrics for Prometheus. Every metric is a row of one table, and nothing else can be counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest

Kind = Literal["counter", "gauge"]


@dataclass(frozen=True, slots=True)
class Row:
    """One metric."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()


PREFIX: Final = "courier_"

Counts = Sequence[tuple[str, float, Mapping[str, str]]]
"""Names, how much to add, and labels."""

_MOMENT: Final = 0.1
"""Seconds for which counts are collected before they are passed on."""

ROWS: Final = (
    Row("smtp_connections", "counter", "Connections that were accepted.", ("listener",)),
    Row("smtp_messages", "counter", "Messages that clients brought, by how that ended.", ("result",)),
    Row("deliveries", "counter", "Attempts to deliver to a recipient.", ("module", "outcome")),
    Row("queue_messages", "gauge", "Messages in the queue."),
    Row("queue_deliveries", "gauge", "Deliveries that are under way."),
    Row("reloads", "counter", "Changes of configuration, by how they ended.", ("result",)),
    Row("generation", "gauge", "1 for the generation in force.", ("generation",)),
    Row("spool_free_bytes", "gauge", "Room for mail."),
    Row("spool_free_inodes", "gauge", "Files that there is room for."),
    Row("descriptor_shortages", "counter", "Clients that found hardly a descriptor left for them."),
    Row("actor_restarts", "counter", "Parts of the server that crashed and were started again.", ("actor",)),
)
"""Every metric of the server. Prometheus sees the prefix before their names, and `_total` behind those of counters."""


class PrometheusMetrics:
    """Counts, and shows what was counted. Raises KeyError for a name that is no row, ValueError for other labels."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        made = {row.name: _MAKERS[row.kind](row, self._registry) for row in ROWS}
        self._counters = {name: one for name, one in made.items() if isinstance(one, Counter)}
        self._labelled: dict[tuple[object, ...], Counter] = {}
        """Counters with their labels: looking one up in the library takes longer than counting."""
        self._gauges = {name: one for name, one in made.items() if isinstance(one, Gauge)}

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        key = (name, *labels.items())
        counter = self._labelled.get(key)
        if counter is None:
            counter = self._counters[name]
            counter = self._labelled[key] = counter.labels(**labels) if labels else counter
        counter.inc(value)

    def add(self, counts: Counts) -> None:
        """Add what another process has counted."""
        for name, value, labels in counts:
            self.count(name, value, **labels)

    def counted(self, name: str) -> float:
        """What a counter without labels has come to."""
        [family] = self._counters[name].collect()
        return next(sample.value for sample in family.samples if sample.name.endswith("_total"))

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def forget(self, name: str, **labels: str) -> None:
        """Show a gauge with these labels no more."""
        self._gauges[name].remove(*labels.values())

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)


class CountsToPass:
    """Counters of a process that shows no metrics itself: they are passed on to one that does, a moment later."""

    def __init__(self, passes: Callable[[Counts], None]) -> None:
        self._passes = passes
        self._counts: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        key = name, tuple(labels.items())
        if not self._counts:
            asyncio.get_running_loop().call_later(_MOMENT, self.flush)
        self._counts[key] = self._counts.get(key, 0.0) + value

    def flush(self) -> None:
        """Pass on what was counted."""
        counts, self._counts = self._counts, {}
        if counts:
            self._passes([(name, value, dict(labels)) for (name, labels), value in counts.items()])


class NoMetrics:
    """Counts nothing, for tests and short-lived commands."""

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        """Nothing."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Nothing."""

    def forget(self, name: str, **labels: str) -> None:
        """Nothing."""


_MAKERS: Final[Mapping[Kind, Callable[[Row, CollectorRegistry], Counter | Gauge]]] = {
    "counter": lambda row, registry: Counter(PREFIX + row.name, row.meaning, row.labels, registry=registry),
    "gauge": lambda row, registry: Gauge(PREFIX + row.name, row.meaning, row.labels, registry=registry),
}
