"""Descriptors: whether hardly one is left to this process, at this moment and without counting them."""

from __future__ import annotations

import errno
import os
import resource
from typing import Final

LOW_SHARE: Final = 0.1
"""Share of the descriptors that should be free."""
SPENT: Final = (errno.EMFILE, errno.ENFILE)
"""What the system says when none is left, to the process or to anybody."""


def are_scarce() -> bool:
    """Whether less than that share is free.

    The system gives the lowest number that is free, so that of a new descriptor tells how many are open at least.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        number = os.open("/", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in SPENT:
            raise
        return True
    os.close(number)
    return most - number < most * LOW_SHARE
