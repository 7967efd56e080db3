"""Every setting of the mail server is read by `courier-run`, or its row says why it is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from courier_schema.export.reference import settings_reference
from courier_schema.legacy.table import Row, rows
from courier_schema.legacy.tables import table
from courier_schema.legacy.tables.control import Filters, Web

RUNTIME: Final = Path(__file__).parents[2] / "runtime/courier_runtime"
SOURCE: Final = "\n".join(path.read_text() for path in sorted(RUNTIME.rglob("*.py")))
HOLDERS: Final = {
    "courierd": r"courierd|settings",
    "esmtpd": r"settings|decoded|said",
    "esmtpd-msa": r"settings|decoded|said",
    "esmtpd-ssl": r"settings|decoded|said",
    "control": r"control|names",
}
"""What the values of a file are called where they are read."""
OF_OTHER_PROGRAMS: Final = {row.attribute for mixin in (Filters, Web) for row in rows(mixin)}
PASSED_ON: Final = {"lang"}
"""Variables that delivery commands see, as they see all of the file courierd."""
ASKED_FOR_OTHERS: Final = {"enablefiltering"}
"""Read for whoever composes a server with filters, which `courier-run` does not."""


def is_read(row: Row, file: str) -> bool:
    """Whether the runtime asks for the setting: as an attribute of the decoded file, or by its name."""
    by_attribute = rf"\b(?:{HOLDERS[file]})\.{re.escape(row.attribute)}\b"
    return re.search(rf"{by_attribute}|[\"']{re.escape(row.name)}[\"']", SOURCE) is not None


def concerned(file: str) -> list[Row]:
    """The rows that a mail server could obey."""
    return [
        row
        for row in rows(table(file))
        if not (row.internal or row.unread) and row.attribute not in OF_OTHER_PROGRAMS | PASSED_ON
    ]


@pytest.mark.parametrize("file", HOLDERS)
def test_a_setting_is_read_or_says_why_not(file: str) -> None:
    assert [row.name for row in concerned(file) if not row.unserved and not is_read(row, file)] == []


@pytest.mark.parametrize("file", HOLDERS)
def test_what_is_said_to_be_unused_is_not_used(file: str) -> None:
    used = {row.name for row in concerned(file) if row.unserved and re.search(
        rf"\b(?:{HOLDERS[file]})\.{re.escape(row.attribute)}\b", SOURCE
    )}  # fmt: skip
    assert used <= ASKED_FOR_OTHERS


def test_the_manual_tells_what_the_server_does_not_use() -> None:
    manual = "\n".join(settings_reference())
    assert "`courier-run` does not use it: it never starts afresh by itself." in manual
