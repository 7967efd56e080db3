"""systemd reads the units that courier-run writes without a word of complaint."""

from __future__ import annotations

import subprocess
from pathlib import Path

from courier_runtime.commands.units import SERVICE, SOCKETS, install
from courier_runtime.supervise.service_manager import LISTENERS


def test_systemd_has_nothing_to_say_against_them(tmp_path: Path) -> None:
    units = install(tmp_path, "/etc/courier")
    assert len(units) == 4
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrong_word_in_a_unit_would_be_noticed(tmp_path: Path) -> None:
    units = install(tmp_path, "/etc/courier")
    service = tmp_path / SERVICE
    service.write_text(service.read_text().replace("Type=notify", "Type=notification"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units)], capture_output=True, text=True, check=False
    )
    assert "notification" in done.stderr


def test_every_listener_has_a_socket_of_its_name(tmp_path: Path) -> None:
    texts = [path.read_text() for path in install(tmp_path, "/etc/courier") if path.suffix == ".socket"]
    assert {listener for listener, _ in SOCKETS.values()} == set(LISTENERS)
    for listener in LISTENERS:
        assert sum(f"FileDescriptorName={listener}\n" in text for text in texts) == 1


def test_the_tree_to_serve_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    install(tmp_path, "/srv/mail/tree")
    assert "/srv/mail/tree\n" in (tmp_path / SERVICE).read_text()
