"""What the real makealiases made of real sources, and what its readers then found, compared byte for byte."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from courier_schema.legacy.formats import dump
from courier_schema.legacy.formats.aliases.compile import AliasTable, compile_aliases, listing, select
from courier_schema.legacy.formats.aliases.lookup import lookup_alias
from courier_schema.legacy.formats.aliases.records import unpack
from courier_schema.legacy.formats.source import Source
from schema.database_cases import Case, errors, locality, named, with_lookups

ETC = "/etc/courier/"
CASES = named("alias")
SILENT_LOSSES = {
    "alias-007-virtual-domain": ["alias-virtual-domain-elsewhere", "alias-virtual-domain-elsewhere"],
    "alias-008-uucp-virtual-domain": ["alias-virtual-domain-elsewhere", "alias-virtual-domain-elsewhere"],
    "alias-011-loop": ["alias-loop", "alias-loop"],
    "alias-014-case-locallowercase": ["alias-case-never-matches"],
    "alias-015-empty-definition": ["alias-empty", "alias-empty"],
    "alias-017-idn-domain": ["alias-virtual-domain-elsewhere"],
    "alias-021-no-final-newline": ["alias-line-lost"],
    "alias-013-case-default": ["alias-other-local-domain"],
    "alias-025-quoted-local-part": ["alias-quoted-name", "alias-quoted-name"],
}


def sources(case: Case) -> list[Source]:
    given = [part.removeprefix("-src=") for part in case.told["command"] if part.startswith("-src=")]
    path = given[0].removeprefix(ETC) if given else "aliases"
    if path in case.etc:
        return [Source(path, case.etc[path])]
    names = (name.removeprefix(f"{path}/") for name in case.etc if str(PurePath(name).parent) == path)
    return [Source(f"{path}/{name}", case.etc[f"{path}/{name}"]) for name in select(names).names]


def compiled(case: Case) -> AliasTable:
    def include(path: str) -> bytes:
        try:
            return case.etc[path.removeprefix(ETC)]
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory") from None

    return compile_aliases(sources(case), locality(case), include=include)


@pytest.mark.parametrize("case", [case for case in CASES if case.databases], ids=str)
def test_the_database_is_the_one_that_makealiases_makes(case: Case) -> None:
    real = case.databases["aliases.dat"]
    table = compiled(case)
    assert errors(table.problems) == []
    assert table.records == real or case.told["order"] == "set"
    assert {name: set(addresses) for name, addresses in unpack(table.records)} == {
        name: set(addresses) for name, addresses in unpack(real)
    }


@pytest.mark.parametrize("case", [case for case in CASES if not case.fails], ids=str)
def test_programs_and_mailboxes_become_the_same_delivery_files(case: Case) -> None:
    expected = case.directory / "expected" / "xalias.txt"
    real = dump.parse(expected.read_text("ascii")) if expected.exists() else {}
    assert compiled(case).programs == real


@pytest.mark.parametrize("case", [case for case in CASES if case.fails], ids=str)
def test_what_stops_makealiases_is_an_error(case: Case) -> None:
    assert errors(compiled(case).problems)


@pytest.mark.parametrize("case", [case for case in CASES if not case.fails], ids=str)
def test_what_makealiases_loses_in_silence_is_said_and_nothing_else(case: Case) -> None:
    assert [problem.id for problem in compiled(case).problems] == SILENT_LOSSES.get(case.name, [])


@pytest.mark.parametrize("case", [case for case in CASES if "-dump" in case.told["command"]], ids=str)
def test_a_listing_is_what_dump_prints(case: Case) -> None:
    assert listing(compiled(case)) == (case.directory / "expected" / "stdout").read_bytes()


@pytest.mark.parametrize("case", with_lookups(CASES), ids=str)
def test_a_lookup_gives_the_answer_of_the_real_reader(case: Case) -> None:
    records = compiled(case).records
    for lookup in case.lookups:
        answer = lookup_alias(lookup["query"], records.get, locality(case))
        if case.told["order"] == "exact":
            assert list(answer.recipients) == lookup["result"], lookup["query"]
        assert set(answer.recipients) == set(lookup["result"]), lookup["query"]
