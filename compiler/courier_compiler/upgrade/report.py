"""What a careful upgrade did, setting by setting, for people and for programs. Passwords are not shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from courier_compiler.upgrade.careful import Fate, Setting
from courier_compiler.upgrade.careful_files import Upgraded
from courier_compiler.upgrade.files import TEMPLATE_SUFFIX
from courier_compiler.upgrade.secrets import hidden

_NOTHING: Final = "nothing"


def as_text(upgraded: Upgraded) -> str:
    """One line of sums and one for each setting."""
    return "".join(f"{line}\n" for line in _lines(upgraded))


def as_record(upgraded: Upgraded) -> dict[str, object]:
    """The same, ready for JSON."""
    return {
        "file": upgraded.file,
        "changed": upgraded.is_changed,
        "settings": [_record(setting) for setting in upgraded.outcome.settings],
    }


def _lines(upgraded: Upgraded) -> Iterator[str]:
    outcome = upgraded.outcome
    if outcome.content is None and not outcome.problems:
        yield f"{upgraded.file}: is of the version of {_base(upgraded.file)}{TEMPLATE_SUFFIX} already"
    elif outcome.content is not None:
        counts = Counter(setting.fate for setting in outcome.settings)
        sums = ", ".join(f"{counts[fate]} {fate}" for fate in Fate if counts[fate]) or "no settings"
        yield f"{upgraded.file}: {sums}{'' if upgraded.is_changed else '; nothing changes'}"
    for setting in outcome.settings:
        yield f"  {setting.fate:<8} {setting.name}: {_told(setting)}"


def _told(setting: Setting) -> str:
    old, new = _short(setting.old), _short(setting.new)
    match setting.fate:
        case Fate.KEPT if old == new:
            return f"{old} ({setting.reason})"
        case Fate.KEPT:
            return f"{old} ({setting.reason}; the default is {new})"
        case Fate.RESET:
            return f"{new}, was {old} ({setting.reason})"
        case Fate.NEW:
            return f"{new} ({setting.reason})"
        case Fate.RETIRED:
            return f"{old} ({setting.reason})"


def _short(value: str) -> str:
    """The first line of a value, and how many more there are."""
    first, *more = hidden(value).splitlines() or [_NOTHING]
    return f"{first} [and {len(more)} more]" if more else first


def _record(setting: Setting) -> dict[str, str]:
    return {
        "name": setting.name,
        "fate": str(setting.fate),
        "reason": setting.reason,
        "old": hidden(setting.old),
        "new": hidden(setting.new),
    }


def _base(path: str) -> str:
    return path.rpartition("/")[2]
