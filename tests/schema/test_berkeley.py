"""Berkeley DB without its optional package; tests/real works with the package itself."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from courier_schema.legacy.formats import berkeley
from courier_schema.report import CourierSiteError


@pytest.mark.parametrize("call", [lambda: berkeley.dumps({b"a": b"1"}), lambda: berkeley.loads(b"")])
def test_without_the_package_one_line_says_what_to_install(
    call: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "berkeleydb", None)
    monkeypatch.setitem(sys.modules, "berkeleydb.db", None)
    with pytest.raises(CourierSiteError) as caught:
        call()
    message = str(caught.value)
    assert message.startswith("Berkeley DB is not available (")
    assert "libdb5.3-dev" in message
    assert message.endswith("pip install 'courier-compile[berkeley]'")
    assert "\n" not in message
