"""How the log spells things, and how it finds its way after damage."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.mail.envelope import Envelope, Notify, Recipient
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.outcome import Deferred, Delivered, Dialogue, Failed, Outcome, Relayed
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import Progress, State
from courier_runtime.spool.composition import accepted
from courier_runtime.spool.records import MAGIC, Damage, Kind, Record, dumps, frame, loads, read
from courier_runtime.spool.state import (
    envelope_of,
    mailboxes_said,
    merged,
    message_of,
    message_said,
    outcome_of,
    outcome_said,
    pack,
    some_said,
    state_said,
    unpack,
    without,
)
from courier_runtime.spool.texts import HeldText
from runtime.spools import NOON, served

TEXTS = st.text(st.characters(exclude_categories=[]), max_size=12)
DIALOGUES = st.builds(Dialogue, TEXTS, TEXTS, st.tuples(TEXTS), st.lists(TEXTS, max_size=3).map(tuple), st.booleans())
OUTCOMES: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Delivered, DIALOGUES),
    st.builds(Relayed, DIALOGUES, st.booleans()),
    st.builds(Deferred, DIALOGUES),
    st.builds(Failed, DIALOGUES, st.booleans()),
)
RECIPIENTS = st.builds(Recipient, TEXTS, TEXTS, st.sampled_from([Notify.UNSAID, Notify.NEVER, Notify.SUCCESS]))
ENVELOPES = st.builds(
    Envelope,
    TEXTS,
    st.lists(RECIPIENTS, min_size=1, max_size=4).map(tuple),
    source=TEXTS,
    origin=TEXTS,
    login=TEXTS,
    envelope_id=TEXTS,
    returns=st.sampled_from(["", "full", "headers"]),
    verp=st.booleans(),
    smtputf8=st.booleans(),
    eight_bit=st.booleans(),
    security=st.sampled_from(["", "none", "starttls"]),
    virtual_host=TEXTS,
    is_tracked=st.booleans(),
    variables=st.dictionaries(TEXTS, TEXTS, max_size=2),
    delivered_to_alias=st.lists(RECIPIENTS, max_size=2).map(tuple),
    submit_delay=st.none() | st.floats(0, 1e6),
)
MARK = b"\xc5\0\1mark\n"
NAME = MessageId(7, 8, 9)


@given(ENVELOPES)
def test_every_envelope_survives_being_written(envelope: Envelope) -> None:
    message = accepted(NAME, envelope, Terms(), NOON, 3, None)
    assert envelope_of(loads(dumps(message_said(message)))) == envelope


@given(OUTCOMES)
def test_every_outcome_survives_being_written(outcome: Outcome) -> None:
    assert outcome_of(loads(dumps(outcome_said(outcome)))) == outcome


@given(st.lists(st.builds(Progress, st.sampled_from(State), st.none() | OUTCOMES, st.floats(0, 1e10)), min_size=1))
def test_every_state_survives_being_kept(progress: list[Progress]) -> None:
    envelope = Envelope("a", tuple(Recipient(str(number)) for number in range(len(progress))))
    message = accepted(NAME, envelope, Terms(), NOON, 3, HeldText(b"abc"))
    tried = type(message)(
        **{name: getattr(message, name) for name in message.__slots__}
        | {"progress": tuple(progress), "attempts": 3, "is_warned": True, "due": NOON + 5}
    )
    state = unpack(pack(state_said(tried)))
    said = loads(dumps(message_said(message)))
    assert message_of(said, state, NOON + 5, False, (), HeldText(b"abc")) == tried


def test_deliveries_into_mailboxes_can_be_told_and_undone() -> None:
    message = accepted(NAME, Envelope("a", (Recipient("x"), Recipient("y"))), Terms(), NOON, 3, None)
    state = merged({}, loads(dumps(some_said(served(message, 0), [0]))))
    state = merged(state, loads(dumps(some_said(served(message, 1, outcome=Relayed()), [1]))))
    assert mailboxes_said(state) == {0}
    assert set(without(state, [0])["progress"]) == {"1"}


def records(*texts: bytes) -> list[bytes]:
    return [frame(MARK, Kind.MESSAGE, number, b"{}", text) + text for number, text in enumerate(texts, 1)]


def sound(content: bytes, end: int | None = None) -> list[int]:
    return [one.serial for one in read(MARK, content, end) if isinstance(one, Record)]


def damage(content: bytes, end: int | None = None) -> list[tuple[int, int, bool]]:
    return [(one.start, one.end, one.is_tail) for one in read(MARK, content, end) if isinstance(one, Damage)]


def test_records_follow_each_other() -> None:
    content = b"".join(records(b"one", b"", b"three"))
    found = list(read(MARK, content))
    assert [one.serial for one in found if isinstance(one, Record)] == [1, 2, 3]
    assert [content[one.text_start : one.end] for one in found if isinstance(one, Record)] == [b"one", b"", b"three"]


@given(st.integers(0, 200))
def test_a_torn_tail_is_a_tail_wherever_it_is_torn(cut: int) -> None:
    first, second = records(b"one" * 10, b"two" * 10)
    content = first + second[: cut % len(second)]
    assert sound(content) == [1]
    assert damage(content) == ([(len(first), len(content), True)] if len(content) > len(first) else [])


@given(st.integers(1, 5000))
def test_a_tail_of_zeros_is_a_tail(size: int) -> None:
    content = b"".join(records(b"one"))
    assert damage(content + bytes(size)) == [(len(content), len(content) + size, True)]


@given(st.integers(0), st.integers(0, 7))
def test_a_flipped_bit_costs_one_record_and_is_told(at: int, bit: int) -> None:
    parts = records(b"one" * 20, b"two" * 20, b"three" * 20)
    content = bytearray(b"".join(parts))
    place = len(parts[0]) + at % len(parts[1])
    content[place] ^= 1 << bit
    assert sound(bytes(content)) == [1, 3]
    assert damage(bytes(content)) == [(len(parts[0]), len(parts[0]) + len(parts[1]), False)]


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_arbitrary_bytes_between_records_are_damage_and_nothing_else(before: bytes, between: bytes) -> None:
    first, second = records(b"one", b"two")
    content = before + first + between + second
    assert sound(content) == [1, 2]
    covered = sum(end - start for start, end, _ in damage(content))
    assert covered == len(before) + len(between)


def test_nothing_is_read_beyond_the_end_that_is_named() -> None:
    first, second = records(b"one", b"two")
    assert sound(first + second, len(first)) == [1]
    assert sound(first + second, len(first) + 3) == [1]


def test_a_text_that_contains_a_record_is_no_record() -> None:
    [inner] = records(b"inner")
    [outer] = records(inner)
    assert sound(outer) == [1]


def test_a_text_cannot_pass_for_a_record_even_when_what_surrounds_it_is_damaged() -> None:
    forged = frame(MAGIC, Kind.REMOVED, 99, b"")
    [outer] = records(b"text\n" + forged + b"text\n")
    content = bytes([outer[0] ^ 1]) + outer[1:]
    assert sound(content) == []
    assert damage(content) == [(0, len(content), True)]
