"""Which addresses are faxes, and to which number they go."""

from __future__ import annotations

from pathlib import Path

import pytest

from courier_runtime.routing.fax import INVALID_FAX, is_fax, route_fax
from courier_runtime.seams import Hop
from runtime.trees import snapshot_of

RULES = {"faxrc": "rw^ 1 9$9\naccept nnnnnnn local\naccept n.n local\naccept^ 8 esmtp\nreject 5559999 local\n"}


@pytest.mark.parametrize(
    ("address", "host", "number"),
    [
        ("5551234@fax", "fax", "5551234"),
        ("5551234@FAX-Lowres", "fax-lowres", "5551234"),
        ("(555) 12.34@fax-cover-ignore", "fax-cover-ignore", "5551234"),
        ("5551234@fax.", "fax", "5551234"),
        ("2-1@fax", "fax", "2,1"),
        ("2+1@fax", "fax", "2@1"),
        ("1234567@fax", "fax", "9234567"),
    ],
)
def test_a_number_that_is_accepted_is_dialled(address: str, host: str, number: str, tmp_path: Path) -> None:
    assert route_fax(address, snapshot_of(tmp_path, RULES), "local") == Hop("fax", host, number)


@pytest.mark.parametrize(
    ("address", "source"), [("5559999@fax", "local"), ("81@fax", "local"), ("5551234@fax", "esmtp"), ("@fax", "local")]
)
def test_other_numbers_are_refused(address: str, source: str, tmp_path: Path) -> None:
    assert route_fax(address, snapshot_of(tmp_path, RULES), source) == INVALID_FAX


def test_no_number_is_accepted_without_rules(tmp_path: Path) -> None:
    assert route_fax("5551234@fax", snapshot_of(tmp_path)) == INVALID_FAX


@pytest.mark.parametrize("address", ["5551234@fax-odd", "5551234@fax.example", "fax@example.com", "fax"])
def test_everything_else_is_no_fax(address: str, tmp_path: Path) -> None:
    assert not is_fax(address)
    assert route_fax(address, snapshot_of(tmp_path, RULES)) is None
