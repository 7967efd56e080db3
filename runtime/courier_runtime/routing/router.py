"""The router: which module takes an address, asked in Courier's order."""

from __future__ import annotations

from typing import Final

from courier_runtime.mail.reply import Reply
from courier_runtime.routing.addresses import place, split
from courier_runtime.routing.fax import route_fax
from courier_runtime.routing.local import LocalRouter
from courier_runtime.seams import Authenticator, Hop
from courier_runtime.snapshot.model import Snapshot
from courier_schema.legacy.formats.hosted import Place
from courier_schema.legacy.formats.uucp import Rights, UucpAnswer, lookup_path, parse_value

UNKNOWN_USER: Final = Reply.of(511, "Unknown user.")
UNKNOWN_PATH: Final = Reply.of(550, "Unknown UUCP bang path.")
INVALID_PATH: Final = Reply.of(550, "Invalid UUCP bang path.")


class Router:
    """Routes recipients. What it answers may change from attempt to attempt, with the snapshot."""

    def __init__(self, authenticator: Authenticator, alias_owner: tuple[int, int]) -> None:
        self._local = LocalRouter(authenticator, alias_owner)

    async def route(self, address: str, snapshot: Snapshot) -> Hop | Reply:
        """The next hop of a canonical address, or why there is none. Raises Unavailable."""
        if "!" in address:
            found = _uucp(address, snapshot)
            if found is not None:
                return found
        fax = route_fax(address, snapshot)
        if fax is not None:
            return fax
        local = await self._local.route(address, snapshot)
        if local is not None:
            return local
        domain = split(address)[1]
        return Hop("esmtp", domain, address) if domain else UNKNOWN_USER


def _uucp(address: str, snapshot: Snapshot) -> Hop | Reply | None:
    """Where a bang path leads; None where it is an ordinary address elsewhere."""
    path, domain = split(address)
    if domain and place(domain, snapshot).place is Place.REMOTE:
        return None
    if not all(path.split("!")):
        return INVALID_PATH
    answer = lookup_path(path.encode(errors="surrogateescape"), snapshot.uucp, snapshot.uucp_name.encode())
    if not answer.is_accepted:
        return UNKNOWN_PATH
    rest = path.removeprefix(f"{snapshot.uucp_name}!")
    node = _rmail_node(rest, answer, snapshot)
    return Hop("uucp", node, rest.removeprefix(f"{node}!"))


def _rmail_node(path: str, answer: UucpAnswer, snapshot: Snapshot) -> str:
    """Where rmail runs: at the node marked for it, at a gateway, or at the last node of the path."""
    last = answer.tried[-1]
    if answer.rmail_at is not None:
        return answer.rmail_at.decode(errors="surrogateescape")
    if Rights.GATEWAY in parse_value(snapshot.uucp(last) or b""):
        return last.decode(errors="surrogateescape")
    return path.rpartition("!")[0]
