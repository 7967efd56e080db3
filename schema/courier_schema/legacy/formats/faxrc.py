"""The file faxrc: which telephone numbers are faxed to, for mail of which source, and how they are rewritten.

Pure. Lines that say nothing that Courier understands are passed over, as it does itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

Action = Literal["rw", "accept", "reject"]

_LINE: Final = re.compile(r"(rw|accept|reject)([\^*]*)")
_REFERENCE: Final = re.compile(r"\$([1-9])|~")
_SYMBOLS: Final = {"n": "[0-9]", ".": ".", "(": "(", ")": ")", "~": "#"}
_REST: Final = "9"
_PATIENCE: Final = 64
"""How often one rule may rewrite a number; one that never comes to an end would otherwise hold up all faxes."""


@dataclass(frozen=True, slots=True)
class FaxRule:
    """One line."""

    action: Action
    pattern: re.Pattern[str]
    second: str
    """The replacement, or the source that is accepted or rejected: local, esmtp, uucp or dsn."""
    is_prefix: bool = False
    repeats: bool = False

    def match(self, number: str) -> re.Match[str] | None:
        """Whether the rule speaks of a number."""
        return self.pattern.match(number) if self.is_prefix else self.pattern.fullmatch(number)

    def rewrite(self, number: str) -> str:
        """A number after the rule, as it was where the rule does not match."""
        for _ in range(_PATIENCE if self.repeats else 1):
            found = self.match(number)
            if found is None:
                break
            number = _REFERENCE.sub(partial(_meant, found), self.second)
        return number


def parse_faxrc(content: bytes) -> tuple[FaxRule, ...]:
    """The rules, in order."""
    rules: list[FaxRule] = []
    for line in content.decode(errors="surrogateescape").splitlines():
        words = line.split()
        said = _LINE.fullmatch(words[0]) if len(words) > 2 else None
        pattern = _compiled(words[1]) if said else None
        if said and pattern:
            action: Action = "rw" if said[1] == "rw" else "accept" if said[1] == "accept" else "reject"
            rules.append(FaxRule(action, pattern, words[2], "^" in said[2], "*" in said[2]))
    return tuple(rules)


def dialled(rules: Sequence[FaxRule], number: str, source: str = "") -> str | None:
    """The number that is dialled for mail of a source; None if it is not faxed to.

    Without a source it is enough that mail of some source is accepted, as for mail that was taken in already.
    """
    is_accepted = False
    for rule in rules:
        if rule.action == "rw":
            number = rule.rewrite(number)
        elif rule.match(number) is not None:
            if rule.action == "reject" and rule.second == source:
                return None
            is_accepted = is_accepted or (rule.action == "accept" and source in ("", rule.second))
    return number if is_accepted else None


def _compiled(search: str) -> re.Pattern[str] | None:
    try:
        return re.compile("".join(_SYMBOLS.get(mark) or re.escape(mark) for mark in search))
    except re.error:
        return None


def _meant(found: re.Match[str], mark: re.Match[str]) -> str:
    """What a sign in a replacement stands for."""
    if mark[0] == "~":
        return "#"
    if mark[1] == _REST:
        return found.string[found.end() :]
    group = int(mark[1])
    return found[group] if group <= found.re.groups else ""
