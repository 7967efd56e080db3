"""The real make commands on the sources of built trees: each database they write has exactly our records."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from courier_compiler import pipeline
from courier_compiler.artefact import Artefact
from courier_compiler.build import build
from courier_schema.legacy.formats import gdbm
from courier_schema.source.secrets import HostSecrets
from real.courier_root import CourierRoot

EXAMPLES = Path(__file__).parents[2] / "site-examples"
PREFIX = "etc/courier/"
COMMANDS = {
    "aliases.dat": ["makealiases"],
    "aliases-esmtp.dat": ["makealiases", "-protocol=esmtp"],
    "aliases-local.dat": ["makealiases", "-protocol=local"],
    "hosteddomains.dat": ["makehosteddomains"],
    "esmtpacceptmailfor.dat": ["makeacceptmailfor"],
    "esmtppercentrelay.dat": ["makepercentrelay"],
    "uucpneighbors.dat": ["makeuucpneighbors"],
    "smtpaccess.dat": ["makesmtpaccess"],
    "smtpaccess-msa.dat": ["makesmtpaccess-msa"],
    "imapaccess.dat": ["makeimapaccess"],
    "userdb.dat": ["makeuserdb"],
    "userdbshadow.dat": ["makeuserdb"],
}
"""Database to the command that makes it."""
DUMP = "import dbm.gnu, sys; d = dbm.gnu.open(sys.argv[1], 'r'); print({key: d[key] for key in d.keys()})"
HOSTS = [("small-office", None), ("isp", None), ("everything", None), ("multi-host", "store")]


@pytest.fixture(params=HOSTS, ids=lambda host: host[0])
def tree(request: pytest.FixtureRequest) -> dict[str, Artefact]:
    """The files of one host of an example, by their names below the configuration directory."""
    example, host = request.param
    (reading,) = pipeline.read(EXAMPLES / example, host)
    assert reading.resolved is not None
    built = build(reading.resolved, HostSecrets(EXAMPLES / example), "site.yaml")
    return {file.path.removeprefix(PREFIX): file for file in built.artefacts if file.path.startswith(PREFIX)}


@pytest.fixture
def courier(tree: dict[str, Artefact], tmp_path: Path) -> CourierRoot:
    """A configuration directory with the sources of the tree, and nothing that was compiled."""
    sources = {
        name: file.content
        for name, file in tree.items()
        if not file.link and ".dat" not in name and not name.startswith("aliasdir/.courier-:xalias")
    }
    root = CourierRoot.create(tmp_path / "etc", sources)
    for name in sources:
        (root.directory / name).chmod(tree[name].mode)
    return root


def _databases(tree: dict[str, Artefact]) -> Iterator[tuple[str, list[str]]]:
    return ((name, command) for name, command in COMMANDS.items() if name in tree)


def _stored(path: Path) -> dict[bytes, bytes]:
    done = subprocess.run(["/usr/bin/python3", "-c", DUMP, str(path)], capture_output=True, check=True)
    records: dict[bytes, bytes] = ast.literal_eval(done.stdout.decode())
    return records


def test_real_commands_make_the_same_databases_of_our_sources(tree: dict[str, Artefact], courier: CourierRoot) -> None:
    compared = 0
    for name, command in _databases(tree):
        done = courier.run(*command)
        assert (done.returncode, done.stderr.decode()) == (0, ""), command
        assert _stored(courier.directory / name) == dict(gdbm.Reader(tree[name].content).items()), name
        compared += 1
    assert compared >= 5


def test_real_makealiases_writes_the_same_instruction_files(tree: dict[str, Artefact], courier: CourierRoot) -> None:
    for name, command in _databases(tree):
        if command[0] == "makealiases":
            assert courier.run(*command).returncode == 0, name
    written = {
        str(path.relative_to(courier.directory)): path.read_bytes()
        for path in courier.directory.glob("aliasdir/.courier-:xalias*/*")
    }
    ours = {name: file.content for name, file in tree.items() if name.startswith("aliasdir/.courier-:xalias")}
    assert written == ours


def test_real_libgdbm_reads_our_databases(tree: dict[str, Artefact], tmp_path: Path) -> None:
    databases = [name for name in tree if ".dat" in name]
    assert databases
    for name in databases:
        path = tmp_path / name
        path.write_bytes(tree[name].content)
        assert _stored(path) == dict(gdbm.Reader(tree[name].content).items()), name
