"""What the queue's log says of a delivery that begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from courier_runtime.observe.log import ListLog
from courier_runtime.queue.journal import Journal
from courier_runtime.seams import Hop, Job
from runtime.messages import queued
from runtime.trees import snapshot_of


@pytest.mark.parametrize(
    ("hop", "sender", "shown"),
    [
        (Hop("uucp", "apple", "john"), "alice@example.com", "mx!alice"),
        (Hop("uucp", "apple", "john"), "x@other.dom", "mx!other.dom!x"),
        (Hop("uucp", "apple", "john"), "", ""),
        (Hop("esmtp", "far", "a@far"), "alice@example.com", "alice@example.com"),
    ],
)
def test_a_delivery_begins_with_both_addresses_in_the_modules_form(
    hop: Hop, sender: str, shown: str, tmp_path: Path
) -> None:
    log = ListLog()
    message = queued("apple!john", sender=sender)
    Journal(log).started(Job(message, hop, (0,), (hop.address,), snapshot_of(tmp_path)))
    about = f"from=<{shown}>,module={hop.module},host={hop.host},addr=<{hop.address}>"
    assert log.lines == [f"courierd: started,id={message.id},{about}"]
