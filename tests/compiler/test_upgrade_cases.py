"""courier-compile upgrade --compatible, against the recorded upgrades of Courier's own tool."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from courier_compiler.cli import main

CASES = Path(__file__).parent.parent / "cases" / "upgrade"


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _modes(case: Path) -> dict[str, int]:
    modes = case / "modes"
    lines = modes.read_text().splitlines() if modes.exists() else []
    return {name: int(bits, 8) for name, bits in map(str.split, lines)}


def _lay_out(case: Path) -> None:
    for given, name in (("old", "settings"), ("dist", "settings.dist")):
        content = _content(case / given)
        if content is not None:
            Path(name).write_bytes(content)
            Path(name).chmod(_modes(case).get(given, 0o644))


@pytest.mark.parametrize("case", sorted(CASES.glob("*/")), ids=lambda case: case.name)
def test_a_recorded_upgrade_comes_out_byte_for_byte(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    _lay_out(case)
    arguments = (_content(case / "args") or b"").decode().split()

    status = main(["upgrade", "--compatible", *arguments, "settings.dist"])

    assert capfdbinary.readouterr().out == (case / "report").read_bytes()
    assert status == int((case / "exit").read_text())
    assert _content(Path("settings")) == _content(case / "expected")
    assert _content(Path("settings.bak")) == _content(case / "expected.bak")
    assert _content(Path("settings.dist")) == _content(case / "dist")
    assert {path.name for path in tmp_path.iterdir()} <= {"settings", "settings.bak", "settings.dist"}
    for name, path in (("expected", "settings"), ("expected.bak", "settings.bak")):
        if name in _modes(case):
            assert stat.S_IMODE(Path(path).stat().st_mode) == _modes(case)[name]
