"""Access tables: values are read as couriertcpd reads them, written so that it does, and clients get their record."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.access import (
    Allow,
    Deny,
    format_value,
    inspect,
    local_keys,
    lookup_access,
    parse_value,
    remote_keys,
)
from courier_schema.legacy.formats.netblocks import expand
from courier_schema.report import Severity
from schema import database_cases as cases
from schema.database_cases import Case

NOTHING: dict[bytes, bytes] = {}
names = st.from_regex(rb"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
texts = st.lists(
    st.sampled_from([*b"""a1,='" \t\\#\r"""]).map(lambda byte: bytes([byte])) | st.binary(max_size=4), max_size=8
).map(b"".join)
sayable = texts.filter(lambda text: text == text.rstrip(b" \t\n\v\f\r") and b"\n" not in text and b"\0" not in text)


def environment(value: bytes) -> dict[bytes, bytes]:
    action = parse_value(value)
    assert isinstance(action, Allow)
    return action.environment


def problems(row: bytes, value: bytes = b"allow") -> list[str]:
    found = list(inspect({row: value}))
    assert all(name == row and problem.severity is Severity.WARNING for name, problem in found)
    return [problem.id for _, problem in found]


@pytest.mark.parametrize("case", cases.with_lookups(cases.named("access")), ids=str)
def test_each_client_of_the_cases_is_answered_as_by_couriertcpd(case: Case) -> None:
    asked = case.told["lookups"]
    records = case.databases[asked["database"]]
    for lookup in case.lookups:
        query = lookup["query"]
        answer = lookup_access(
            records.get,
            query["remote"],
            query.get("local"),
            asked.get("port", 2525),
            asked.get("accesslocal", False) and "local" in query,
        )
        said = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.environment.items()}
        result = {"action": "deny"} if answer.is_denied else {"action": "accept", "environment": said}
        assert result == lookup["result"], query


@pytest.mark.parametrize("value", [b"deny", b"deny,X=1", b"denyxyz", b"deny\r"])
def test_what_starts_with_deny_refuses(value: bytes) -> None:
    assert parse_value(value) == Deny()


@pytest.mark.parametrize(
    ("value", "variables"),
    [
        (b"allow", {}),
        (b"allow,", {}),
        (b"A=1", {b"A": b"1"}),
        (b"allowX=1", {b"X": b"1"}),
        (b"allow X", {b"X": b""}),
        (b"allow,,A=1", {b"": b"", b"A": b"1"}),
        (b"A=1,", {b"A": b"1"}),
        (b'A=1,""', {b"": b"", b"A": b"1"}),
        (b"A=1, ", {b"": b"", b"A": b"1"}),
        (b'" A=1"', {b"A": b"1"}),
        (b'A=" x "', {b"A": b" x"}),
        (b'A"B"C=1', {b"ABC": b"1"}),
        (b"""A='x"y'"z'w\"""", {b"A": b"""x"yz'w"""}),
        (b'A="x,y', {b"A": b"x,y"}),
        (b"A ,B", {b"A ": b"", b"B": b""}),
        (b"A=1,A=2", {b"A": b"2"}),
        (b"A =1", {b"A ": b"1"}),
        (b"A=b=c", {b"A": b"b=c"}),
        (b"a\\,b=1", {b"a\\": b"", b"b": b"1"}),
        (b'"A,B"=1', {b"A,B": b"1"}),
        (b"allow\r", {b"": b""}),
        (b"allow,A=x\ty\r", {b"A": b"x\ty"}),
        (b"Deny", {b"Deny": b""}),
        (b"denied", {b"denied": b""}),
        (b" deny", {b"deny": b""}),
        (b'"deny"', {b"deny": b""}),
        (b"1", {b"1": b""}),
    ],
)
def test_everything_else_accepts_and_sets_variables(value: bytes, variables: dict[bytes, bytes]) -> None:
    assert environment(value) == variables


@given(texts)
def test_every_value_means_something(value: bytes) -> None:
    assert isinstance(parse_value(value), Deny) is value.startswith(b"deny")


@given(st.lists(st.tuples(names, sayable), max_size=4, unique_by=lambda pair: pair[0]))
def test_what_is_written_is_read_back(variables: list[tuple[bytes, bytes]]) -> None:
    action = Allow(tuple(variables))
    assert parse_value(format_value(action)) == action


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (b"", b"allow,A"),
        (b"550 No", b"allow,A=550 No"),
        (b"550 No, thanks", b'allow,A="550 No, thanks"'),
        (b'say "no"', b"""allow,A='say "no"'"""),
        (b"don't", b"""allow,A="don't\""""),
        (b"""don't say "no\"""", b"""allow,A="don't say "'"'"no"'"'"""),
    ],
)
def test_values_are_quoted_only_where_they_must_be(text: bytes, written: bytes) -> None:
    assert format_value(Allow(((b"A", text),))) == written


def test_actions_without_variables_are_one_word() -> None:
    assert format_value(Deny()) == b"deny"
    assert format_value(Allow()) == b"allow"


@pytest.mark.parametrize(
    "variables",
    [
        ((b"A", b"x "),),
        ((b"A", b"x\ny"),),
        ((b"A", b"x\0y"),),
        ((b"", b"x"),),
        ((b"A B", b"x"),),
        ((b"A=", b"x"),),
        ((b"A,", b"x"),),
        ((b"A", b"1"), (b"A", b"2")),
    ],
)
def test_what_a_value_cannot_say_is_not_written(variables: tuple[tuple[bytes, bytes], ...]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        format_value(Allow(variables))


def test_clients_are_looked_up_from_the_whole_address_to_everybody() -> None:
    assert list(remote_keys("192.168.5.6")) == [b"192.168.5.6", b"192.168.5", b"192.168", b"192", b"*"]
    assert next(remote_keys("::ffff:10.0.0.1")) == b"10.0.0.1"
    ipv6 = list(remote_keys("2001:DB8::1"))
    assert ipv6[0] == b":2001:0db8:0000:0000:0000:0000:0000:0001"
    assert ipv6[-2:] == [b":2001", b"*"]
    assert len(ipv6) == 9


def test_listening_addresses_are_looked_up_with_their_port_first() -> None:
    assert list(local_keys("10.1.2.3", 25)) == [b"10.1.2.3.25", b"10.1.2.3", b"10.1.2", b"10.1", b"10", b"*.25", b"*"]
    assert list(local_keys("::1", 25))[:2] == [b":" + b"0000:" * 7 + b"0001.25", b":" + b"0000:" * 7 + b"0001"]


def test_only_the_longest_matching_record_counts() -> None:
    records = {b"10": b"allow,A=1,B=2", b"10.1": b"allow,A=3", b"*": b"deny"}
    answer = lookup_access(records.get, "10.1.0.1")
    assert (answer.environment, answer.key) == ({b"A": b"3"}, b"10.1")
    assert answer.tried == (b"10.1.0.1", b"10.1.0", b"10.1")
    assert lookup_access(records.get, "11.0.0.1").is_denied


def test_a_client_nobody_wrote_down_is_accepted() -> None:
    answer = lookup_access(NOTHING.get, "10.0.0.1")
    assert (answer.is_denied, answer.environment, answer.key, len(answer.tried)) == (False, {}, None, 5)


def test_the_local_address_counts_first_when_it_is_asked_for() -> None:
    records = {b"*.587": b"allow,MSA=1,A=1", b"10": b"allow,A=2", b"10.9": b"deny", b"127.0.0.1.25": b"deny"}
    ours = lookup_access(records.get, "10.0.0.1", "192.0.2.1", 587, accesslocal=True)
    assert (ours.environment, ours.key) == ({b"MSA": b"1", b"A": b"2"}, b"10")
    assert ours.tried[-4:] == (b"10.0.0.1", b"10.0.0", b"10.0", b"10")
    assert lookup_access(records.get, "11.0.0.1", "192.0.2.1", 587, accesslocal=True).key == b"*.587"
    assert lookup_access(records.get, "10.9.0.1", "192.0.2.1", 587, accesslocal=True).is_denied
    assert lookup_access(records.get, "11.0.0.1", "127.0.0.1", 25, accesslocal=True).key == b"127.0.0.1.25"
    assert lookup_access(records.get, "10.0.0.1", "192.0.2.1", 587).environment == {b"A": b"2"}


def test_the_local_address_must_be_known_when_it_is_asked_for() -> None:
    with pytest.raises(ValueError, match="both are needed"):
        lookup_access(NOTHING.get, "10.0.0.1", accesslocal=True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 32), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_client_is_found_exactly_when_it_is_inside_the_block(base: int, length: int, inside: int, other: int) -> None:
    network = ipaddress.IPv4Network((base, length), strict=False)
    records = dict.fromkeys(expand(str(network).encode()), b"deny")
    member = network[inside % network.num_addresses]
    stranger = ipaddress.IPv4Address(other)
    assert lookup_access(records.get, str(member)).is_denied
    assert lookup_access(records.get, f"::ffff:{member}").is_denied
    assert lookup_access(records.get, str(stranger)).is_denied is (stranger in network)


@pytest.mark.parametrize(
    "row",
    [
        b"10",
        b"10.0.0.1",
        b"10.0.0.1.25",
        b"*",
        b"*.587",
        b":2001",
        b":2001:0db8",
        b"10.0.0.0/8",
        b"10-11",
        b"fe80::/10",
    ],
)
def test_rows_that_match_pass_without_a_word(row: bytes) -> None:
    assert problems(row) == []


@pytest.mark.parametrize(
    ("row", "problem", "remedy"),
    [
        (b"10.", "access-key-never-matches", "write `10`"),
        (b"10.0.0.256", "access-key-never-matches", "write an IPv4 prefix of whole octets, a netblock, or `*`"),
        (b"mail.example.org", "access-key-never-matches", "write an IPv4 prefix of whole octets, a netblock, or `*`"),
        (b"1.2.3.4.5.6", "access-key-never-matches", "write an IPv4 prefix of whole octets, a netblock, or `*`"),
        (b"2001:db8::1", "access-ipv6-form", "write `:2001:0db8:0000:0000:0000:0000:0000:0001`"),
        (b"2001:0DB8", "access-ipv6-form", "write `:2001:0db8`"),
        (b":2001:db8:", "access-ipv6-form", "write `:2001:0db8`"),
        (b"192.168.001", "access-leading-zero", "write the octets without leading zeros"),
        (b"192.168.01.0/24", "access-leading-zero", "write the octets without leading zeros"),
        (b"10.1-10.02", "access-leading-zero", "write the octets without leading zeros"),
        (b"::ffff:10.0.0.0/104", "access-mapped-address", "write the IPv4 addresses"),
        (b"::ffff:10.0.0.1-::ffff:10.0.0.9", "access-mapped-address", "write the IPv4 addresses"),
        (b":0000:0000:0000:0000:0000:ffff:0a00", "access-mapped-address", "write the IPv4 addresses"),
    ],
)
def test_rows_that_never_match_are_named_with_what_was_meant(row: bytes, problem: str, remedy: str) -> None:
    ((_, found),) = inspect({row: b"deny"})
    assert (found.id, found.remedy) == (problem, remedy)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (b"1", "access-no-value"),
        (b"Deny", "access-deny-spelling"),
        (b"denied", "access-deny-spelling"),
        (b"\tdeny", "access-deny-spelling"),
        (b"reject", "access-deny-spelling"),
        (b"denyxyz", "access-deny-prefix"),
        (b'allow,A="x', "access-unbalanced-quotes"),
        (b"allow,A='", "access-unbalanced-quotes"),
        (b"allow RELAYCLIENT", "access-allow-separator"),
        (b"allow;RELAYCLIENT", "access-allow-separator"),
        (b"allow,A =1", "access-variable-name"),
        (b"allow,A=1,,B=2", "access-variable-name"),
        (b"allow,A=1 # all, of them", "access-variable-name"),
        (b"allow,A=1,B=2,A=3", "access-variable-repeated"),
    ],
)
def test_values_that_mean_something_else_are_named(value: bytes, problem: str) -> None:
    assert problems(b"10", value) == [problem]


@pytest.mark.parametrize(
    "value",
    [
        b"allow",
        b"deny",
        b"deny,X",
        b"allow,A",
        b"A=1",
        b"allow, A=1 ",
        b'allow,BLOCK="550 don\'t, please"',
        b"BLOCK=550 No",
    ],
)
def test_ordinary_values_pass_without_a_word(value: bytes) -> None:
    assert problems(b"10", value) == []
