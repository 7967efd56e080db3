"""bofh: the options of the file that refuses mail; its directives are lines, not settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy, translate
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.bofh import Bofh

_SPF: Final = {
    "helo": "bofhspfhelo",
    "mail_from": "bofhspfmailfrom",
    "header_from": "bofhspffrom",
    "hard_errors": "bofhspfharderror",
    "trust_relay_clients": "bofhspftrustme",
    "quiet": "bofhspfnoverbose",
}
_HELO: Final = {"off": "0", "strict": "1", "soft": "2"}


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the policy says by way of options."""
    policy = resolved.site.policy
    yield from copy(Bofh, policy, ("policy",), {"max_header_size": "bofhheaderlimit"})
    yield from translate(Bofh, policy, ("policy",), {"check_helo": "bofhcheckhelo"}, _HELO.__getitem__)
    yield from copy(Bofh, policy.spf, ("policy", "spf"), _SPF)
    yield from translate(
        Bofh,
        resolved.site.backscatter,
        ("backscatter",),
        {"refuse_failing": "bofhsuppressbackscatter"},
        lambda sources: tuple(sources) or ("none",),
    )


DERIVATIONS = (Derivation("bofh", derive),)
