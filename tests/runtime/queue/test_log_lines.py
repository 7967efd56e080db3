"""The queue's log lines, word for word."""

from __future__ import annotations

import pytest

from courier_runtime.mail.outcome import Deferred, Dialogue, Failed, Outcome
from courier_runtime.observe.log import ListLog
from courier_runtime.queue.journal import Journal
from runtime.messages import queued


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Failed(Dialogue(replies=("one", "two"))), [": one", ": two", ",status: failure"]),
        (Failed(Dialogue(replies=("one\ntwo", "three"))), [": one/two", ": three", ",status: failure"]),
        (Deferred(Dialogue(network_error="lost")), [": lost", ",status: deferred"]),
    ],
)
def test_a_reply_is_a_line_however_many_it_has(outcome: Outcome, said: list[str]) -> None:
    log = ListLog()
    message = queued("5551234@fax")
    Journal(log).outcome(message, 0, outcome, "fax")
    head = f"courierfax: id={message.id},from=<alice@example.com>,addr=<5551234@fax>"
    assert log.lines == [f"{head}{line}" for line in said]
