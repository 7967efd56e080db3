"""userdb: the two tables makeuserdb makes of its sources, what it keeps silent about, and accounts found in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.source import Source
from courier_schema.legacy.formats.userdb import (
    Account,
    SourceFacts,
    UserdbTables,
    compile_userdb,
    format_account,
    lookup_userdb,
    parse_fields,
    select,
)
from courier_schema.report import Severity
from schema import database_cases as cases
from schema.database_cases import Case

USERDB_CASES = cases.named("userdb")

WARNED = {
    "userdb-001-basic": [("userdb:2", "userdb-reverse-record")],
    "userdb-002-field-order": [("userdb:3", "userdb-incomplete-account")],
    "userdb-004-permissions": [("/etc/courier/userdb:1", "userdb-permissions")],
    "userdb-006-duplicate": [("userdb:2", "makedat-duplicate-key")],
}

ANNA = b"anna\tuid=1000|gid=100|home=/home/anna|systempw=secret\n"

few_bytes = st.lists(
    st.sampled_from([b"\t", b"\n", b"\0", b"|", b"=", b".", b"#", b" ", b"\r", b"pw=", b"a", b"\xff"]), max_size=40
).map(b"".join)
words = st.from_regex(rb"[a-z][a-z0-9@. ]{0,8}", fullmatch=True)
field_values = st.binary(max_size=8).filter(lambda text: not set(text) & set(b"|\n\r\0"))


def tables(text: bytes) -> UserdbTables:
    return compile_userdb([Source("userdb", text)])


def account(text: bytes, login: str = "anna", service: str = "imap") -> Account | None:
    ours = tables(text)
    return lookup_userdb(login, service, ours.public.get, ours.shadow.get)


@pytest.mark.parametrize("case", USERDB_CASES, ids=str)
def test_each_case_has_the_records_of_the_real_tool_or_fails_with_it(case: Case) -> None:
    ours = cases.userdb_tables(case)
    assert bool(cases.errors(ours.problems)) == case.fails
    if not case.fails:
        assert {"userdb.dat": ours.public, "userdbshadow.dat": ours.shadow} == case.databases


@pytest.mark.parametrize("case", USERDB_CASES, ids=str)
def test_each_case_is_warned_of_where_the_real_tool_fails_or_keeps_silent(case: Case) -> None:
    assert cases.places(cases.userdb_tables(case).problems) == WARNED.get(case.name, [])


def test_passwords_go_to_the_shadow_table_and_the_rest_stays_in_order() -> None:
    ours = tables(b"a\tpw=1|x=2||hmac-md5pw=3|xpwd=4|y|note=pw=5||\n")
    assert ours.shadow == {b"a": b"pw=1|hmac-md5pw=3"}
    assert ours.public == {b"a": b"x=2||xpwd=4|y|note=pw=5|_="}


def test_lines_without_a_tab_go_to_both_tables() -> None:
    ours = tables(b"bare\n# uid=1\tx\n\n")
    assert ours.public == ours.shadow == {b"bare": b"1"}
    assert cases.places(ours.problems) == [("userdb:1", "userdb-no-tab")]


def test_a_dot_line_ends_both_tables() -> None:
    ours = tables(ANNA + b".\n" + ANNA)
    assert set(ours.public) == set(ours.shadow) == {b"anna"}
    assert cases.places(ours.problems) == [("userdb:2", "makedat-dot-line")]


def test_a_nul_byte_takes_the_location_with_it() -> None:
    ours = tables(b"a\tuid=1|gid=1|home=/\0|imappw=x\n")
    assert ours.public == {b"a": b"uid=1|gid=1|home=/"}
    assert ours.shadow == {b"a": b"imappw=x"}
    assert cases.places(ours.problems) == [("userdb:1", "makedat-nul-byte")]


def test_carriage_returns_stay_in_the_last_field() -> None:
    ours = tables(b"a\tuid=1|gid=1|home=/a\r\nb\tuid=1|gid=1|home=/b|imappw=x\r\n")
    assert ours.public[b"a"] == b"uid=1|gid=1|home=/a\r|_="
    assert ours.shadow[b"b"] == b"imappw=x\r"
    assert cases.places(ours.problems) == [("userdb:1", "makedat-carriage-return")]
    assert ours.problems[0].says.startswith("2 lines")


def test_a_duplicate_is_an_error_even_if_only_one_table_has_it_twice() -> None:
    ours = tables(b"x\tuid=1|gid=1|home=/\nx\tuid=1|gid=1|home=/|imappw=x\n")
    assert cases.errors(ours.problems) == ["makedat-duplicate-key"]


@pytest.mark.parametrize(
    ("base", "names", "locations"),
    [
        ("/etc/courier/userdb", ["system", "virtual/example.com"], [b"_=system/", b"_=virtual/example.com/"]),
        ("/tmp/u", ["system"], [b"_="]),
        ("/etc/courier/userdb-new", ["system"], [b"_=-new/system/"]),
    ],
)
def test_the_location_is_cut_at_the_length_of_the_default_path(
    base: str, names: list[str], locations: list[bytes]
) -> None:
    sources = [Source(name, b"%d\tuid=1\n" % at) for at, name in enumerate(names)]
    ours = compile_userdb(sources, base, SourceFacts(is_directory=True))
    assert [value.removeprefix(b"uid=1|") for value in ours.public.values()] == locations


def test_a_plain_file_elsewhere_has_a_fragment_as_its_location() -> None:
    ours = compile_userdb([Source("new", b"a\tuid=1\n")], "/etc/courier/userdb.new")
    assert ours.public == {b"a": b"uid=1|_=.new/"}


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        (SourceFacts(mode=None), "userdb-missing"),
        (SourceFacts(mode=0o100640), "userdb-permissions"),
        (SourceFacts(mode=0o701, is_directory=True), "userdb-permissions"),
        (SourceFacts(symlinks=("/etc/courier/userdb.dat",)), "userdb-symlink"),
    ],
)
def test_what_makeuserdb_refuses_is_refused_with_its_remedy(facts: SourceFacts, problem: str) -> None:
    ours = compile_userdb([Source("userdb", ANNA)], facts=facts)
    assert cases.errors(ours.problems) == [problem]
    assert not ours.public
    assert not ours.shadow


def test_hidden_files_and_directories_are_not_read_but_backups_are() -> None:
    assert select(["b~", "a", ".hidden", "sub/x", "sub/.x", ".git/config"]) == ("a", "b~", "sub/x")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"a\tuid=1|gid=1", "userdb-incomplete-account"),
        (b"a\tgid=1|home=/|uidx=1", "userdb-incomplete-account"),
        (b"a uid=1|gid=1|home=/", "userdb-no-tab"),
        (b" a\tuid=1|gid=1|home=/", "userdb-blank-around-name"),
        (b"1000=\tanna", "userdb-reverse-record"),
        (b"\tuid=1", "userdb-missing-name"),
    ],
)
def test_lines_without_effect_are_named(line: bytes, problem: str) -> None:
    (found,) = tables(line + b"\n").problems
    assert (found.id, found.severity) == (problem, Severity.WARNING)


@given(st.lists(few_bytes, max_size=3), st.booleans())
def test_no_text_is_too_odd_to_compile(texts: list[bytes], is_directory: bool) -> None:
    sources = [Source(str(at), text) for at, text in enumerate(texts)]
    ours = compile_userdb(sources, facts=SourceFacts(is_directory))
    assert set(ours.shadow) <= set(ours.public) or b"\0" in b"".join(texts)
    assert all(problem.mark for problem in ours.problems)


def test_no_problem_cites_a_password() -> None:
    text = b"a|imappw=hush\nimappw=hush\nimappw=hush\na\timappw=hush\0\nb\timappw=hush\nb\timappw=hush\n\timappw=hush\n"
    ours = tables(text)
    assert {problem.mark.line for problem in ours.problems if problem.mark} == {1, 2, 3, 4, 5, 6, 7}
    assert not any("hush" in str(problem) for problem in ours.problems)


def test_an_account_has_its_fields_and_the_password_of_the_service() -> None:
    text = ANNA.replace(b"systempw", b"mail=M|quota=1S|gecos=A=B|options=x=1|shell=/bin/sh|pop3pw=pop|systempw")
    assert account(text) == Account(
        b"anna", 1000, 100, b"/home/anna", b"/bin/sh", b"M", b"1S", b"A=B", b"x=1", password=b"secret"
    )
    pop3 = account(text, service="pop3")
    assert pop3 is not None
    assert pop3.password == b"pop"


def test_a_secret_of_the_service_comes_before_the_general_one() -> None:
    text = ANNA.replace(b"systempw", b"hmac-md5pw=general|imap-hmac-md5pw=own|hmac-sha256pw=long|imappw")
    found = account(text)
    assert found is not None
    assert found.secrets == {"md5": b"own", "sha256": b"long"}
    assert found.password == b"secret"


def test_an_account_without_passwords_is_found() -> None:
    found = account(ANNA.replace(b"|systempw=secret", b""))
    assert found is not None
    assert (found.password, found.secrets) == (None, {})


@pytest.mark.parametrize("lost", [b"uid=1000|", b"gid=100|", b"home=/home/anna|", b"=1000", b"1000"])
def test_an_account_without_home_uid_or_gid_is_not_found(lost: bytes) -> None:
    assert account(ANNA.replace(lost, b"", 1)) is None


def test_names_are_compared_byte_by_byte() -> None:
    assert account(ANNA, "Anna") is None
    assert account("ünal\tuid=1|gid=1|home=/\n".encode(), "ünal") is not None


def test_the_first_field_of_a_name_counts() -> None:
    assert parse_fields(b"a=1|b|a=2|c==") == {b"a": b"1", b"b": b"", b"c": b"="}


@given(words, st.dictionaries(words, field_values))
def test_an_account_that_is_written_is_read_back(login: bytes, fields: dict[bytes, bytes]) -> None:
    ours = tables(format_account(login, fields.items()))
    assert not cases.errors(ours.problems)
    read = parse_fields(ours.public[login]) | parse_fields(ours.shadow.get(login, b"_="))
    assert read == fields | {b"_": b""}


@pytest.mark.parametrize(
    ("login", "fields"),
    [
        (b"", [(b"uid", b"1")]),
        (b"#a", [(b"uid", b"1")]),
        (b"a\tb", [(b"uid", b"1")]),
        (b"a", [(b"", b"1")]),
        (b"a", [(b"_", b"1")]),
        (b"a", [(b"x=y", b"1")]),
        (b"a", [(b"uid", b"1|gid=0")]),
        (b"a", [(b"uid", b"1\nroot\tuid=0")]),
        (b"a", [(b"uid", b"1"), (b"uid", b"2")]),
    ],
)
def test_what_the_text_form_cannot_hold_is_not_written(login: bytes, fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ValueError, match=r"cannot be|holds"):
        format_account(login, fields)
