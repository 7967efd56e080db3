"""How mailq writes sizes: what is left over is dropped, not rounded."""

from __future__ import annotations

import pytest

from courier_runtime.commands.mailq import size


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"), (1023, "1023"), (1024, "1.0K"), (1126, "1.0K"), (1127, "1.1K"), (2352, "2.2K"), (2357, "2.3K"),
        (1048573, "1023.9K"), (1048576, "1.00M"), (1059352, "1.01M"), (1100352, "1.04M"), (5000352, "4.76M"),
    ],
)  # fmt: skip
def test_sizes_are_cut_to_tenths_and_hundredths(count: int, shown: str) -> None:
    assert size(count) == shown
