"""courier-compile: one verb each module; exit 0 when all is well, 1 on problems, 2 on wrong usage.

Only the module of the verb that is asked for is imported, so that a small command feels instant.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from courier_schema import __version__
from courier_schema.report import CourierSiteError


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: its line in the help, its arguments, and what it does; `run` returns the exit status."""

    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def verb_names() -> list[str]:
    """The verbs, one for each public module of this package."""
    modules = (info.name for info in pkgutil.iter_modules(__path__))
    return sorted(name.rstrip("_") for name in modules if not name.startswith("_"))


def verb(name: str) -> Verb:
    loaded = importlib.import_module(f"{__name__}.{_module(name)}").VERB
    assert isinstance(loaded, Verb)
    return loaded


def _module(name: str) -> str:
    return next(info.name for info in pkgutil.iter_modules(__path__) if info.name.rstrip("_") == name)


def parser(loaded: Mapping[str, Verb]) -> argparse.ArgumentParser:
    """The argument parser; each verb costs its imports, so only the loaded ones know their arguments."""
    top = argparse.ArgumentParser(
        "courier-compile", description="Compile a site description for the Courier mail server."
    )
    top.add_argument("--version", action="version", version=f"courier-compile {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in verb_names():
        if name in loaded:
            sub = verbs.add_parser(name, help=loaded[name].help, description=loaded[name].help)
            loaded[name].configure(sub)
        else:
            verbs.add_parser(name)
    return top


def _needed(given: Sequence[str]) -> list[str]:
    """The verbs whose arguments matter: the one that is called, all of them for the help, none for the version."""
    if given[:1] == ["--version"]:
        return []
    return [given[0]] if given and given[0] in verb_names() else verb_names()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    _keep_plugins_out()
    with _collector_paused(for_good=arguments is None):
        return _run(list(sys.argv[1:] if arguments is None else arguments))


def _run(given: list[str]) -> int:
    closed = _replace_closed_streams()
    loaded = {name: verb(name) for name in _needed(given)}
    try:
        options = parser(loaded).parse_args(given)
        status = loaded[options.verb].run(options)
        sys.stdout.flush()
    except CourierSiteError as error:
        print(f"courier-compile: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # the reader went away (`| head`): what it wanted it has; keep Python's exit from complaining again
        _discard_output()
        return 1
    except OSError as error:
        place = error.filename or "standard output"
        print(f"courier-compile: cannot use {place}: {error.strerror or error}", file=sys.stderr)
        _discard_output()
        return 1
    if closed:
        print("courier-compile: standard output is closed: nothing could be printed", file=sys.stderr)
        return 1
    return status


def _replace_closed_streams() -> bool:
    """Put the null device where the caller closed an output, which Python cannot print to; whether that is stdout."""
    closed = sys.stdout is None
    sys.stdout = sys.stdout or _null()
    sys.stderr = sys.stderr or _null()
    return closed


def _null() -> TextIO:
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _discard_output() -> None:
    """Keep Python's exit from failing once more at what standard output did not take."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _keep_plugins_out() -> None:
    """Let pydantic look for no plugins of others, unless asked to: a site is not theirs to see."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


@contextmanager
def _collector_paused(*, for_good: bool) -> Iterator[None]:
    """A command holds millions of small objects without cycles, for seconds; looking for some takes a third of them.

    A process that ends with its command need not look through all that it leaves either.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if for_good:
            gc.freeze()
        elif was_enabled:
            gc.enable()
