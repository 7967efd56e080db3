"""Options of the whole suite."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# a shell that starts this in the background has interrupts ignored, and whatever tests start would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)

# the machines of tests have more to do: how long an example takes says nothing
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden trees from what is built now")
    parser.addoption("--soak", action="store_true", help="run the tests of endurance in their long forms")


@pytest.fixture(scope="session")
def is_soak(request: pytest.FixtureRequest) -> bool:
    """Whether tests of endurance have all the time that they want."""
    return bool(request.config.getoption("--soak"))
