"""Makedat sources become the records that the real makedat stores, and say what it would keep silent about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.makedat import (
    MANY_KEYS,
    Kind,
    Table,
    compile_database,
    compile_table,
    dump_table,
    select,
)
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark
from schema import database_cases as cases
from schema.database_cases import Case

MAKEDAT_CASES = cases.named("accept", "access", "hosted", "percent", "uucp")

WARNED = {
    "accept-001-basic": [("esmtpacceptmailfor.dir/domains:4", "domain-not-normal")],
    "access-002-variables": [
        ("smtpaccess/default:6", "access-variable-name"),
        ("smtpaccess/default:7", "access-no-value"),
    ],
    "access-005-ipv6": [("smtpaccess/default:4", "access-ipv6-form"), ("smtpaccess/default:5", "access-ipv6-form")],
    "hosted-003-space-separator": [
        ("hosteddomains:1", "makedat-blank-for-tab"),
        ("hosteddomains:2", "makedat-blank-around-key"),
        ("hosteddomains:3", "makedat-blank-around-key"),
    ],
    "hosted-006-idn": [("hosteddomains:2", "domain-not-normal"), ("hosteddomains:3", "domain-not-normal")],
    "hosted-007-tabs": [
        ("hosteddomains:1", "hosted-target-blank"),
        ("hosteddomains:1", "makedat-blank-before-value"),
        ("hosteddomains:2", "hosted-target-blank"),
        ("hosteddomains:3", "makedat-missing-key"),
        ("hosteddomains:4", "hosted-short-target"),
        ("hosteddomains:4", "makedat-blank-before-value"),
    ],
    "access-008-overlap": [("smtpaccess/default:2", "makedat-duplicate-key")],
    "access-009-bad-prefix": [("smtpaccess/default:2", "makedat-bad-netblock")],
    "hosted-004-duplicate": [("hosteddomains/a:3", "makedat-duplicate-key")],
    "hosted-005-no-final-newline": [("hosteddomains:2", "makedat-final-newline")],
}

few_bytes = st.lists(
    st.sampled_from([*b"\t\n\n\0\r .#:/-*!1a", 0xFF]).map(lambda byte: bytes([byte])), max_size=40
).map(b"".join)
keys = st.binary(min_size=1, max_size=12).filter(lambda key: key[:1] != b"#" and not set(key) & set(b"\t\n\0"))
values = st.binary(min_size=1, max_size=12).filter(lambda value: not set(value) & set(b"\n\0"))


def table(text: bytes, *, netblocks: bool = False) -> Table:
    return compile_table([Source("src", text)], netblocks=netblocks)


@pytest.mark.parametrize("case", MAKEDAT_CASES, ids=str)
def test_each_case_has_the_records_of_the_real_tool_or_fails_with_it(case: Case) -> None:
    ours = cases.makedat_table(case)
    assert ours.is_refused == case.fails
    if not case.fails:
        assert dict(ours.records) == next(iter(case.databases.values()))


@pytest.mark.parametrize("case", MAKEDAT_CASES, ids=str)
def test_each_case_is_warned_of_where_the_real_tool_fails_or_keeps_silent(case: Case) -> None:
    assert cases.places(cases.makedat_table(case).problems) == WARNED.get(case.name, [])


def test_keys_end_at_the_first_tab_and_values_at_the_end_of_the_line() -> None:
    assert table(b"a\tb\tc \nd e\n\xff\t\xe9\n").records == {b"a": b"b\tc ", b"d e": b"1", b"\xff": b"\xe9"}


def test_comments_start_in_the_first_column_only() -> None:
    ours = table(b"#a\n #b\na.org # c\n10#d\n")
    assert set(ours.records) == {b" #b", b"a.org # c", b"10#d"}
    assert cases.places(ours.problems) == [
        ("src:2", "makedat-comment-behind-key"),
        ("src:3", "makedat-comment-behind-key"),
    ]


def test_a_line_ends_at_a_nul_byte() -> None:
    ours = table(b"a\0b\tc\nd\te\0f\n\0g\n")
    assert ours.records == {b"a": b"1", b"d": b"e"}
    assert cases.places(ours.problems) == [(f"src:{line}", "makedat-nul-byte") for line in (1, 2, 3)]


def test_a_dot_line_ends_the_input_with_the_files_behind_it() -> None:
    ours = compile_table([Source("a", b"a.org\n.\nb.org\n"), Source("b", b"c.org")])
    assert ours.records == {b"a.org": b"1"}
    assert cases.places(ours.problems) == [("a:2", "makedat-dot-line")]


def test_a_dot_line_may_end_in_nul_and_then_needs_no_newline() -> None:
    assert table(b"a\n.\0x").records == {b"a": b"1"}
    assert table(b".\t1\n..\n. \n").records == {b".": b"1", b"..": b"1", b". ": b"1"}


def test_carriage_returns_are_kept_and_named_once() -> None:
    ours = table(b"a.org\tb.org\r\nc.org\r\n")
    assert ours.records == {b"a.org": b"b.org\r", b"c.org\r": b"1"}
    assert cases.places(ours.problems) == [("src:1", "makedat-carriage-return")]
    assert ours.problems[0].says.startswith("2 lines")


def test_later_releases_end_the_last_line_themselves() -> None:
    sources = [Source("a", b"a.org"), Source("b", b"b.org")]
    assert cases.places(compile_table(sources).problems) == [
        ("a:1", "makedat-final-newline"),
        ("b:1", "makedat-final-newline"),
    ]
    later = compile_table(sources, release=(1, 1, 2))
    assert later.records == {b"a.org": b"1", b"b.org": b"1"}
    assert later.problems == ()


def test_a_duplicate_names_both_lines_and_the_first_one_stands() -> None:
    ours = compile_table([Source("a", b"x\t1\ny\n"), Source("b", b"x\t2\n")])
    assert ours.records == {b"x": b"1", b"y": b"1"}
    assert cases.errors(ours.problems) == ["makedat-duplicate-key"]
    assert ours.problems[0].mark == Mark("b", 1)
    assert "a:1" in ours.problems[0].says


def test_netblocks_that_share_a_key_name_the_key() -> None:
    (problem,) = table(b"10.0.0.0/23\tdeny\n10.0.1.0/24\tallow\n", netblocks=True).problems
    assert "`10.0.1.0/24` collides with `10.0.0.0/23` (src:1); both store the key `10.0.1`" in problem.says


def test_a_netblock_collides_with_a_plain_key() -> None:
    assert cases.errors(table(b"10.0.0.0/24\tallow\n10.0.0\tdeny\n", netblocks=True).problems)
    assert not table(b"10.0.0.0/24\tallow\n10.0.0\tdeny\n").problems


def test_a_bad_netblock_does_not_hide_a_collision() -> None:
    ours = table(b"10/33\tallow\n10/8\tallow\n10\tdeny\n", netblocks=True)
    assert cases.places(ours.problems) == [("src:1", "makedat-bad-netblock"), ("src:3", "makedat-duplicate-key")]
    assert ours.records == {b"10": b"allow"}


def test_white_space_of_any_kind_separates_a_netblock_from_its_value() -> None:
    ours = table(b"10/8 \t deny \n11/8\r\n12/8\tallow\r\n13/8 # x\n", netblocks=True)
    assert ours.records == {b"10": b"deny ", b"11": b"1", b"12": b"allow\r", b"13": b"# x"}


@pytest.mark.parametrize(
    "line", [b" 10/8\tx", b"10/8#x", b"10 - 11\tx", b"fe80::%eth0/64\tx", b"1-2-3\tx", b"10/8\0 x"]
)
def test_what_only_resembles_a_netblock_is_a_key(line: bytes) -> None:
    key = line.partition(b"\0")[0].partition(b"\t")[0]
    assert set(table(line + b"\n", netblocks=True).records) == {key}


@pytest.mark.parametrize("text", [b"10/8\tallow\n*\tdeny", b"*\tdeny\n10/8\tallow", b"10/8\tallow\n*\tdeny\n"])
def test_a_key_beside_netblocks_is_found_with_and_without_a_newline_at_the_end(text: bytes) -> None:
    assert table(text, netblocks=True).records == {b"10": b"allow", b"*": b"deny"}


def test_netblocks_of_two_files_are_counted_with_the_keys_beside_them() -> None:
    ours = compile_table([Source("a", b"10/8\tallow\n11/8\tallow\n"), Source("b", b"12\tallow\n")], netblocks=True)
    assert set(ours.records) == {b"10", b"11", b"12"}


def test_netblocks_mean_nothing_in_other_tables() -> None:
    assert table(b"10.0.0.0/8\tx\n").records == {b"10.0.0.0/8": b"x"}


def test_a_netblock_of_thousands_of_keys_is_named() -> None:
    ours = table(b"2001:db8::/33\tallow\n", netblocks=True)
    assert len(ours.records) == 32768 > MANY_KEYS
    assert cases.places(ours.problems) == [("src:1", "makedat-many-keys")]


def test_each_stored_key_knows_its_line() -> None:
    ours = compile_table(
        [Source("a", b"# c\n10/7\tallow\n"), Source("b", b"*\tdeny\n10.0.0.0/23\tdeny\n")], netblocks=True
    )
    assert ours.where(b"11") == Mark("a", 2)
    assert ours.where(b"*") == Mark("b", 1)
    assert ours.where(b"10.0.1") == Mark("b", 2)
    assert ours.where(b"10/7") is None


def test_findings_about_keys_and_values_carry_their_lines() -> None:
    ours = compile_database(Kind.SMTPACCESS, [Source("a", b"10\tallow\n11.\tDeny\n"), Source("b", b"::1/128\n")])
    assert cases.places(ours.problems) == [
        ("a:2", "access-deny-spelling"),
        ("a:2", "access-key-never-matches"),
        ("b:1", "access-no-value"),
    ]


def test_backups_and_package_leftovers_are_skipped_but_not_all_of_them() -> None:
    chosen = select(["b", "a", ".hidden", "c~", "d.dpkg-dist", "e.rpmnew", "f.dpkg-", "g.dpkg-Old", "h.dist"])
    assert chosen.names == (".hidden", "a", "b", "e.rpmnew", "g.dpkg-Old", "h.dist")
    assert [(problem.id, problem.mark) for problem in chosen.problems] == [
        ("makedat-backup-is-read", Mark("e.rpmnew", 1)),
        ("makedat-backup-is-read", Mark("h.dist", 1)),
    ]


def test_later_releases_refuse_package_leftovers_and_skip_stock_files() -> None:
    chosen = select(["a", "a.dist", "b.dist", "c.rpmsave", "d.dpkg-old", "e~"], release=(1, 6, 0))
    assert chosen.names == ("a",)
    assert [problem.mark for problem in chosen.problems] == [
        Mark(name, 1) for name in ("b.dist", "c.rpmsave", "d.dpkg-old")
    ]
    assert cases.errors(chosen.problems) == ["makedat-leftover-file"] * 3


@given(st.lists(few_bytes, max_size=3), st.booleans())
def test_no_text_is_too_odd_to_compile(texts: list[bytes], netblocks: bool) -> None:
    sources = [Source(str(at), text) for at, text in enumerate(texts)]
    ours = compile_table(sources, netblocks=netblocks)
    assert all(value for value in ours.records.values())
    assert all(problem.mark for problem in ours.problems)
    assert all(ours.where(key) for key in list(ours.records)[:20])


@given(st.sampled_from(Kind), few_bytes)
def test_no_row_is_too_odd_to_inspect(kind: Kind, text: bytes) -> None:
    assert all(problem.mark for problem in compile_database(kind, [Source("src", text)]).problems)


@given(st.dictionaries(keys, values))
def test_what_is_dumped_compiles_to_the_same_records(rows: dict[bytes, bytes]) -> None:
    assert table(dump_table(rows.items())).records == rows


@given(st.dictionaries(st.text("019.:/- a*", min_size=1, max_size=8).map(str.encode), values))
def test_a_table_for_netblocks_is_dumped_as_stored_or_not_at_all(rows: dict[bytes, bytes]) -> None:
    try:
        text = dump_table(rows.items(), netblocks=True)
    except ValueError:
        assert any(b"/" in key or b"-" in key for key in rows)
    else:
        assert table(text, netblocks=True).records == rows


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"", b"1"),
        (b"#a", b"1"),
        (b"a\tb", b"1"),
        (b"a\nb", b"1"),
        (b"a\0", b"1"),
        (b"a", b""),
        (b"a", b"\n"),
        (b"a", b"\0"),
    ],
)
def test_what_makedat_would_misread_is_not_dumped(key: bytes, value: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        dump_table([(key, value)])


def test_a_repeated_key_is_not_dumped() -> None:
    with pytest.raises(ValueError, match="twice"):
        dump_table([(b"a", b"1"), (b"a", b"2")])


def test_the_default_value_is_not_written() -> None:
    assert dump_table([(b"b", b"1"), (b"a", b"x"), (b".", b"1")]) == b"b\na\tx\n.\t1\n"
