"""A server that compiles its site leaves no compiler behind, whatever ends it."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from courier_runtime.compiled_site import not_roots
from runtime.running import Running, eventually


def watchers(site: Path) -> list[int]:
    """The processes that watch this site."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if b"watch" in words and os.fsencode(site) in words:
                    found.append(int(process.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_compiler_ends_with_the_server(tmp_path: Path, number: signal.Signals) -> None:
    server = Running(tmp_path)
    server.start()
    eventually(lambda: "up to date after" in server.log())  # from now on it says nothing, so no pipe breaks
    assert len(watchers(Path(server.served))) == 1
    server.stop(number)
    eventually(lambda: not watchers(Path(server.served)), within=10.0)
    assert "Fatal Python error" not in server.log()


def test_a_site_is_roots_if_nobody_else_can_write_it_or_put_another_in_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    site, link = folder / "site.yaml", tmp_path / "link.yaml"
    site.touch(mode=0o644)
    link.symlink_to(site)

    def found(path: Path) -> Path | None:
        """The first fault, of those that have to do with these files; what lies above may be anybody's."""
        fault = not_roots(path)
        return fault if fault is not None and fault.is_relative_to(tmp_path) else None

    is_root = os.geteuid() == 0
    assert found(site) == (None if is_root else site)
    site.chmod(0o664)
    assert found(site) == site
    assert found(link) == (site if is_root else link)
    site.chmod(0o644)
    folder.chmod(0o777)
    assert found(site) == (folder if is_root else site)
    folder.chmod(0o1777)
    assert found(site) == (None if is_root else site)
