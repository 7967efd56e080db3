"""explain: which line, rule or default a setting, record or line came from; or what a problem means."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from courier_compiler import pipeline
from courier_compiler.artefact import Artefact
from courier_compiler.build import build
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_host
from courier_compiler.explain import (
    Explanation,
    did_you_mean,
    explain_entry,
    explain_file,
    explain_lines,
    explain_setting,
    explain_settings,
)
from courier_compiler.origin import Origin
from courier_compiler.problem_pages import page, pages
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.table import rows_by_name
from courier_schema.legacy.tables import FILES
from courier_schema.legacy.tables.bofh import Bofh
from courier_schema.report import CourierSiteError
from courier_schema.source.secrets import MaskedSecrets
from courier_schema.suggest import suggest

_SHOWN: Final = 5
"""Files of a directory that are named."""


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
    if name not in resolved.settings:
        artefact = _artefact(resolved, name, key)
        return (explain_file(resolved, artefact) if key is None else explain_entry(resolved, artefact, key),)
    directives = _directives(resolved, name)
    if key is None:
        return explain_settings(resolved, name, directives)
    return explain_lines(resolved, name, directives, key) or [explain_setting(resolved, name, key)]


def _directives(resolved: ResolvedSite, name: str) -> Mapping[str, Origin]:
    """The lines of bofh that assign nothing, with their reasons; other settings files have none."""
    made = _built(resolved).get(_path(resolved, name)) if name == Bofh.file else None
    return {line: origin for line, origin in made.origins.items() if line not in rows_by_name(Bofh)} if made else {}


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
            meant = suggest(options.subject, pages()) if options.key is None else None
            hint = f"; or did you mean the problem {meant}?" if meant else ""
            raise CourierSiteError(f"{options.site} has errors: run courier-compile check {options.site}{hint}")
    return [reading.resolved for reading in readings if reading.resolved is not None]


def _artefact(resolved: ResolvedSite, name: str, key: str | None) -> Artefact:
    """The compiled file of a path, of a path in the configuration directory, or that is made of such a directory."""
    built = _built(resolved)
    path = _path(resolved, name)
    for wanted in (name.lstrip("/"), path, f"{path.removesuffix('.dir')}.dat"):
        if wanted in built:
            return built[wanted]
    here = _path(resolved, "")
    known = [made.removeprefix(here) for made in built]
    inside = [made for made in known if made.startswith(f"{name.strip('/')}/")]
    if inside:
        raise CourierSiteError(f"{name} is a directory; name one of its files: {', '.join(inside[:_SHOWN])}")
    words = (*known, *FILES, *(pages() if key is None else ()))
    raise CourierSiteError(f"this host has no file {name}{did_you_mean(name, words)}")


def _built(resolved: ResolvedSite) -> dict[str, Artefact]:
    """Every compiled file by its path."""
    return {artefact.path: artefact for artefact in build(resolved, MaskedSecrets(), "site").artefacts}


def _path(resolved: ResolvedSite, name: str) -> str:
    """The path below the root of what is called `name` in the configuration directory."""
    return f"{resolved.profile.layout.sysconfdir}/{name}".lstrip("/")


VERB = Verb("say where a setting, line or record comes from, or what a problem means", configure, run)
