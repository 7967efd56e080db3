"""explain: which line, rule or default a setting, record or line came from; or what a problem means."""

from __future__ import annotations

import argparse
from pathlib import Path

from courier_compiler import pipeline
from courier_compiler.artefact import Artefact
from courier_compiler.build import build
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_host
from courier_compiler.explain import explain_entry, explain_setting
from courier_compiler.problem_pages import page
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import CourierSiteError
from courier_schema.source.secrets import MaskedSecrets


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "subject", metavar="FILE|PROBLEM", help="compiled file such as esmtpd or aliases.dat, or a problem's id"
    )
    parser.add_argument("key", nargs="?", metavar="KEY", help="setting, line or record in that file")
    parser.add_argument("--site", type=Path, default=Path("site.yaml"), help="site file or its directory (site.yaml)")
    add_host(parser)


def run(options: argparse.Namespace) -> int:
    about = page(options.subject) if options.key is None else None
    if about is not None:
        print(f"{options.subject}: {about.title}\n\n{about.why}")
        return 0
    for resolved in _hosts(options):
        if options.key is not None and options.subject in resolved.settings:
            told = explain_setting(resolved, options.subject, options.key)
        else:
            told = explain_entry(resolved, _artefact(resolved, options.subject), options.key or "")
        print("\n".join((told.subject, *(f"  {reason}" for reason in told.reasons if reason))))
    return 0


def _hosts(options: argparse.Namespace) -> list[ResolvedSite]:
    readings = list(pipeline.read(options.site, options.host))
    for reading in readings:
        if reading.resolved is None:
            raise CourierSiteError(f"{options.site} has errors: run courier-compile check {options.site}")
    return [reading.resolved for reading in readings if reading.resolved is not None]


def _artefact(resolved: ResolvedSite, name: str) -> Artefact:
    """The compiled file that is called `name`: its whole path, or its path in the configuration directory."""
    artefacts = build(resolved, MaskedSecrets(), "site").artefacts
    wanted = {name.lstrip("/"), f"{resolved.profile.layout.sysconfdir}/{name}".lstrip("/")}
    for artefact in artefacts:
        if artefact.path in wanted:
            return artefact
    raise CourierSiteError(f"this host has no file {name}")


VERB = Verb("say where a setting, line or record comes from, or what a problem means", configure, run)
