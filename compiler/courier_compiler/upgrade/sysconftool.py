"""Courier's own upgrade tool as a command: its options, its words on standard output, its exit statuses.

Measured on sysconftool 0.17. What that tool passes over in silence is a complaint here, on standard error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from courier_compiler.upgrade import compatible, files
from courier_schema.legacy.formats.preformatted import Preformatted, parse
from courier_schema.legacy.formats.source import Source

VERSION: Final = "0.17"
WRONG_USAGE: Final = 1
FAILED: Final = 9
NOT_SUPPORTED: Final = 255


@dataclass(frozen=True, slots=True)
class Options:
    """A command line, read as the tool reads it: options anywhere before `--`, case ignored, never bundled."""

    files: tuple[str, ...] = ()
    shows_version: bool = False
    is_dry: bool = False
    is_forced: bool = False
    required: str = "0"
    """Version of the tool that the caller asks for."""
    complaints: tuple[str, ...] = ()

    @property
    def is_supported(self) -> bool:
        """True when the tool is not older than the caller asks for."""
        return _components(self.required) <= _components(VERSION)


@dataclass(frozen=True, slots=True)
class Result:
    """What one file came to."""

    report: bytes = field(default=b"", repr=False)
    """For standard output."""
    failed: bool = False
    complaint: str = ""
    """For standard error: what the tool would have kept to itself."""


def options(arguments: Sequence[str]) -> Options:
    """The meaning of a command line; with complaints, nothing may be done."""
    read = Options()
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            return replace(read, files=(*read.files, *left))
        read = _with_option(read, argument, left) if _is_option(argument) else _with_file(read, argument)
    return read


def upgrade(path: str, asked: Options) -> Result:
    """Upgrade one settings file from the template beside it."""
    name = f"{path}{files.TEMPLATE_SUFFIX}"
    try:
        file = files.read(name)
    except IsADirectoryError:
        file = None
    except OSError as error:
        return _failure(name, error)
    template = parse(Source(name, file.content)) if file else None
    if file is None or template is None:
        return _failure(name, "configuration header not found.")
    old = _old(path)
    if old and old.version == template.version and not asked.is_forced:
        return Result()
    outcome = compatible.merge(template, old, os.fsencode(name))
    report = _report(path, outcome)
    return Result(report) if asked.is_dry else _write(path, outcome.content, file.access, report)


def _old(path: str) -> Preformatted | None:
    """The old file; None where the tool sees nothing in it: missing, unreadable, or not preformatted."""
    try:
        return parse(Source(path, files.read(path).content))
    except OSError:
        return None


def _write(path: str, content: bytes, access: files.Access, report: bytes) -> Result:
    new = f"{path}.new"
    try:
        files.write(new, content, access, through_link=True)
    except OSError as error:
        return _failure(new, error)
    back_up = _complaint(path, files.back_up, path, f"{path}.bak")
    put = _complaint(path, files.put, new, path)
    return Result(report, complaint="\n".join(filter(None, [back_up, put])))


def _complaint(path: str, act: Callable[[str, str], None], source: str, target: str) -> str:
    """Do one of the renamings whose failure the tool does not notice; what it should have said."""
    try:
        act(source, target)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return ""


def _report(path: str, outcome: compatible.Outcome) -> bytes:
    base = os.fsencode(path.rpartition("/")[2])
    return b"%b:\n" % base + b"".join(b"  %b: %b\n" % (name, fate.encode()) for name, fate in outcome.fates)


def _failure(name: str, reason: OSError | str) -> Result:
    says = reason if isinstance(reason, str) else reason.strerror
    return Result(os.fsencode(f"{name}: {says}\n"), failed=True)


def _is_option(argument: str) -> bool:
    return argument.startswith(("-", "+")) and argument != "-"


def _with_file(read: Options, argument: str) -> Options:
    return replace(read, files=(*read.files, argument))


def _with_option(read: Options, argument: str, left: Iterator[str]) -> Options:
    start = re.match(r"--|-|\+", argument)
    assert start is not None
    name, equals, value = argument[start.end() :].partition("=")
    if not argument[start.end() :]:
        return _complaining(read, f"Missing option after {start[0]}")
    match name.lower():
        case "v" | "n" | "f" if equals:
            return _complaining(read, f"Option {name.lower()} does not take an argument")
        case "v":
            return replace(read, shows_version=True)
        case "n":
            return replace(read, is_dry=True)
        case "f":
            return replace(read, is_forced=True)
        case "r":
            given = (value or None) if equals else next(left, None)
            if given is None:
                return _complaining(read, "Option r requires an argument")
            return replace(read, required=given)
        case unknown:
            return _complaining(read, f"Unknown option: {unknown or '='}")


def _complaining(read: Options, complaint: str) -> Options:
    return replace(read, complaints=(*read.complaints, complaint))


def _components(version: str) -> list[list[int]]:
    """The parts between full stops, each as its runs of digits by their value and of anything else, which is 0."""
    parts = version.rstrip(".").split(".")
    return [[int(digits or 0) for digits, _ in re.findall(r"([0-9]+)|([^0-9]+)", part)] for part in parts]
