"""What every process of a server begins with: its event loop, its limits, its rights. The only door to uvloop."""

from __future__ import annotations

import asyncio
import os
import resource


def new_runner() -> asyncio.Runner:
    """A runner on a fresh loop: uvloop's where it is installed, asyncio's own elsewhere."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def raise_limits() -> None:
    """As many connections as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def become(owner: tuple[int, int]) -> None:
    """Give up root's rights for good."""
    uid, gid = owner
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
