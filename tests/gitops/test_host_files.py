"""The container file and the units are what their tools accept, and what they name is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from courier_compiler.cli import parser, verb

ROOT: Final = Path(__file__).parents[2]
KIT: Final = ROOT / "site-examples/gitops"
CONTAINER: Final = (KIT / "container/Containerfile").read_text()
SERVICE: Final = KIT / "systemd/courier-compile-watch.service"
PATH: Final = KIT / "systemd/courier-compile-watch.path"
INSTRUCTIONS: Final = frozenset({"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD"})


def instructions() -> list[tuple[str, str]]:
    """The instructions of the container file, continued lines joined."""
    lines = [line for line in CONTAINER.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    pairs = [line.partition(" ") for line in joined.splitlines() if line]
    return [(word, rest) for word, _, rest in pairs]


def settings(unit: Path) -> dict[str, str]:
    """The settings of a unit."""
    pairs = (line.partition("=")[::2] for line in unit.read_text().splitlines() if "=" in line and line[0] != "#")
    return dict(pairs)


def test_the_image_is_made_of_known_instructions_and_fixed_bases() -> None:
    assert {word for word, _ in instructions()} == INSTRUCTIONS
    bases = {rest.split()[0] for word, rest in instructions() if word == "FROM"}
    assert all(re.fullmatch(r"docker\.io/[\w/]+:[\w.-]+", base) and "latest" not in base for base in bases)


def test_the_image_copies_everything_that_the_wheel_is_made_of() -> None:
    copied = {source for word, rest in instructions() if word == "COPY" for source in rest.split()[:-1]}
    assert [name for name in copied if not (ROOT / name).exists()] == []
    project = (ROOT / "pyproject.toml").read_text()
    packages = re.findall(r'^    "(\w+)/courier_\w+",$', project, re.MULTILINE)
    assert {*packages, "pyproject.toml", "README.md", "LICENSE"} == copied


def test_the_image_runs_the_command_as_nobody() -> None:
    words = dict(instructions())
    assert words["USER"] == "65534:65534"
    assert words["ENTRYPOINT"] == '["courier-compile"]'


@pytest.mark.parametrize("script", [rest for word, rest in instructions() if word == "RUN"])
def test_the_scripts_of_the_image_are_shell(script: str) -> None:
    script = re.sub(r"^--mount=\S+ ", "", script)
    assert subprocess.run(["sh", "-n", "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("unit", [SERVICE, PATH], ids=lambda unit: unit.suffix)
def test_systemd_accepts_the_units(unit: Path, tmp_path: Path) -> None:
    for one in (SERVICE, PATH):
        program = str(Path(sys.executable).with_name("courier-compile"))
        (tmp_path / one.name).write_text(one.read_text().replace("/usr/local/bin/courier-compile", program))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "courier-compile" in line]
    assert (done.returncode, said) == (0, [])


def test_the_unit_calls_the_command_as_it_is() -> None:
    _, *words = shlex.split(settings(SERVICE)["ExecStart"])
    options = parser({"watch": verb("watch")}).parse_args(words)
    assert (options.site, options.root, options.reload) == (Path("/etc/courier-site"), Path("/"), "run")


def test_the_unit_is_as_closed_as_a_writer_of_configuration_can_be() -> None:
    found = settings(SERVICE)
    assert found["ProtectSystem"] == "strict"
    assert found["ReadWritePaths"] == "/etc/courier"
    assert set(found["CapabilityBoundingSet"].split()) == {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"}
    expected = (
        "NoNewPrivileges PrivateTmp PrivateDevices ProtectHome RestrictNamespaces RestrictSUIDSGID LockPersonality"
    )
    assert [name for name in expected.split() if found.get(name) != "yes"] == []


def test_the_path_unit_awaits_the_site_that_the_service_reads() -> None:
    assert settings(PATH)["PathExists"] == f"{shlex.split(settings(SERVICE)['ExecStart'])[2]}/site.yaml"
