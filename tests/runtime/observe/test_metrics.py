"""What is counted is what the table says, and Prometheus can read it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import courier_runtime
from courier_runtime.observe.metrics import ROWS, PrometheusMetrics


def test_what_was_counted_is_shown() -> None:
    metrics = PrometheusMetrics()
    metrics.count("deliveries", module="local", outcome="delivered")
    metrics.count("deliveries", 2, module="local", outcome="delivered")
    metrics.gauge("spool_free_bytes", 4711)
    samples = {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }
    assert samples["courier_deliveries_total", (("module", "local"), ("outcome", "delivered"))] == 3
    assert samples["courier_spool_free_bytes", ()] == 4711
    assert ("process_open_fds", ()) in samples


def test_what_a_counter_has_come_to_can_be_asked() -> None:
    metrics = PrometheusMetrics()
    assert metrics.counted("descriptor_shortages") == 0
    metrics.count("descriptor_shortages", 2)
    metrics.add([("descriptor_shortages", 3, {})])
    assert metrics.counted("descriptor_shortages") == 5


def test_a_gauge_of_what_is_no_more_can_be_forgotten() -> None:
    metrics = PrometheusMetrics()
    for number in range(3):
        metrics.gauge("generation", 1, generation=str(number))
        metrics.forget("generation", generation=str(number - 1))
    assert metrics.text().count(b"courier_generation{") == 1


def test_what_is_no_row_cannot_be_counted() -> None:
    with pytest.raises(KeyError):
        PrometheusMetrics().count("invented")
    with pytest.raises(ValueError, match="label"):
        PrometheusMetrics().count("deliveries", colour="red")


def test_every_metric_in_the_code_is_a_row_and_every_row_is_in_the_code() -> None:
    package = Path(courier_runtime.__file__).parent
    sources = [path.read_text() for path in package.rglob("*.py") if path.name != "metrics.py"]
    calls = re.compile(r'metrics\.(?:count|gauge|observe)\(\s*"([a-z_]+)"')
    used = {name for text in sources for name in calls.findall(text)}
    assert used == {row.name for row in ROWS}
