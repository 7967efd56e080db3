"""Where a server keeps its sockets, so that commands find it without being told."""

from __future__ import annotations

import os

VARIABLE = "COURIER_RUN_STATE"
"""Environment variable that names a server's state directory."""

SYSTEM = "/var/lib/courier-run"
"""State directory of a server that was started as root."""


def own_state() -> str:
    """State directory of a server that somebody started without root."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111 - see the package
    return f"{base}/courier-run"


def default_state() -> str:
    """The directory that a new server uses."""
    return os.environ.get(VARIABLE) or (SYSTEM if os.geteuid() == 0 else own_state())


def socket_path(name: str, state: str = "") -> str:
    """The socket of a running server: of this directory, or of the first that has one."""
    if state:
        return f"{state}/run/{name}"
    places = [place for place in (os.environ.get(VARIABLE), own_state(), SYSTEM) if place]
    paths = [f"{place}/run/{name}" for place in places]
    return next((path for path in paths if os.path.exists(path)), paths[0])  # noqa: PTH110 - see the package
