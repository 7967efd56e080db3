"""profile: the Courier installation that the files are made for."""

from typing import ClassVar, Literal

from courier_schema.site.base import Section
from courier_schema.words import Identifier, Path, Word


class Target(Section):
    """The target: a known installation, or one with a layout of its own."""

    short: ClassVar[str] = "base"

    base: Identifier = "debian-12"
    """Known installation that is adapted: debian-12 (Courier 1.0.16), upstream-2.0."""
    prefix: Path | None = None
    """Installation prefix."""
    sysconfdir: Path | None = None
    """Configuration directory."""
    authdir: Path | None = None
    """Configuration directory of the authentication library."""
    localstatedir: Path | None = None
    """Queue and runtime data."""
    piddir: Path | None = None
    """Process id files."""
    certsdir: Path | None = None
    """Certificates."""
    mail_user: Word | None = None
    """User that the mail system runs as."""
    mail_group: Word | None = None
    """Group of the mail system."""
    database: Literal["gdbm", "berkeley"] | None = None
    """Format of compiled databases; must be the one Courier was built with."""
    version: Word | None = None
    """Courier version, where it differs from the base."""
