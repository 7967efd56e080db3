"""The servers that must hold the same conversations, and what the player needs of any server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from dialogue.steps import Listener
from dialogue.zone import Zone

SERVERS: Final = ("courier", "ours")
"""Every server that the scripts are played against: "courier" is the real one, "ours" the runtime."""


class Server(Protocol):
    """A mail server that serves one compiled tree, alone in its corner of the machine."""

    def start(self, tree: Path, zone: Zone) -> Mapping[Listener, int]:
        """Serve, with these names in the DNS; the ports of its listeners, once they answer."""

    def mailbox(self, account: str) -> Mapping[str, bytes]:
        """The messages in an account's inbox, oldest first, under names that never change."""

    def log(self) -> Sequence[str]:
        """The lines logged so far, `IDENT: MESSAGE`."""

    def stop(self) -> None:
        """End all that was started."""


class Remote(Protocol):
    """The mail server at the other end of outgoing mail."""

    def transactions(self) -> Mapping[str, Sequence[str]]:
        """Commands and text of each message handed to it, oldest first, under names that never change."""
