"""Everything below needs root and the Debian packages of the real Courier; nothing of the machine's own is touched."""

from __future__ import annotations

import pytest

from real import namespace


@pytest.fixture(scope="session", autouse=True)
def _private_corner() -> None:
    namespace.enter()
