"""Strangers: addresses of clients that no site names, from the networks for benchmarks, where no mail server is."""

from __future__ import annotations

from typing import Final

STRANGER: Final = "198.18.0.1"
"""RFC 2544."""
STRANGER_IPV6: Final = "2001:2::1"
"""RFC 5180."""
