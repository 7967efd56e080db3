"""backscatter: what happens to bounces, said once instead of in three places that contradict each other."""

from typing import Literal

from courier_schema.site.base import Section

Source = Literal["smtp", "authsmtp"]


class Backscatter(Section):
    """Bounces to forged senders, prevented at each of the three places where they arise.

    smtp means mail from clients that are neither logged in nor trusted by address; authsmtp mail from those that
    are.
    """

    discard_bounces: list[Source] | None = None
    """Do not send bounces of mail from these sources to other servers (ESMTP_BLOCKBACKSCATTER). An empty list
    sends all."""
    refuse_failing: list[Source] | None = None
    """Refuse recipients whose deliveries have just failed, instead of accepting and bouncing (the bofh option
    BOFHSUPPRESSBACKSCATTER). An empty list switches it off."""
    bounce_to_login: bool | None = None
    """Send bounces of logged-in senders to their login address instead of the claimed one (DSNTOAUTHADDR)."""
