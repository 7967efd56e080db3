"""courier-compile upgrade --compatible against Courier's own upgrade tool: the same bytes, modes, words, statuses."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from courier_compiler.cli import main
from courier_compiler.upgrade.careful import Fate, merge
from courier_schema.legacy.formats.source import Source

TOOL: Final = "/usr/share/sysconftool/sysconftool"
NOBODY: Final = 65534

VERSION_LINES: Final = st.sampled_from(
    b"##VERSION: 1|##VERSION: 2|##VERSION: 2|##VERSION: 1 |##VERSION:| ##VERSION: 1|##version: 1".split(b"|")
)
MARKERS: Final = st.sampled_from(
    b"##NAME: A:1|##NAME: A:2|##NAME:A:1|##NAME: B:0|##NAME: B:|##NAME: C:1|##NAME: 0:1|##NAME: 00:1|##NAME: A:01"
    b"|##NAME: :|##NAME::1|##NAME: A:1:2|##NAME: A B : 1 2 |##NAME: foo|##NAMEX: A:1| ##NAME: A:1|# ##NAME: A:1"
    b"|##NAME:\tA\t:1|##NAME: A\r:1|##NAME: A:1\x0b|##NAME: A\xa0:1|##NAME: \xc3\xa9:1|##NAME: ##NAME: A:1:1"
    b"|##name: A:1".split(b"|")
)
TEXTS: Final = st.sampled_from(
    b"|#|# c|A=1|B=2|#A=2| |\t#x|A=2 # c|V='x| y'|\\|0|$x @y %s|\r|#\r|\x0b|\x0c#|\xff\xfe|a\0b|\0"
    b"|# DEFAULT SETTING from x.dist:|# Previous setting (inserted by sysconftool):|##VERSION: 9".split(b"|")
)
OLD_ENOUGH: Final = (
    "0.17",
    "0.17..",
    "00.17",
    "0.9",
    "0.16.99",
    "0.16a",
    "0.a18",
    ".18",
    "a",
    "a.17",
    "0.-18",
    "",
    " ",
)
TOO_NEW: Final = ("0.17.0", "0.18", "0.170", "0.017.1", "0.17a", "0.17 ", " 0.17", "1", "99", "a1", "a.18", "0-1")
BODIES: Final = st.lists(TEXTS | TEXTS | MARKERS, max_size=25)
ENDS: Final = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"])


@st.composite
def _texts(draw: st.DrawFn) -> bytes:
    lines = draw(BODIES)
    if draw(st.integers(0, 9)):
        place = draw(st.just(0) | st.just(0) | st.integers(0, 25))
        lines = lines[:place] + [b"#"] * (place - len(lines)) + [draw(VERSION_LINES)] + lines[place:]
    whole = b"".join(line + draw(ENDS) if draw(st.booleans()) else line + b"\n" for line in lines)
    return whole if draw(st.integers(0, 3)) else whole.removesuffix(b"\n")


@dataclass(frozen=True, slots=True)
class Run:
    """What a command said and what it left behind."""

    out: bytes
    status: int
    tree: dict[str, tuple[object, ...]]


def _state(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    if path.is_symlink():
        return ("link", str(path.readlink()))
    content = path.read_bytes() if path.is_file() else None
    return (stat.filemode(status.st_mode), status.st_uid, status.st_gid, content)


def _tree() -> dict[str, tuple[object, ...]]:
    return {str(path): _state(path) for path in sorted(Path().rglob("*"))}


def _real(arguments: Sequence[str], user: int | None = None) -> Run:
    done = subprocess.run([TOOL, *arguments], capture_output=True, check=False, user=user, group=user, extra_groups=[])
    return Run(done.stdout, done.returncode, _tree())


def _ours(arguments: Sequence[str], user: int | None = None) -> Run:
    out = io.TextIOWrapper(io.BytesIO())
    with redirect_stdout(out), redirect_stderr(io.StringIO()), _acting_as(user):
        status = main(["upgrade", "--compatible", *arguments])
    out.seek(0)
    return Run(out.buffer.read(), status, _tree())


@contextmanager
def _acting_as(user: int | None) -> Iterator[None]:
    groups = os.getgroups()
    if user is not None:
        os.setgroups([])
        os.setegid(user)
        os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _both(arrange: Callable[[], None], arguments: Sequence[str], user: int | None = None) -> tuple[Run, Run]:
    """The command of both, each in a fresh directory that was arranged in the same way."""
    runs: list[Run] = []
    for command in (_real, _ours):
        with TemporaryDirectory() as place, chdir(place):
            Path(place).chmod(0o755)
            arrange()
            runs.append(command(arguments, user))
    return runs[0], runs[1]


def _write_pair(template: bytes, old: bytes | None) -> None:
    Path("settings.dist").write_bytes(template)
    if old is not None:
        Path("settings").write_bytes(old)


TEMPLATE: Final = b"##VERSION: 2\n#\n##NAME: A:1\n#\nA=1\n##NAME: B:0\n#\nB=2\n"
OLD: Final = b"##VERSION: 1\n#\n##NAME: A:1\n#\nA=old\n"


@settings(max_examples=400, deadline=None)
@given(template=_texts(), old=st.none() | _texts() | _texts() | _texts(), force=st.booleans())
@example(template=TEMPLATE, old=OLD + b"x" * 2_000_000, force=False)
@example(template=TEMPLATE, old=b"##VERSION: 1\n##NAME: A:1\n0", force=False)
@example(template=TEMPLATE.replace(b"A:1", b"A:2"), old=b"##VERSION: 1\n##NAME: A:1\n\n\n", force=False)
@example(template=b"#\n" * 19 + TEMPLATE, old=b"#\n" * 19 + OLD, force=False)
@example(template=b"#\n" * 20 + TEMPLATE, old=OLD, force=False)
@example(template=TEMPLATE, old=b"#\n" * 20 + OLD, force=False)
@example(template=b"", old=b"", force=True)
def test_any_two_texts_are_merged_into_the_same_bytes(template: bytes, old: bytes | None, force: bool) -> None:
    real, ours = _both(lambda: _write_pair(template, old), ["-f", "settings"] if force else ["settings"])

    assert ours == real


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-v",),
        ("-V", "settings"),
        ("-n", "settings"),
        ("settings", "-n"),
        ("-nf", "settings"),
        ("-n=1", "settings"),
        ("--n", "settings"),
        ("+n", "settings"),
        ("+", "settings"),
        ("-", "settings"),
        ("--", "settings", "-n"),
        ("-n", "--", "settings"),
        ("-x", "-y", "settings"),
        ("--f", "settings"),
        ("--for", "settings"),
        ("--compatible", "settings"),
        ("--format", "json", "settings"),
        ("-v", "-x"),
        ("-r",),
        ("-r=", "settings"),
        ("-r=0.17", "settings"),
        ("-r", "99", "-v", "settings"),
        ("-r", "--", "settings"),
        ("-r", "-n", "settings"),
        ("-R0.17", "settings"),
        ("", "settings"),
        ("settings.dist", "settings", "settings"),
        ("nothing", "settings", "none.dist"),
        ("settings.dist/", "settings.dist/x", "settings.DIST", "a" * 252),
        ("./settings", ".//settings.dist"),
    ],
)
def test_a_command_line_means_the_same(arguments: tuple[str, ...]) -> None:
    real, ours = _both(lambda: _write_pair(TEMPLATE, OLD), arguments)

    assert ours == real


@pytest.mark.parametrize("version", [*OLD_ENOUGH, *TOO_NEW])
def test_a_version_is_asked_for_with_the_same_answer(version: str) -> None:
    real, ours = _both(lambda: _write_pair(TEMPLATE, OLD), ["-r", version, "settings"])

    assert ours == real
    assert ours.status == (0 if version in OLD_ENOUGH else 255)


def _links() -> None:
    Path("settings").rename("elsewhere")
    Path("settings").symlink_to("elsewhere")
    Path("settings.dist").rename("template")
    Path("settings.dist").symlink_to("template")


def _dangling() -> None:
    Path("settings").unlink()
    Path("settings").symlink_to("nowhere")


def _looping() -> None:
    Path("settings.dist").unlink()
    Path("settings.dist").symlink_to("settings.dist")


def _leftovers() -> None:
    Path("settings.new").write_text("left over\n")
    os.chown("settings.new", 5, 5)
    Path("settings.bak").write_text("left over\n")


def _linked_leftovers() -> None:
    Path("target").write_text("left over\n")
    Path("settings.new").symlink_to("target")
    Path("settings.bak").symlink_to("target")


def _hard_links() -> None:
    os.link("settings", "settings.bak")


def _directory_instead(name: str, content: bool = False) -> Callable[[], None]:
    def arrange() -> None:
        Path(name).unlink(missing_ok=True)
        Path(name).mkdir()
        if content:
            Path(name, "file").touch()

    return arrange


def _owned(template: tuple[int, int, int], old: tuple[int, int, int]) -> Callable[[], None]:
    def arrange() -> None:
        for name, (owner, group, mode) in (("settings.dist", template), ("settings", old)):
            os.chown(name, owner, group)
            Path(name).chmod(mode)

    return arrange


def _named(name: str) -> Callable[[], None]:
    def arrange() -> None:
        Path(name).write_bytes(TEMPLATE)

    return arrange


ARRANGEMENTS: Final[dict[str, tuple[Callable[[], None], str]]] = {
    "both are links": (_links, "settings"),
    "the old file is a link to nothing": (_dangling, "settings"),
    "the template is a link to itself": (_looping, "settings"),
    "a new file and a backup are left over": (_leftovers, "settings"),
    "they are left over as links": (_linked_leftovers, "settings"),
    "the backup is the file": (_hard_links, "settings"),
    "the old file is a directory": (_directory_instead("settings"), "settings"),
    "the old file is a directory that is not empty": (_directory_instead("settings", True), "settings"),
    "the template is a directory": (_directory_instead("settings.dist"), "settings"),
    "the new file is a directory": (_directory_instead("settings.new"), "settings"),
    "the backup is a directory": (_directory_instead("settings.bak"), "settings"),
    "the backup is a directory that is not empty": (_directory_instead("settings.bak", True), "settings"),
    "the template is secret": (_owned((1, 2, 0o640), (3, 4, 0o644)), "settings"),
    "the old file is secret": (_owned((1, 2, 0o644), (3, 4, 0o600)), "settings"),
    "the template runs as its owner": (_owned((1, 2, 0o6755), (0, 0, 0o644)), "settings"),
    "a name has blanks and letters": (_named("a \xe9\n.dist"), "a \xe9\n"),
    "a name is not UTF-8": (_named("a\udcff.dist"), "a\udcff"),
    "a name is nothing but the suffix": (_named(".dist"), ".dist"),
    "a template is called like a file": (_named("settings.dist.dist"), "settings.dist.dist"),
}


@pytest.mark.parametrize(("arrange", "path"), ARRANGEMENTS.values(), ids=ARRANGEMENTS.keys())
@pytest.mark.parametrize("dry", [[], ["-n"]], ids=["", "dry"])
def test_strange_files_are_treated_alike(arrange: Callable[[], None], path: str, dry: list[str]) -> None:
    def arrange_all() -> None:
        _write_pair(TEMPLATE, OLD)
        arrange()

    real, ours = _both(arrange_all, [*dry, path])

    assert ours == real


@pytest.mark.parametrize("template", [(NOBODY, NOBODY, 0o640), (0, 0, 0o644), (0, 0, 0o600), (0, 0, 0o4755)], ids=str)
@pytest.mark.parametrize("old", [(NOBODY, NOBODY, 0o600), (0, 0, 0o644), (0, 0, 0o600)], ids=str)
@pytest.mark.parametrize("directory", [(NOBODY, NOBODY, 0o755), (0, 0, 0o755), (0, 0, 0o1777)], ids=str)
def test_without_the_rights_of_root_the_same_is_possible(
    template: tuple[int, int, int], old: tuple[int, int, int], directory: tuple[int, int, int]
) -> None:
    def arrange() -> None:
        _write_pair(TEMPLATE, OLD)
        _owned(template, old)()
        os.chown(".", directory[0], directory[1])
        Path().chmod(directory[2])

    real, ours = _both(arrange, ["settings"], NOBODY)

    assert ours == real


def test_a_second_run_changes_nothing_and_a_forced_one_the_same_as_courier_s() -> None:
    def upgraded_twice(command: Callable[[Sequence[str]], Run]) -> list[Run]:
        with TemporaryDirectory() as place, chdir(place):
            _write_pair(TEMPLATE, OLD)
            return [command(arguments) for arguments in (["settings"], ["settings"], ["-f", "settings"])]

    real, ours = upgraded_twice(_real), upgraded_twice(_ours)

    assert ours == real
    assert ours[1].out == b""
    assert ours[1].tree == ours[0].tree


SHIPPED: Final = sorted(
    path for path in Path("/etc/courier").iterdir() if path.is_file() and path.read_bytes().startswith(b"##VERSION:")
)


def _edited(content: bytes) -> bytes:
    """The file after some years: values changed, switched off, revisions raised, a group gone."""
    changed = re.sub(rb"(?m)^(\w+)=\d+$", rb"\1=4711", content)
    raised = re.sub(rb"(?m)^(##NAME: [A-M].*:)\d+$", rb"\1none", changed)
    return re.sub(rb"(?m)^(\w+=YES)$", rb"#\1", raised).replace(b"##VERSION:", b"##VERSION: old", 1)


def test_courier_ships_preformatted_files() -> None:
    assert {"courierd", "esmtpd", "imapd", "pop3d"} <= {path.name for path in SHIPPED}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_files_that_courier_ships_are_upgraded_alike(path: Path) -> None:
    shipped = path.read_bytes()
    real, ours = _both(lambda: _write_pair(shipped, _edited(shipped)), ["settings"])

    assert ours == real
    assert b"4711" in _edited(shipped) or b"none" in _edited(shipped)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_careful_upgrade_of_what_courier_ships_to_itself_has_nothing_to_repair(path: Path) -> None:
    shipped = path.read_bytes()
    outcome = merge(Source("new", shipped), Source("old", shipped.replace(b"##VERSION:", b"##VERSION: old", 1)))

    assert outcome.content == shipped
    assert {problem.id for problem in outcome.problems} <= {"preformatted-marker-repeated"}
    assert {setting.fate for setting in outcome.settings} == {Fate.KEPT}
