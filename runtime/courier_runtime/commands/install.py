"""Courier's command names in a directory: small scripts that start without looking for installed packages.

A Python that looks through its site directories needs longer for that than `sendmail` for its whole work.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import courier_runtime

NAMES: Final = ("sendmail", "mailq", "cancelmsg", "aliaslookup", "rmail")
"""Commands that need the standard library only."""

HEAVY: Final = ("testmxlookup", "courier")
"""Commands that need more."""

_SCRIPT: Final = """#!{python} -{flags}
import sys
sys.path.insert(0, {package!r})
from courier_runtime.commands.{name} import main
sys.exit(main())
"""


def install(directory: Path) -> tuple[Path, ...]:
    """Write the scripts; what was written. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    package = str(Path(courier_runtime.__file__).parents[1])
    written = []
    for name in (*NAMES, *HEAVY):
        path = directory / name
        flags = "IS" if name in NAMES else "I"
        path.write_text(_SCRIPT.format(python=sys.executable, flags=flags, package=package, name=name))
        path.chmod(0o755)
        written.append(path)
    return tuple(written)
