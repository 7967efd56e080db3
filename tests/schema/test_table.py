"""The row machinery: a class body is a table, an instance is what was said of it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import pytest

from courier_schema.legacy.codecs import Codec, Count, Flag, Path, Positive, Text
from courier_schema.legacy.table import (
    Absent,
    Internal,
    Library,
    Named,
    Row,
    Secret,
    Since,
    Table,
    Unread,
    Until,
    rows,
    rows_by_attribute,
    rows_by_name,
)


class Limits(Table):
    maxperip: Annotated[Positive, Since("0.40")] = 5
    """Connections of one address."""


class Plain(Limits, file="plain"):
    daemons: Annotated[Count, Named("daemons"), Absent("1")] | None = 5
    verify: Annotated[Literal["NONE", "PEER"], Absent("PEER")] | None = "NONE"
    bindpw: Annotated[Text, Secret()] | None = None
    old: Annotated[Flag, Until("1.1", "NEW")] | None = None
    typo: Annotated[Flag, Unread("TYPED")] | None = None
    priority: Annotated[Text, Library("gnutls")] | None = None
    prefix: Annotated[Path, Internal()] = "/usr"


class Secure(Plain, file="secure", overlays=Plain):
    maxperip: Positive = 9
    sslport: Count = 465


class Files(Table, file="files", format="one-value", directory="authdir"):
    notes: ClassVar[str] = "no row"
    queuetime: Text = "7d"


def row(table: type[Table], attribute: str) -> Row:
    return rows_by_attribute(table)[attribute]


def test_an_instance_holds_what_was_said_and_reads_as_the_default_elsewhere() -> None:
    said = Plain(maxperip=8)
    assert said.said() == {"maxperip": 8}
    assert (said.maxperip, said.daemons, said.verify) == (8, 5, "NONE")


def test_none_is_something_that_was_said() -> None:
    assert Plain(daemons=None).said() == {"daemons": None}
    assert Plain(daemons=None).daemons is None


def test_of_two_instances_the_upper_one_wins_where_both_speak() -> None:
    lower = Plain(maxperip=8, daemons=2)
    assert Plain(maxperip=9).over(lower) == Plain(maxperip=9, daemons=2)
    assert lower == Plain(maxperip=8, daemons=2)


def test_items_are_every_row_with_the_value_in_force() -> None:
    values = {row.name: value for row, value in Plain(maxperip=8).items()}
    assert values["MAXPERIP"] == 8
    assert values["daemons"] == 5
    assert list(values) == [row.name for row in rows(Plain)]


def test_equality_is_equality_of_what_was_said_and_of_the_table() -> None:
    assert Plain(maxperip=5) != Plain()
    assert Secure(daemons=5) != Plain(daemons=5)
    assert hash(Plain(maxperip=8, daemons=2)) == hash(Plain(daemons=2, maxperip=8))


def test_an_instance_never_changes() -> None:
    said = Plain(maxperip=8)
    with pytest.raises(AttributeError, match="Plain is immutable"):
        said.maxperip = 9  # type: ignore[misc] # the checker refuses what this test wants to see refused
    with pytest.raises(TypeError):
        said.said()["maxperip"] = 9  # type: ignore[index] # likewise


def test_a_row_that_does_not_exist_is_refused_by_name() -> None:
    misspelt: dict[str, Any] = {"maxperipp": 1}
    with pytest.raises(TypeError, match="Plain has no row maxperipp"):
        Plain(**misspelt)


def test_secrets_are_not_shown() -> None:
    assert repr(Plain(maxperip=8, bindpw="hush")) == "Plain(maxperip=8, bindpw=***)"


def test_rows_stand_in_the_order_of_the_class_bodies_with_mixins_first() -> None:
    assert [row.attribute for row in rows(Secure)][:3] == ["maxperip", "daemons", "verify"]
    assert rows(Secure)[-1].attribute == "sslport"


def test_names_are_attributes_in_capitals_unless_a_row_says_otherwise() -> None:
    assert set(rows_by_name(Plain)) == {"MAXPERIP", "daemons", "VERIFY", "BINDPW", "OLD", "TYPO", "PRIORITY", "PREFIX"}


def test_names_of_control_files_are_attributes_as_they_are() -> None:
    assert [(row.name, row.default) for row in rows(Files)] == [("queuetime", "7d")]


def test_a_table_knows_its_file() -> None:
    assert (Plain.file, Plain.format, Plain.directory, Plain.overlays) == ("plain", "shell", "sysconfdir", None)
    assert (Files.file, Files.format, Files.directory) == ("files", "one-value", "authdir")
    assert Secure.overlays is Plain


def test_facts_stand_in_the_type() -> None:
    assert row(Plain, "daemons").absent == "1"
    assert row(Plain, "bindpw").secret
    assert (row(Plain, "old").until, row(Plain, "old").successor) == ("1.1", "NEW")
    assert (row(Plain, "typo").unread, row(Plain, "typo").successor) == (True, "TYPED")
    assert row(Plain, "priority").library == "gnutls"
    assert row(Plain, "prefix").internal


def test_only_a_row_that_takes_none_may_be_left_unassigned() -> None:
    assert row(Plain, "daemons").optional
    assert not row(Plain, "maxperip").optional


def test_an_overriding_row_keeps_the_facts_that_it_does_not_say() -> None:
    assert row(Secure, "maxperip").default == 9
    assert row(Secure, "maxperip").since == "0.40"


def test_what_a_table_leaves_unsaid_comes_from_the_file_that_is_read_before_it() -> None:
    assert row(Secure, "daemons").absent == "the value of plain applies"
    assert row(Secure, "sslport").absent == ""


def test_a_literal_is_its_own_codec() -> None:
    codec = row(Plain, "verify").codec
    assert isinstance(codec, Codec)
    assert codec.accept("PEER") == "PEER"
    with pytest.raises(ValueError, match="write one of NONE, PEER"):
        codec.accept("peer")


def test_a_row_without_a_codec_is_a_mistake_of_the_catalogue() -> None:
    class Wrong(Table):
        name: str = ""

    with pytest.raises(TypeError, match="row name has no codec"):
        rows(Wrong)
