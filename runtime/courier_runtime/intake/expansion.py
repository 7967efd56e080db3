"""What a recipient stands for: aliases, their receipts, and duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from courier_runtime.mail.envelope import Notify, Recipient


@dataclass(slots=True)
class RecipientList:
    """The recipients of one message as they come in, each address under each of its names once."""

    recipients: list[Recipient] = field(default_factory=list)
    lists: list[Recipient] = field(default_factory=list)
    """Aliases of several targets: they count as delivered."""
    origins: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    """What each accepted RCPT named, and the numbers of the recipients it brought."""
    _named: dict[tuple[str, str], int] = field(default_factory=dict)
    _members: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, spelt: str, recipient: Recipient, targets: Sequence[str] | None) -> None:
        """Take a recipient; `targets` are what it stands for, None if it is no alias, `spelt` is what it was called.

        An alias of one target is a change of address: receipts go on under the alias's name. One of several is a list:
        it gets the receipt, and its members are nobody's business.
        """
        if targets is None:
            members = [recipient]
        elif len(targets) == 1:
            members = [Recipient(targets[0], spelt, recipient.notify)]
        else:
            members = [Recipient(target, "", Notify.NEVER) for target in targets]
            self.lists.append(recipient)
        is_list = len(members) > 1
        self.origins.append((spelt, tuple(self._number(one, is_list) for one in members)))

    def _number(self, recipient: Recipient, is_member: bool) -> int:
        """The recipient's number, a new one if need be.

        Who was named already gets nothing more through a list. But a list does not take the place of who is named
        later: its members are nobody's business, and the sender may want to hear of that one.
        """
        key = (recipient.address, recipient.original)
        known = self._named.get(key)
        if known is None and is_member:
            known = self._members.get(key)
        if known is None:
            known = len(self.recipients)
            self.recipients.append(recipient)
            (self._members if is_member else self._named)[key] = known
        return known
