"""Recipients as they come in: aliases, lists, and who is named twice."""

from __future__ import annotations

from courier_runtime.intake.expansion import RecipientList
from courier_runtime.mail.envelope import Notify, Recipient

ANNA, BORIS = "anna@example.org", "boris@example.org"
TEAM = ("team@example.org", Recipient("team@example.org"), (ANNA, BORIS))
ALONE = (ANNA, Recipient(ANNA), None)


def taken(*recipients: tuple[str, Recipient, tuple[str, ...] | None]) -> RecipientList:
    found = RecipientList()
    for spelt, recipient, targets in recipients:
        found.add(spelt, recipient, targets)
    return found


def test_who_was_named_gets_nothing_more_through_a_list() -> None:
    found = taken(ALONE, TEAM)
    assert found.recipients == [Recipient(ANNA), Recipient(BORIS, "", Notify.NEVER)]
    assert found.origins == [(ANNA, (0,)), ("team@example.org", (0, 1))]


def test_who_is_named_after_a_list_is_a_recipient_of_their_own() -> None:
    found = taken(TEAM, ALONE, ALONE)
    never = Notify.NEVER
    assert found.recipients == [Recipient(ANNA, "", never), Recipient(BORIS, "", never), Recipient(ANNA)]


def test_members_of_two_lists_are_served_once() -> None:
    found = taken(TEAM, ("all@example.org", Recipient("all@example.org"), (BORIS, ANNA)))
    assert len(found.recipients) == 2
    assert [one.address for one in found.lists] == ["team@example.org", "all@example.org"]


def test_an_alias_of_one_keeps_receipts_under_its_own_name() -> None:
    found = taken(("Info@example.org", Recipient("info@example.org", "said", Notify.SUCCESS), (ANNA,)), ALONE)
    assert found.recipients == [Recipient(ANNA, "Info@example.org", Notify.SUCCESS), Recipient(ANNA)]
