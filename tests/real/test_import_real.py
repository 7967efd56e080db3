"""Imports checked with the real programs: what they make of an old installation they make of the rebuilt one, too."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

from compiler.old_installations import COMPOSED, HOST_NAME, copied, databases_only, names, sysconfdir
from courier_compiler import pipeline
from courier_compiler.artefact import Artefact
from courier_compiler.build import build
from courier_compiler.cli import main
from courier_schema.legacy.formats import berkeley, gdbm
from courier_schema.legacy.formats.access import parse_value
from courier_schema.legacy.formats.userdb import parse_fields
from courier_schema.source.secrets import HostSecrets
from real.courier_root import CourierRoot

STOCK = Path("/etc/courier")
PREFIX = "etc/courier/"
DUMP = "import dbm.gnu, sys; d = dbm.gnu.open(sys.argv[1], 'r'); print({key: d[key] for key in d.keys()})"
LOOPBACK = {b"127.0.0.1", b":0000:0000:0000:0000:0000:0000:0000:0001"}
TABLES = {
    "makealiases": ("aliases", "aliases.dat", "aliases.dat"),
    "makehosteddomains": ("hosteddomains", "hosteddomains.dat", "hosteddomains.dat"),
    "makeacceptmailfor": ("esmtpacceptmailfor.dir", "esmtpacceptmailfor.dat", "esmtpacceptmailfor.dat"),
    "makeuucpneighbors": ("uucpneighbors", "uucpneighbors.dat", "uucpneighbors.dat"),
    "makeuserdb": ("userdb", "userdb.dat", "userdb.dat"),
    "makesmtpaccess": ("smtpaccess", "smtpaccess.dat", "smtpaccess.dat"),
}
"""Command to its source, its database, and that of a rebuilt installation."""
MOVED = {"hand-edited-1.0": {"makesmtpaccess": ("relaying", "relaying.dat", "smtpaccess.dat")}}


def rebuilt(site: Path) -> dict[str, Artefact]:
    """Files of the configuration directory that a site builds, by name."""
    (reading,) = pipeline.read(site)
    assert reading.resolved is not None
    made = build(reading.resolved, HostSecrets(site.parent), "site.yaml").artefacts
    return {file.path.removeprefix(PREFIX): file for file in made if file.path.startswith(PREFIX)}


def root_of(directory: Path, tree: dict[str, Artefact]) -> CourierRoot:
    """A directory with the sources of a tree, and nothing that was compiled."""
    kept = {name: file for name, file in tree.items() if not file.link and ".dat" not in name and ":xalias" not in name}
    root = CourierRoot.create(directory, {name: file.content for name, file in kept.items()}, HOST_NAME)
    for name, file in kept.items():
        (directory / name).chmod(file.mode)
    return root


def stored(path: Path) -> dict[bytes, bytes]:
    done = subprocess.run(["/usr/bin/python3", "-c", DUMP, str(path)], capture_output=True, check=True)
    records: dict[bytes, bytes] = ast.literal_eval(done.stdout.decode())
    return records


def meaning(command: str, records: dict[bytes, bytes]) -> dict[bytes, object]:
    """Records as their readers see them, without what every site adds."""
    match command:
        case "makesmtpaccess":
            actions = {key: parse_value(value) for key, value in records.items() if key not in LOOPBACK}
            return {key: getattr(action, "environment", "deny") for key, action in actions.items() if key != b"010.1"}
        case "makeuserdb":
            fields = {key: parse_fields(value) for key, value in records.items()}
            return {key: {name: text for name, text in said.items() if name != b"_"} for key, said in fields.items()}
        case _:
            return dict(records)


def listed(directory: Path) -> dict[bytes, object]:
    """The entries of esmtpacceptmailfor, as its database would have them."""
    lines = (directory / "esmtpacceptmailfor").read_bytes().splitlines()
    return {line: b"1" for line in lines if line and not line.startswith(b"#")}


def test_the_stock_installation_of_debian_is_imported_without_a_loss(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(STOCK, tmp_path / "etc", symlinks=True)
    status = main(["import", str(tmp_path / "etc"), "-o", str(tmp_path / "site.yaml"), "--host-name", "vm"])
    assert "[import-loss]" not in capsys.readouterr().out
    assert status == 0
    text = (tmp_path / "site.yaml").read_text()
    assert "#" not in text
    assert "settings:" not in text


@pytest.mark.parametrize("name", names())
def test_real_commands_make_the_same_records_of_the_old_and_the_rebuilt_installation(name: str, tmp_path: Path) -> None:
    old = copied(name, tmp_path / "old")
    main(
        [
            "import",
            str(old),
            "-o",
            str(tmp_path / "site.yaml"),
            "--host-name",
            HOST_NAME,
            "--sysconfdir",
            sysconfdir(name),
        ]
    )
    (old / "aliasdir").mkdir(exist_ok=True)
    before, after = CourierRoot(old, HOST_NAME), root_of(tmp_path / "new", rebuilt(tmp_path / "site.yaml"))
    compared = 0
    for command, usual in TABLES.items():
        source, database, new_database = MOVED.get(name, {}).get(command, usual)
        if not (old / source).exists():
            continue
        for root in (before, after):
            assert root.run(command).returncode == 0, (command, root.directory)
        one = meaning(command, stored(old / database))
        other = meaning(command, stored(after.directory / new_database))
        if command == "makeacceptmailfor":  # a domain may stand in the list or in the database
            one, other = one | listed(old), other | listed(after.directory)
        if command == "makealiases":  # a site adds the customary names, and repeats those of a domain for its aliases
            other = {key: value for key, value in other.items() if key in one}
        assert one == other, command
        compared += 1
    assert compared >= 1


@pytest.mark.parametrize("name", [name for name in names() if list((COMPOSED / name).glob("aliases-*"))])
def test_makealiases_makes_the_same_of_aliases_for_one_way_of_arriving(name: str, tmp_path: Path) -> None:
    old, site = copied(name, tmp_path / "old"), tmp_path / "site.yaml"
    main(["import", str(old), "-o", str(site), "--host-name", HOST_NAME, "--sysconfdir", sysconfdir(name)])
    (old / "aliasdir").mkdir(exist_ok=True)
    before, after = CourierRoot(old, HOST_NAME), root_of(tmp_path / "new", rebuilt(site))
    for source in sorted(path.name for path in old.glob("aliases-*") if path.is_dir()):
        module = source.removeprefix("aliases-")
        done = before.run("makealiases", f"-protocol={module}")
        if (after.directory / source).exists():
            assert done.returncode == after.run("makealiases", f"-protocol={module}").returncode == 0
            assert stored(old / f"{source}.dat") == stored(after.directory / f"{source}.dat") != {}
        else:
            assert b"is not a valid protocol" in done.stdout, "what is left out is what makealiases refuses"


def test_databases_of_a_courier_built_with_berkeley_are_decoded(tmp_path: Path) -> None:
    old = databases_only(tmp_path / "old")
    for path in old.glob("*.dat"):
        path.write_bytes(berkeley.dumps(stored(path)))
    assert main(["import", str(old), "-o", str(tmp_path / "site.yaml"), "--host-name", HOST_NAME]) == 0
    domains = {b"shop.example": b"1", b"store.example": b"shop.example"}
    assert dict(gdbm.Reader(rebuilt(tmp_path / "site.yaml")["hosteddomains.dat"].content).items()) == domains


def test_real_commands_restore_databases_whose_sources_were_lost(tmp_path: Path) -> None:
    old = databases_only(tmp_path / "old")
    assert main(["import", str(old), "-o", str(tmp_path / "site.yaml"), "--host-name", HOST_NAME]) == 0
    root = root_of(tmp_path / "new", rebuilt(tmp_path / "site.yaml"))
    for command in ("makealiases", "makehosteddomains", "makeacceptmailfor", "makeuucpneighbors", "makesmtpaccess"):
        _, database, _ = TABLES[command]
        assert root.run(command).returncode == 0, command
        one, other = meaning(command, stored(old / database)), meaning(command, stored(root.directory / database))
        assert one.items() <= other.items(), command
    assert root.run("makeuserdb").returncode == 0
    assert stored(root.directory / "userdb.dat").keys() == {b"anna@shop.example"}
