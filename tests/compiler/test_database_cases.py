"""The command line, asked to do what the real tools did in each database case, does the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from courier_compiler.cli import main
from courier_schema.legacy.formats import dump
from courier_schema.legacy.formats.aliases.records import unpack
from schema import database_cases as cases
from schema.database_cases import Case

FAMILIES = ("accept", "access", "alias", "hosted", "percent", "userdb", "uucp")
EVERY = cases.named(*FAMILIES)
COMMAND_SOURCE = "-src=/etc/courier/"
HOST = ("--host-name", cases.HOST_NAME)

Capture = pytest.CaptureFixture[str]


def source_name(case: Case) -> str:
    """What `--only` calls the source that the command of a case compiles."""
    protocol = next((part.partition("=")[2] for part in case.told["command"] if part.startswith("-protocol=")), "")
    name = {"makealiases": "aliases", "makeuserdb": "userdb"}.get(case.told["tool"]) or case.told["kind"]
    return f"{name}-{protocol}" if protocol else str(name)


def is_dump(case: Case) -> bool:
    return "-dump" in case.told["command"]


def compiled(case: Case, directory: Path) -> int:
    """Set the case up in a directory and compile it there; the exit status."""
    for name in case.told.get("make_dirs", ()):
        (directory / name).mkdir(parents=True)
    if before := case.told.get("before"):
        copy(case.directory / "before", directory, before.get("modes", {}))
        assert compile_source(case, directory) == 0
        for name in before.get("remove", ()):
            (directory / name).unlink()
    copy(case.directory / "etc", directory, case.told.get("modes", {}))
    for link, target in case.told.get("symlinks", {}).items():
        (directory / link).symlink_to(target.replace("/etc/courier", str(directory)))
    return compile_source(case, directory)


def copy(source: Path, directory: Path, modes: Mapping[str, str]) -> None:
    shutil.copytree(source, directory, dirs_exist_ok=True)
    for name, mode in modes.items():
        (directory / name).chmod(int(mode, 8))


def compile_source(case: Case, directory: Path) -> int:
    name = source_name(case)
    for part in case.told["command"]:
        if case.told["tool"] == "makealiases" and part.startswith(COMMAND_SOURCE):
            (directory / part.removeprefix(COMMAND_SOURCE)).rename(directory / name)
    return main(["tables", str(directory), "--only", name, *HOST])


def dumped(path: Path, capsys: Capture) -> str:
    """What `dump` prints of a database."""
    capsys.readouterr()
    assert main(["dump", str(path)]) == 0
    return capsys.readouterr().out


def sets(records: Mapping[bytes, bytes]) -> Mapping[str, frozenset[str]]:
    """Aliases with their recipients in any order and number."""
    return {name: frozenset(recipients) for name, recipients in unpack(records)}


@pytest.mark.parametrize("case", [case for case in EVERY if not is_dump(case)], ids=str)
def test_databases_are_those_of_the_real_tool(case: Case, tmp_path: Path, capsys: Capture) -> None:
    status = compiled(case, tmp_path)
    assert (status != 0) == case.fails
    for name in case.told["databases"]:
        expected = case.directory / "expected" / f"{name}.txt"
        assert (tmp_path / name).exists() == expected.exists()
        if not expected.exists():
            continue
        ours, real = dumped(tmp_path / name, capsys), expected.read_text("ascii")
        if case.told.get("order") == "set":
            assert sets(dump.parse(ours)) == sets(dump.parse(real))
        else:
            assert ours == real


@pytest.mark.parametrize("case", [case for case in EVERY if is_dump(case)], ids=str)
def test_what_the_real_tool_prints_as_a_dump_is_what_is_stored(case: Case, tmp_path: Path, capsys: Capture) -> None:
    assert compiled(case, tmp_path) == 0
    printed: dict[str, frozenset[str]] = {}
    for block in (case.directory / "expected/stdout").read_text().split("\n\n"):
        name, colon, recipients = block.replace("\n        ", " ").partition(": ")
        if colon:
            printed[name.strip()] = frozenset(recipients.strip().split(", "))
    assert sets(dump.parse(dumped(tmp_path / "aliases.dat", capsys))) == printed


@pytest.mark.parametrize("case", [case for case in EVERY if case.told["tool"] == "makealiases"], ids=str)
def test_program_aliases_become_the_files_of_the_real_tool(case: Case, tmp_path: Path) -> None:
    compiled(case, tmp_path)
    shelf = tmp_path / case.told.get("xalias", "aliasdir/.courier-:xalias")
    expected = case.directory / "expected/xalias.txt"
    assert shelf.exists() == expected.exists()
    if expected.exists():
        ours = {path.name.encode(): path.read_bytes() for path in shelf.iterdir()}
        assert ours == dump.parse(expected.read_text("ascii"))


@pytest.mark.parametrize("case", cases.with_lookups(EVERY), ids=str)
def test_lookups_are_answered_as_by_the_reading_program(case: Case, tmp_path: Path, capsys: Capture) -> None:
    compiled(case, tmp_path)
    asked = case.told["lookups"]
    for lookup in case.lookups:
        capsys.readouterr()
        ours, real = REPLIES[asked["kind"]](Asking(asked, tmp_path, capsys), lookup["query"]), lookup["result"]
        if isinstance(ours, list) and case.told.get("order") == "set":
            ours, real = set(ours), set(real)
        assert ours == real, lookup["query"]


class Asking:
    """Queries of one case to the `lookup` verb."""

    def __init__(self, told: Mapping[str, Any], directory: Path, capsys: Capture) -> None:
        self.told, self.directory, self.capsys = told, directory, capsys

    def answer(self, table: str, query: str, *options: str) -> Mapping[str, Any]:
        """The JSON answer of one table, whose exit status agrees with it."""
        status = main(["lookup", table, query, "--dir", str(self.directory), "--format", "json", *HOST, *options])
        told: Mapping[str, Any] = json.loads(self.capsys.readouterr().out)
        assert status == (0 if told["found"] else 1)
        return told


def alias_reply(ask: Asking, query: str) -> object:
    return ask.answer("alias", query)["recipients"]


def access_reply(ask: Asking, query: Mapping[str, str]) -> object:
    options = ["--database", str(ask.directory / ask.told["database"])]
    if ask.told.get("accesslocal"):
        port = str(query.get("port") or ask.told.get("port", 2525))
        options += ["--access-local", "--local", query["local"], "--port", port]
    answer = ask.answer("access", query["remote"], *options)
    kept = ("action",) if answer["action"] == "deny" else ("action", "environment")
    return {name: answer[name] for name in kept}


def verify_reply(ask: Asking, query: str) -> str:
    """What submit replies to an address for which there is no account."""
    if "!" in query:
        refused = ask.answer("uucp", query)["action"] == "refused"
        return "550 Unknown UUCP bang path." if refused else "550 Remote address."
    if ask.told["module"] == "esmtp":
        query = ask.answer("percent", query)["address"]
    accounts = ask.answer("hosted", query)["accounts"]
    return f"550 User <{as_replied(accounts[0])}> unknown" if accounts else "550 Remote address."


def as_replied(account: str) -> str:
    """An account as submit writes it: its domain in the form of the wire."""
    local_part, at, domain = account.partition("@")
    return local_part + at + ".".join(label.encode("idna").decode() for label in domain.split("."))


def recipient_reply(ask: Asking, query: str) -> str:
    return "250 Ok." if ask.answer("accept", query)["found"] else "513 Relaying denied."


REPLIES: Mapping[str, Callable[[Asking, Any], object]] = {
    "alias": alias_reply,
    "access": access_reply,
    "verify": verify_reply,
    "recipient": recipient_reply,
}
