"""A build on a disk that is really full: it says so in one line, and the tree of the build before stays as it was.

The disk is a small file system in memory, mounted in a mount namespace of its own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

SITE: Final = """\
site: example.org
host: {name: mx.example.org, postmaster: anna@example.net}
aliases: {info: [anna@example.net, NAME@example.net]}
"""
SCRIPT: Final = """
place=$1 room=$2 python=$3
build() { "$python" -m courier_compiler.cli build "$1" -o "$place/disk/build"; }
state() { (cd "$place/disk/build" && find . -type f -printf '%p %m ' -exec sha256sum {} + | sort); }
mount -t tmpfs -o size=4m disk "$place/disk"
build "$place/old.yaml" > /dev/null
state > "$place/before"
dd if=/dev/zero of="$place/disk/ballast" bs=1k 2> /dev/null || :
truncate -s "-$room" "$place/disk/ballast"
status=0
build "$place/new.yaml" > "$place/out" 2> "$place/err" || status=$?
echo "$status" > "$place/status"
state > "$place/after"
ls -A "$place/disk" > "$place/listing"
"""


@pytest.mark.parametrize("room", ["0", "4K", "40K"])
def test_a_build_that_does_not_fit_changes_nothing(room: str, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    for name in ("old", "new"):
        (tmp_path / f"{name}.yaml").write_text(SITE.replace("NAME", name))
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-eu", "-c", SCRIPT, "sh"]
    subprocess.run([*command, str(tmp_path), room, sys.executable], check=True)
    told = (tmp_path / "err").read_text()
    assert (tmp_path / "status").read_text() == "1\n"
    assert told.startswith("courier-compile: cannot write ")
    assert told.endswith(": No space left on device\n")
    assert told.count("\n") == 1
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text() != ""
    assert (tmp_path / "listing").read_text().split() == ["ballast", "build"]
