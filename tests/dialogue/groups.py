"""Groups of scripts that share a site: a directory with `site.yaml`, a `dns` file, and the scripts.

`secrets/` holds what the site reads from files, `homes/` what lies in homes below /srv/mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Group:
    """One directory of scripts."""

    directory: Path

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.directory.name

    @property
    def dns(self) -> str:
        """The text of its DNS data."""
        return (self.directory / "dns").read_text()

    @property
    def scripts(self) -> tuple[str, ...]:
        """Names of its scripts, without the ending, in order."""
        return tuple(path.stem for path in sorted(self.directory.glob("*.smtp")))

    def path(self, script: str) -> Path:
        """Where a script is."""
        return self.directory / f"{script}.smtp"

    def text(self, script: str) -> str:
        """A script's text; line ends are LF, and everything else is the script's own."""
        return self.path(script).read_bytes().decode()


def all_groups() -> tuple[Group, ...]:
    """Every group, in order of name."""
    return tuple(Group(path.parent) for path in sorted(HERE.glob("*/site.yaml")))
