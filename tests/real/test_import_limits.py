"""Limits that Courier reads otherwise than they are written: the real submit under the old file and its import."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from courier_compiler.cli import main
from courier_compiler.importing.policy import header_limit
from real.courier_root import CourierRoot
from real.test_import_real import STOCK, rebuilt

STATE = "/var/lib/courier"
SIZES = (900, 1100, 1400, 1600, 200_000)
LIMITS = (
    "1500", "3", "-5", "abc", "+1500", "1500abc", "2147483647", "2147483648", "4294968796", "99999999999",
    "99999999999999999999",
)  # fmt: skip
_SUBMIT = 'mount --bind "$0" "$1" && exec sendmail -f sender@example.org somebody@elsewhere.example'


def message(size: int) -> bytes:
    """A message with so many bytes of headers, about."""
    lines, rest = ["From: sender@example.org"], size - 25
    while rest > 0:
        lines.append(f"X-Line-{len(lines)}: {'x' * min(rest, 900)}")
        rest -= len(lines[-1]) + 1
    return "\n".join((*lines, "", "Text.", "")).encode()


def accepted(directory: Path, state: Path) -> list[int]:
    """The sizes of headers that are within the limit of a configuration."""
    root = CourierRoot(directory)
    done = {size: root.run("sh", "-c", _SUBMIT, str(state), STATE, stdin=message(size)) for size in SIZES}
    assert all(one.returncode == 0 or b"534 Message header size" in one.stdout + one.stderr for one in done.values())
    return [size for size, one in done.items() if one.returncode == 0]


@pytest.mark.parametrize("text", LIMITS)
def test_submit_takes_what_it_took_before(text: str, tmp_path: Path) -> None:
    old, new, state = tmp_path / "old", tmp_path / "new", tmp_path / "state"
    shutil.copytree(STOCK, old, symlinks=True)
    (old / "bofh").write_text(f"opt BOFHHEADERLIMIT={text}\n")
    assert main(["import", str(old), "-o", str(tmp_path / "site.yaml"), "--host-name", "mailhost"]) == 0
    shutil.copytree(STOCK, new, symlinks=True)
    (new / "bofh").write_bytes(rebuilt(tmp_path / "site.yaml")["bofh"].content)
    for place in (old, new):
        shutil.chown(place, "root", "courier")
        place.chmod(0o755)
    for place in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        place.chmod(0o755)
    CourierRoot(old).run("cp", "-a", STATE, str(state))
    taken = accepted(old, state)
    assert taken == [size for size in SIZES if size < header_limit(text)]
    assert accepted(new, state) == taken
