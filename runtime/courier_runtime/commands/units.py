"""Units for systemd, in a directory: the service, and a socket for each listener.

With the sockets enabled systemd holds the ports, so that a server that starts anew refuses no client meanwhile. The
service does without them as well.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

SERVICE: Final = "courier-run.service"
SOCKETS: Final = {"smtp": ("esmtpd", 25), "submission": ("esmtpd-msa", 587), "submissions": ("esmtpd-ssl", 465)}
"""By the name of the port: the listener that it is for, and its number."""

_TEMPLATE: Final = Path(__file__).parent.parent / "units" / SERVICE
_SOCKET: Final = """\
[Unit]
Description=Courier mail server, {port_name}
Documentation=man:courier-run(1)

[Socket]
ListenStream={port}
FileDescriptorName={listener}
Service={service}
Backlog=1024

[Install]
WantedBy=sockets.target
"""


def install(directory: Path, path: str) -> tuple[Path, ...]:
    """Write the units of a server for the tree at this path; what was written. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    command = Path(sys.executable).parent / "courier-run"
    texts = {SERVICE: _TEMPLATE.read_text().replace("@COMMAND@", str(command)).replace("@PATH@", path)}
    for port_name, (listener, port) in SOCKETS.items():
        texts[f"courier-run-{port_name}.socket"] = _SOCKET.format(
            port_name=port_name, port=port, listener=listener, service=SERVICE
        )
    for name, text in texts.items():
        (directory / name).write_text(text)
    return tuple(directory / name for name in texts)
