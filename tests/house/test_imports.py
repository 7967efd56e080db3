"""What starts often or in a hurry imports little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imported(statement: str, *flags: str) -> set[str]:
    """The modules that are there after a statement, in a fresh Python."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'runtime')!r}); {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_server_needs_no_library_of_the_site_language() -> None:
    found = imported("import courier_runtime.app, courier_runtime.serve, courier_runtime.welcome")
    assert "courier_runtime.queue.scheduler" in found
    assert {name.partition(".")[0] for name in found} & {"pydantic", "ruamel", "jinja2", "courier_compiler"} == set()
    assert "courier_schema.site" not in found


@pytest.mark.parametrize("name", ["sendmail", "mailq", "cancelmsg", "aliaslookup", "rmail"])
def test_small_commands_need_little_of_the_standard_library_and_nothing_else(name: str) -> None:
    found = imported(f"import courier_runtime.commands.{name}", "-I", "-S")
    assert (
        found & {"typing", "dataclasses", "inspect", "argparse", "pathlib", "subprocess", "asyncio", "email"} == set()
    )


def test_the_command_line_is_read_before_anything_heavy_is_imported() -> None:
    found = imported("import courier_runtime.cli")
    assert found & {"asyncio", "ssl", "courier_runtime.app", "courier_runtime.seams"} == set()


def test_the_process_that_stays_root_imports_the_standard_library_and_its_own_acts_only() -> None:
    found = imported("import courier_runtime.steward.helper", "-I", "-S")
    own = {name for name in found if name.startswith("courier_")}
    assert own == {
        "courier_runtime", "courier_runtime.mail", "courier_runtime.mail.orders", "courier_runtime.steward",
        "courier_runtime.steward.acts", "courier_runtime.steward.helper", "courier_runtime.steward.order",
        "courier_runtime.steward.ports", "courier_runtime.steward.quota", "courier_runtime.wire",
        "courier_runtime.wire.frames",
    }  # fmt: skip
