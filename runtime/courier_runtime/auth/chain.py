"""The chain of back-ends that authdaemonrc's `authmodulelist` names: the first that knows an account answers for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from courier_runtime.seams import Account, Authenticator, Login, Rejected
from courier_runtime.snapshot.model import Snapshot


class Chain:
    """Asks the back-ends of a snapshot in their order. A module that is not there is passed over, as by authdaemond."""

    def __init__(self, back_ends: Mapping[str, Authenticator]) -> None:
        self._back_ends = back_ends
        """By the names that `authmodulelist` uses."""

    async def find(self, name: str, service: str, snapshot: Snapshot) -> Account | None:
        """The account of this name. Raises Unavailable: what a back-end cannot say now, the next may not deny."""
        for back_end in self._of(snapshot):
            account = await back_end.find(name, service, snapshot)
            if account is not None:
                return account
        return None

    async def verify(self, login: Login, service: str, snapshot: Snapshot) -> Account:
        """The account that the login proves to one of them. Raises Rejected or Unavailable."""
        for back_end in self._of(snapshot):
            try:
                return await back_end.verify(login, service, snapshot)
            except Rejected:
                continue
        raise Rejected

    def _of(self, snapshot: Snapshot) -> Iterator[Authenticator]:
        return (self._back_ends[name] for name in snapshot.accounts.modules if name in self._back_ends)
