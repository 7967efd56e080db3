"""Hosts compiled in memory, for the verbs that ask them."""

from __future__ import annotations

import argparse

from courier_compiler import pipeline
from courier_compiler.host import LocalHost
from courier_compiler.tracing.host import CompiledHost
from courier_schema.report import CourierSiteError


def compiled_hosts(options: argparse.Namespace) -> list[CompiledHost]:
    """Every host of the site, or the one that is asked for. CourierSiteError for a site that has errors."""
    readings = list(pipeline.read(options.site, options.host))
    if any(pipeline.check(reading, LocalHost()).is_fatal for reading in readings):
        raise CourierSiteError(f"{options.site} has errors: run courier-compile check {options.site}")
    return [CompiledHost.of(reading.resolved) for reading in readings if reading.resolved is not None]
