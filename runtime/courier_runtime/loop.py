"""The event loop: uvloop where it is installed, asyncio's own elsewhere. The only door to uvloop."""

from __future__ import annotations

import asyncio


def new_runner() -> asyncio.Runner:
    """A runner on a fresh loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)
