"""How values are spelt in Courier's files, and how a person may say them."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy import codecs
from courier_schema.legacy.codecs import (
    Address,
    AddressCodec,
    ChoiceCodec,
    Codec,
    Colons,
    Commas,
    Count,
    Duration,
    Flag,
    Include,
    Lines,
    NumberCodec,
    Octal,
    OptionsCodec,
    PairsCodec,
    Path,
    PlainPath,
    Ports,
    PortsCodec,
    Positive,
    Presence,
    Statement,
    StatementCodec,
    Text,
    TextCodec,
    Words,
    WordsCodec,
    YesNo,
    seconds,
)

LOGGER = OptionsCodec(("-name", "-facility"), quoting=False)
BLOCK = OptionsCodec(("-block", "-allow"))
FLAGS = PairsCodec(keys=("group", "mailhost", "disableimap"))
PURGE = PairsCodec(joint=":", bare="Trash", pattern=r"\d+")
NOTIFY = WordsCodec(",", ("N", "S", "F", "D"), blanks=True)
CHOICE = ChoiceCodec(("0", "1", "2"))


def codec(alias: object) -> Codec[Any]:
    """The codec inside an alias such as `Flag`."""
    return typing.get_args(alias)[1]  # type: ignore[no-any-return] # an Annotated type's arguments are untyped


SAID = [
    # what a person writes, the value, what stands in the file
    (codec(Flag), True, True, "1"),
    (codec(Flag), False, False, "0"),
    (codec(YesNo), True, True, "YES"),
    (codec(Count), 0, 0, "0"),
    (codec(Positive), 40, 40, "40"),
    (codec(Duration), 90, "90", "90"),
    (codec(Duration), "1w2d", "1w2d", "1w2d"),
    (codec(Text), "two words", "two words", "two words"),
    (codec(Text), 12, "12", "12"),
    (codec(Lines), "a\nb", "a\nb", "a\nb"),
    (codec(Octal), "022", "022", "022"),
    (codec(Path), "/etc/x y", "/etc/x y", "/etc/x y"),
    (codec(PlainPath), "Maildir", "Maildir", "Maildir"),
    (codec(Address), "::1", "::1", "::1"),
    (codec(Address), 0, "0", "0"),
    (codec(Include), ". /etc/environment", ". /etc/environment", ". /etc/environment"),
    (codec(Presence), True, True, ""),
    (codec(Words), ["a", "b"], ("a", "b"), "a b"),
    (codec(Words), "a  b", ("a", "b"), "a b"),
    (codec(Commas), "a, b c", ("a", "b c"), "a,b c"),
    (codec(Colons), ["/bin", "/usr/bin"], ("/bin", "/usr/bin"), "/bin:/usr/bin"),
    (NOTIFY, "S F", ("S", "F"), "S,F"),
    (codec(Ports), 587, ("587",), "587"),
    (codec(Ports), [25, "127.0.0.1.smtp", "::1.26"], ("25", "127.0.0.1.smtp", "::1.26"), "25,127.0.0.1.smtp,::1.26"),
    (CHOICE, 2, "2", "2"),
    (CHOICE, "0", "0", "0"),
    (LOGGER, "-name=imapd -facility=mail", ("-name=imapd", "-facility=mail"), "-name=imapd -facility=mail"),
    (BLOCK, ["-block=bl.example,BLOCK,go on"], ("-block=bl.example,BLOCK,go on",), "'-block=bl.example,BLOCK,go on'"),
    (BLOCK, ["-block=a.example,B,5* * ?"], ("-block=a.example,B,5* * ?",), "'-block=a.example,B,5* *'' ?'"),
    (FLAGS, {"disableimap": True, "group": "x"}, (("disableimap", "1"), ("group", "x")), "disableimap=1,group=x"),
    (FLAGS, "group=a,group=b", (("group", "a"), ("group", "b")), "group=a,group=b"),
    (PURGE, 7, (("Trash", "7"),), "Trash:7"),
    (PURGE, {"Trash": 7, "Sent": 30}, (("Trash", "7"), ("Sent", "30")), "Trash:7,Sent:30"),
    (codec(Statement), "SELECT a\n  FROM b\n", "SELECT a FROM b", "SELECT a FROM b"),
    (codec(Statement), "SELECT 'a  b'", "SELECT 'a  b'", "SELECT 'a  b'"),
]  # fmt: skip


@pytest.mark.parametrize(("spelling", "said", "value", "text"), SAID)
def test_what_a_person_says_becomes_a_value_and_its_spelling(
    spelling: Codec[Any], said: object, value: object, text: str
) -> None:
    assert spelling.accept(said) == value
    assert spelling.encode(value) == text
    assert spelling.decode(text) == value


@pytest.mark.parametrize(("spelling", "said", "value", "text"), SAID)
def test_an_editor_takes_what_the_compiler_takes(spelling: Codec[Any], said: object, value: object, text: str) -> None:
    del value, text
    assert list(jsonschema.Draft202012Validator(spelling.schema).iter_errors(said)) == []


REFUSED = [
    (codec(Flag), "yes", "write true instead of yes"),
    (codec(Flag), "NO", "write false instead of NO"),
    (codec(Flag), 1, "write true instead of 1"),
    (codec(Flag), 0, "write false instead of 0"),
    (codec(Flag), "maybe", "write true or false"),
    (codec(Count), "5", "without quotes"),
    (codec(Count), True, "whole number"),
    (codec(Count), 1.5, "whole number"),
    (codec(Count), -1, "out of range"),
    (codec(Positive), 0, "out of range: write 1 to"),
    (codec(Duration), "5 m", "such as 90s or 1w2d"),
    (codec(Duration), "m5", "such as 90s or 1w2d"),
    (codec(Duration), True, "such as 90s or 1w2d"),
    (codec(Text), "a\nb", "remove the line break"),
    (codec(Text), True, "write text"),
    (codec(Text), ["a"], "write text"),
    (codec(Octal), 22, "write octal digits in quotes"),
    (codec(Path), "etc", "write an absolute path"),
    (codec(PlainPath), "/a b", "a start script reads it twice"),
    (codec(Address), "mx.example.org", "is not an IP address"),
    (codec(Include), "/etc/environment", "write a dot, a space and an absolute path"),
    (codec(Words), {"a": 1}, "write a list of words"),
    (codec(Words), [True], "write a list of words"),
    (codec(Commas), "a\nb", "remove the line break"),
    (NOTIFY, "X", "write some of N, S, F, D"),
    (codec(Ports), "70000", "write 1 to 65535"),
    (codec(Ports), "0", "write 1 to 65535"),
    (codec(Ports), "mx.example.org.25", "write the port after an IP address and a dot"),
    (CHOICE, "3", "write one of 0, 1, 2"),
    (CHOICE, True, "write one of 0, 1, 2"),
    (CHOICE, None, "write one of 0, 1, 2"),
    (LOGGER, "-nmae=x", "write some of -name, -facility"),
    (LOGGER, ["-name=a b"], "cannot pass"),
    (LOGGER, 3, "write a list of options such as -name"),
    (BLOCK, "-block='x", "a quote is not closed"),
    (BLOCK, ["-block=a\\b"], "cannot pass"),
    (BLOCK, ["-block=a\tb"], "cannot pass"),
    (LOGGER, ["-name=*"], "cannot pass"),
    (FLAGS, {"grupo": "x"}, "write some of group, mailhost, disableimap"),
    (FLAGS, "group", "has no value: write group=value"),
    (FLAGS, {"group": "a,b"}, "cannot read 'a,b'"),
    (FLAGS, 3, "write a map of names and values"),
    (PURGE, {"Trash": "week"}, "cannot read 'week'"),
    (PairsCodec(), {"a=b": "c"}, "cannot be a name here"),
]  # fmt: skip


@pytest.mark.parametrize(("spelling", "said", "remedy"), REFUSED)
def test_a_wrong_value_is_refused_with_what_to_write(spelling: Codec[Any], said: object, remedy: str) -> None:
    with pytest.raises(ValueError, match=re.escape(remedy)):
        spelling.accept(said)


@pytest.mark.parametrize(
    ("text", "meant"), [("1", True), ("YES", True), ("y", True), ("0", False), ("No", False), ("", False)]
)
def test_every_spelling_of_a_switch_is_understood_in_a_file(text: str, meant: bool) -> None:
    assert codec(YesNo).decode(text) is meant


def test_a_switch_in_a_file_that_means_neither_is_refused() -> None:
    with pytest.raises(ValueError, match="write 1 or 0"):
        codec(Flag).decode("2")


def test_a_number_in_a_file_is_decimal() -> None:
    assert NumberCodec(least=-5).decode("-3") == -3
    with pytest.raises(ValueError, match="reads '0x10' as no number"):
        codec(Count).decode("0x10")


def test_the_file_of_a_presence_may_hold_anything() -> None:
    assert codec(Presence).decode("some text") is True


def test_a_presence_that_is_denied_is_no_value_and_so_no_file() -> None:
    assert codec(Presence).accept(False) is None


@pytest.mark.parametrize(
    ("duration", "expected"), [("90", 90), ("90s", 90), ("5m", 300), ("2H", 7200), ("1w2d", 777600), ("0", 0)]
)
def test_durations_count_as_courier_counts_them(duration: str, expected: int) -> None:
    assert seconds(duration) == expected


@given(st.lists(st.from_regex(r"-(block|allow)=[ -)+->@-Z^-~]{0,20}", fullmatch=True)))
def test_options_survive_the_second_shell(options: list[str]) -> None:
    try:
        value = BLOCK.accept(options)
    except ValueError:
        assert any("  " in option for option in options)
        return
    assert BLOCK.decode(BLOCK.encode(value)) == value == tuple(options)


@given(st.text())
def test_a_statement_said_twice_is_the_same_statement(text: str) -> None:
    spelling = StatementCodec()
    try:
        once = spelling.accept(text)
    except ValueError:
        assert "\0" in text
        return
    assert spelling.accept(once) == once


def every_codec() -> Iterator[Codec[Any]]:
    for name, alias in vars(codecs).items():
        if name[0].isupper() and typing.get_origin(alias) is typing.Annotated:
            yield codec(alias)


@given(st.sampled_from(list(every_codec())), st.text())
def test_a_file_never_yields_a_value_that_would_be_written_otherwise(spelling: Codec[Any], text: str) -> None:
    try:
        value = spelling.decode(text)
    except ValueError:
        return
    assert spelling.decode(spelling.encode(value)) == value


def test_every_codec_has_a_word_for_the_manual_and_a_schema() -> None:
    for spelling in (*every_codec(), AddressCodec(), PortsCodec(), TextCodec(), CHOICE, FLAGS):
        assert spelling.kind
        jsonschema.Draft202012Validator.check_schema(spelling.schema)


def test_a_codec_that_says_nothing_is_a_mistake_of_ours() -> None:
    bare: Codec[str] = Codec()
    for call in (lambda: bare.encode("x"), lambda: bare.decode("x"), lambda: bare.accept("x"), lambda: bare.schema):
        with pytest.raises(NotImplementedError, match="Codec"):
            call()
