"""The language of scripts: what each line means, and that what is none of it is told with its line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.patterns import parse_pattern
from dialogue.script import MalformedScript, parse_script
from dialogue.steps import Block, Computed, Do, Hear, HearAny, HearSet, Line, Open, Pause, Say, SayBytes, Step

OK = parse_pattern("250 Ok.")


def steps(*lines: str) -> tuple[Step, ...]:
    return parse_script("\n".join(["# It works.", "--- a", *lines, ""])).steps[1:]


def test_the_first_line_is_the_title() -> None:
    assert parse_script("# NOOP is answered.\nC: NOOP\n").title == "NOOP is answered."


def test_a_script_that_names_no_connection_has_one() -> None:
    script = parse_script("# NOOP is answered.\nC: NOOP\n")
    assert script.steps == (Open(2, "", "198.51.100.7", "192.0.2.25", "smtp"), Say(2, ("NOOP",)))


def test_connections_have_addresses_and_a_listener_and_can_be_returned_to() -> None:
    script = parse_script("# Two.\n--- a from 2001:db8::1 to 2001:db8::25 at smtps\n--- b\n--- a\n")
    assert script.steps == (
        Open(2, "a", "2001:db8::1", "2001:db8::25", "smtps"),
        Open(3, "b", "198.51.100.7", "192.0.2.25", "smtp"),
        Open(4, "a", "198.51.100.7", "192.0.2.25", "smtp", is_return=True),
    )


def test_hello_stands_for_greeting_and_ehlo() -> None:
    assert steps("HELLO") == (HearAny(3, "220"), Say(3, ("EHLO client.example.net",)), HearAny(3, "250"))
    assert steps("HELLO other.example")[1] == Say(3, ("EHLO other.example",))


def test_lines_are_sent_as_they_are_and_may_be_empty() -> None:
    assert steps("C: RCPT TO:<a@b.example> ", "C:", "C: ") == (
        Say(3, ("RCPT TO:<a@b.example> ",)),
        Say(4, ()),
        Say(5, ()),
    )


def test_answers_to_challenges_are_computed() -> None:
    assert steps("C: AUTH PLAIN {plain:boris:a:b}", "C: {cram-md5:boris:x}{{}}") == (
        Say(3, ("AUTH PLAIN ", Computed("plain", ("boris", "a:b")))),
        Say(4, (Computed("cram-md5", ("boris", "x")), "{", "}")),
    )


def test_bytes_are_written_with_escapes_and_counts() -> None:
    assert steps(r'C! "a\r\n\t\0\\\"\xE9" "bc"*3') == (SayBytes(3, b'a\r\n\t\0\\"\xe9bcbcbc'),)


def test_replies_are_patterns_and_may_have_a_time() -> None:
    assert steps("S: 250 Ok.", "S within 7s..9.5s: 250 Ok.", "S: ?") == (
        Hear(3, OK),
        Hear(4, OK, (7.0, 9.5)),
        Hear(5, None),
    )


def test_lines_in_any_order_are_one_reply() -> None:
    assert steps("S~ 250 a", "S~ 250 b", "S~ 220 c") == (
        HearSet(3, "250", (parse_pattern("a"), parse_pattern("b"))),
        HearSet(5, "220", (parse_pattern("c"),)),
    )


def test_doing_waiting_and_closing() -> None:
    assert steps("TLS", "WAIT 2s", "SILENT 0.5s", "CLOSED", "--- b", "CLOSE")[:4] == (
        Do(3, "TLS"),
        Pause(4, 2.0, is_silent=False),
        Pause(5, 0.5, is_silent=True),
        Do(6, "CLOSED"),
    )


def test_blocks_hold_the_lines_below_them() -> None:
    assert steps("MAILBOX anna", "| ...", "|", "| 250 Ok.", "LOG", "| 250 Ok.", "SINK nothing") == (
        Block(
            3,
            "MAILBOX",
            "anna",
            (Line(4, None, is_any=True), Line(5, parse_pattern("")), Line(6, OK)),
        ),
        Block(7, "LOG", "", (Line(8, OK),)),
        Block(9, "SINK", "", (), is_empty=True),
    )


def test_comments_and_empty_lines_may_stand_between() -> None:
    assert steps("# why", "", "C: NOOP") == (Say(5, ("NOOP",)),)


def test_waits_and_delays_say_how_long_a_script_takes_at_least() -> None:
    script = parse_script("# T.\nWAIT 2s\nSILENT 1s\nS within 7s..9s: 250 Ok.\nS: 250 Ok.\n")
    assert script.least_seconds == 10


@pytest.mark.parametrize("line", ["S: ?", "MAILBOX anna\n| ?"])
def test_answers_not_yet_known_are_seen(line: str) -> None:
    assert parse_script(f"# New.\n{line}\n").has_unknowns


def test_answers_that_are_known_are_not_taken_for_unknown() -> None:
    assert not parse_script("# Old.\nS: 250 Ok?\nMAILBOX anna\n| ...\n| x\n").has_unknowns


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "a script begins with"),
        ("C: NOOP\n", 1, "a script begins with"),
        ("# \nC: NOOP\n", 1, "a script begins with"),
        ("# Empty.\n\n", 3, "the script does nothing"),
        ("# T.\nX: NOOP\n", 2, "'X:' begins no step"),
        ("# T.\nc: NOOP\n", 2, "'c:' begins no step"),
        ("# T.\nC:NOOP\n", 2, "'C:NOOP' begins no step"),
        ("# T.\n\nTLS now\n", 3, "'TLS' begins no step"),
        ("# T.\n--- a from\n", 2, "after the name come"),
        ("# T.\n--- a from 1.2.3.4 from 1.2.3.4\n", 2, "after the name come"),
        ("# T.\n--- a via 1.2.3.4\n", 2, "after the name come"),
        ("# T.\n--- a from host.example\n", 2, "'host.example' is not an IP address"),
        ("# T.\n--- a from 2001:db8::1\n", 2, "one address is IPv4 and the other IPv6"),
        ("# T.\n--- a at imap\n", 2, "'imap' is not a listener"),
        ("# T.\n--- a\n--- a from 192.0.2.1\n", 3, "connection 'a' is open already"),
        ("# T.\nS: {DAET}\n", 2, "{DAET} is neither"),
        ("# T.\nS within 2s..1s: x\n", 2, "the shorter time comes first"),
        ("# T.\nC: {plain:boris}\n", 2, "plain wants 2 arguments"),
        ("# T.\nC: {magic:boris}\n", 2, "{magic:boris} computes nothing"),
        ("# T.\nC: {\n", 2, "a lone {"),
        ("# T.\nC! NOOP\n", 2, "C! wants texts in double quotes"),
        ('# T.\nC! "a"x\n', 2, "C! wants texts in double quotes"),
        ('# T.\nC! "\\q"\n', 2, "\\q is no escape"),
        ('# T.\nC! "a"*99999999\n', 2, "more than 67108864 bytes"),
        ("# T.\n| Subject: x\n", 2, "a line with '|' belongs below"),
        ("# T.\nMAILBOX anna nothing\n| x\n", 3, "a line with '|' belongs below"),
        ("# T.\nMAILBOX anna\nC: NOOP\n", 2, "MAILBOX wants at least one line that says something"),
        ("# T.\nSINK\n| ...\n", 2, "SINK wants at least one line that says something"),
        ("# T.\nLOG\n| a\n| ...\n| b\n", 2, "LOG wants no '...'"),
    ],
)
def test_what_is_no_script_says_where_and_why(text: str, line: int, says: str) -> None:
    with pytest.raises(MalformedScript, match=re.escape(says)) as malformed:
        parse_script(text)
    assert malformed.value.line == line


FRAGMENTS = st.sampled_from(
    ["C: ", "C! ", "S: ", "S~ 250 ", "S* ", "S within ", "--- ", "| ", "|", "LOG", "SINK", "MAILBOX ", "TLS", "WAIT ",
     "HELLO", "nothing", "?", "...", '"', "*", "\\", "{", "}", "{ID}", "{x:ID}", "{plain:a:b}", "1s..2s", "5", "a", " ",
     "from ", "198.51.100.7", "at smtp", "#", "\n", "250", "é", "\r"]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_a_text_is_a_script_or_malformed_at_one_of_its_lines(text: str) -> None:
    text = f"# Any.\n{text}"
    places = _places(text)
    assert all(1 <= place <= text.count("\n") + 1 for place in places)
    assert places == sorted(places)


def _places(text: str) -> list[int]:
    """The lines of all steps, or the line of the mistake."""
    try:
        script = parse_script(text)
    except MalformedScript as malformed:
        return [malformed.line]
    return [step.line for step in script.steps]


@given(st.binary(max_size=60))
def test_every_byte_can_be_sent(data: bytes) -> None:
    written = "".join(f"\\x{byte:02x}" for byte in data)
    (step,) = steps(f'C! "{written}"')
    assert step == SayBytes(3, data)
