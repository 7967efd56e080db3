"""filters: programs that see every message before it is accepted."""

from typing import Literal

from pydantic import Field

from courier_schema.site.base import Section
from courier_schema.words import Count, Identifier, Line, Path, Positive

Mode = Literal["all", "selective"]


class PerlFilter(Section):
    """The Perl filter and the rate limiting script that comes with it."""

    script: Path
    """The Perl script."""
    processes: Positive | None = None
    """Perl processes."""
    mode: Mode = "selective"
    """all: every message; selective: only recipients that have a filter of their own."""
    rate_limit: dict[Literal["WINDOW", "MESSAGES", "LIMIT", "COUNT", "EXCLUDE", "EXTERNAL"], Line | int] = Field(
        default={}
    )
    """Settings of the rate limiting script, under its own names."""


class DupFilter(Section):
    """Refuses messages that arrive again and again."""

    mode: Mode = "selective"
    """all: every message; selective: only recipients that have a filter of their own."""
    remembered: Positive | None = None
    """Messages remembered."""
    tolerated: Positive | None = None
    """Identical messages tolerated."""
    threads: Positive | None = None
    """Threads."""


class RateFilter(Section):
    """Limits how many recipients a sender reaches in a time."""

    mode: Mode = "all"
    """all: every message; selective: only recipients that have a filter of their own."""
    interval: Positive | None = None
    """Length of the period in seconds, at least 60."""
    max_recipients: Positive | None = None
    """Recipients per period and sender."""
    min_uid: Count | None = None
    """Lowest user number of local senders it applies to."""


class VerifyFilter(Section):
    """Asks the sender's server whether the return address exists."""

    mode: Mode = "selective"
    """all: every message; selective: only recipients that have a filter of their own."""
    log: Identifier | None = None
    """How much is logged."""
    threads: Positive | None = None
    """Threads."""


class Filters(Section):
    """Global filters. All that are active must be running, or mail is refused for the time being."""

    apply_to: list[Literal["esmtp", "local", "uucp"]] | None = None
    """Mail that passes the filters, by how it arrives."""
    active: dict[Identifier, Path] = Field(default={})
    """Filter programs to start, by name."""
    perlfilter: PerlFilter | None = None
    """Settings of perlfilter."""
    dupfilter: DupFilter | None = None
    """Settings of dupfilter."""
    ratefilter: RateFilter | None = None
    """Settings of ratefilter."""
    verifyfilter: VerifyFilter | None = None
    """Settings of verifyfilter."""
