"""No control file is forgotten: every name that Courier's programs open is made for some site, or has a reason."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from courier_compiler import pipeline
from courier_compiler.build import build
from courier_schema.source.secrets import HostSecrets

EVERYTHING = Path(__file__).parents[2] / "site-examples/everything"

NAMES = Path(__file__).with_name("control_files.txt")

ELSEWHERE = {
    "aliases-PROTOCOL": "etc/courier/aliases-esmtp/site",
    "aliases-PROTOCOL.dat": "etc/courier/aliases-esmtp.dat",
    "maildroprc": "etc/maildroprc",
    "maildroprcs": "etc/maildroprcs/common",
    "module.NAME": "etc/courier/module.esmtp",
    "vhost.NAME": "etc/courier/vhost.192.0.2.26",
}
"""Names that stand for several, or that Debian has in another place."""

LEFT_OUT = {
    "defaultsep": "read since 1.3.13, and the site's target is older",
    "esmtproutes.dat": "only read where there is no text file; a site with routes has that",
    "esmtpd.cnf": "input of a program that makes certificates; a site names certificates that exist",
    "imapd.cnf": "as esmtpd.cnf",
    "pop3d.cnf": "as esmtpd.cnf",
    "filters/dupfilter-mode": "selective filtering is the absence of the file",
    "filters/verifyfilter-mode": "selective filtering is the absence of the file",
    "filters/perlfilter-dump": "a switch for looking into a running filter, made by hand",
    "shared.tmp": "work directory of sharedindexinstall",
    "webadmin/added": "pending changes of the web administration",
    "webadmin/changed": "pending changes of the web administration",
    "webadmin/changed.new": "pending changes of the web administration",
    "webadmin/removed": "pending changes of the web administration",
    "webadmin/subdirs-added": "pending changes of the web administration",
    "webadmin/subdirs-removed": "pending changes of the web administration",
}
"""Names that no site makes, and why."""


@cache
def _made() -> frozenset[str]:
    (reading,) = pipeline.read(EVERYTHING)
    assert reading.resolved is not None, list(reading.report)
    return frozenset(file.path for file in build(reading.resolved, HostSecrets(EVERYTHING), "site.yaml").artefacts)


def _is_made(name: str) -> bool:
    path = ELSEWHERE.get(name, f"etc/courier/{name}")
    return any(made == path or made.startswith(f"{path}/") for made in _made())


def test_every_control_file_is_made_or_has_a_reason() -> None:
    names = [line for line in NAMES.read_text().splitlines() if line and not line.startswith("#")]
    assert len(names) > 100
    assert sorted(name for name in names if not _is_made(name)) == sorted(LEFT_OUT)


def test_access_tables_of_all_listeners_are_made() -> None:
    for table in ("smtpaccess", "smtpaccess-msa", "imapaccess"):
        assert {f"etc/courier/{table}/default", f"etc/courier/{table}.dat"} <= _made()
