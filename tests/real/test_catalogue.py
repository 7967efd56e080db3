"""The catalogue against an installed Courier: names, groups, revisions, and the values that its files assign."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from courier_compiler.profile import in_force, load_profile
from courier_compiler.settings_file import spelt
from courier_schema.legacy.formats import module_file
from courier_schema.legacy.formats.source import Source
from courier_schema.legacy.table import rows, rows_by_name
from courier_schema.legacy.tables import table
from upstream.collect import collect, read

ETC = Path("/etc/courier")
NAMES = Path(__file__).parent.parent / "upstream" / "debian-12.names"
DEBIAN = load_profile("debian-12")
INSTALLED = [file for file in DEBIAN.files if (ETC / file).exists()]
SHELL = [file for file in INSTALLED if any(part.settings for part in DEBIAN.files[file].groups)]
SHELL = [file for file in SHELL if table(file).format == "shell"]
MODULES = ["module.dsn", "module.esmtp", "module.fax", "module.local", "module.uucp"]


def test_the_packages_of_the_mail_server_are_installed() -> None:
    needed = {"courierd", "esmtpd", "esmtpd-msa", "esmtpd-ssl", "imapd", "imapd-ssl", "pop3d", "pop3d-ssl"}
    assert needed | {"webmlmrc", "authdaemonrc"} <= set(INSTALLED)


def test_the_facts_on_record_are_those_of_the_installed_files() -> None:
    assert list(collect(ETC)) == [fact for fact in read(NAMES) if fact[0] in INSTALLED]


def environment(file: str) -> dict[str, str]:
    """What the shipped file leaves in an empty environment, read as Courier's start scripts read it."""
    script = f"set -a; sysconfdir={ETC}; . {ETC / file}; exec env -0"
    shell = ["/usr/bin/env", "-i", "/bin/sh", "-c", script]
    seen = subprocess.run(shell, capture_output=True, check=True).stdout
    return dict(entry.decode().split("=", 1) for entry in seen.split(b"\0") if entry)


@pytest.mark.parametrize("file", SHELL)
def test_values_in_force_are_those_that_the_shipped_file_assigns(file: str) -> None:
    """An empty text is no value to any of these programs, so it may stand for a setting that is not assigned."""
    known = rows_by_name(table(file))
    shipped = {name: text for name, text in environment(file).items() if name in known and text}
    ours = {name: text for name, text in spelt(in_force(file, DEBIAN)).items() if text}
    ours.pop("SYSLOCALE_LINE", None)
    assert ours == {name: known[name].codec.encode(known[name].codec.decode(text)) for name, text in shipped.items()}


def test_the_locale_is_read_in_as_the_shipped_file_does() -> None:
    assert spelt(in_force("courierd", DEBIAN))["SYSLOCALE_LINE"] in (ETC / "courierd").read_text().splitlines()


@pytest.mark.parametrize("file", MODULES)
def test_module_limits_in_force_are_those_of_the_shipped_file(file: str) -> None:
    shipped = module_file.parse(Source(file, (ETC / file).read_bytes())).values
    ours = {row.name: row.codec.encode(value) for row, value in in_force(file, DEBIAN).items() if value is not None}
    assert ours == shipped
    assert [row.name for row in rows(table(file)) if row.name in shipped] == list(shipped)


def test_permissions_on_record_are_those_of_the_installed_files() -> None:
    for path in sorted(ETC.rglob("*")):
        name = f"{path.relative_to(ETC)}{'/' if path.is_dir() else ''}"
        said = DEBIAN.permissions(name)
        found = (f"{path.stat().st_mode & 0o7777:04o}", path.owner(), path.group())
        assert (said.mode, said.owner, said.group) == found, name


@pytest.mark.parametrize("name", ["esmtpd", "esmtpd-msa", "esmtpd-ssl", "imapd", "imapd-ssl", "pop3d", "pop3d-ssl"])
def test_daemons_are_started_as_the_installed_units_start_them(name: str) -> None:
    daemon = DEBIAN.daemons[name]
    unit = (Path("/lib/systemd/system") / daemon.unit).read_text().splitlines()
    assert f"ExecStart={daemon.start}" in unit
    assert f"ExecStop={daemon.stop}" in unit
