"""explain: which line, rule or default a setting, record or line came from; or what a problem means."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from courier_compiler import pipeline
from courier_compiler.artefact import Artefact
from courier_compiler.build import build
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_host
from courier_compiler.explain import (
    Explanation,
    explain_entry,
    explain_file,
    explain_setting,
    explain_settings,
)
from courier_compiler.problem_pages import page
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import CourierSiteError
from courier_schema.source.secrets import MaskedSecrets


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "subject", metavar="FILE|PROBLEM", help="compiled file such as esmtpd or aliases.dat, or a problem's id"
    )
    parser.add_argument("key", nargs="?", metavar="KEY", help="setting, line, record or what is looked up there")
    parser.add_argument("--site", type=Path, default=Path("site.yaml"), help="site file or its directory (site.yaml)")
    add_host(parser)


def run(options: argparse.Namespace) -> int:
    about = page(options.subject) if options.key is None else None
    if about is not None:
        print(f"{options.subject}: {about.title}\n\n{about.why}")
        return 0
    hosts = _hosts(options)
    for resolved in hosts:
        if len(hosts) > 1:
            print(f"{resolved.host}:")
        for told in _told(resolved, options.subject, options.key):
            print("\n".join((told.subject, *(f"  {reason}" for reason in told.reasons if reason))))
    return 0


def _told(resolved: ResolvedSite, subject: str, key: str | None) -> Iterable[Explanation]:
    name = _name(resolved, subject)
    if name in resolved.settings:
        return explain_settings(resolved, name) if key is None else (explain_setting(resolved, name, key),)
    artefact = _artefact(resolved, name)
    return (explain_file(resolved, artefact) if key is None else explain_entry(resolved, artefact, key),)


def _name(resolved: ResolvedSite, subject: str) -> str:
    """A file as it is called in its directory of configuration, where a path to it there or in a build is given."""
    layout = resolved.profile.layout
    for directory in (layout.authdir, layout.sysconfdir):
        _, found, name = f"/{subject}".partition(f"{directory}/")
        if found:
            return name
    return subject


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
