"""completion: what a shell needs to complete verbs, options, files, hosts and ids of problems.

The script is made from the same parsers as the help. What depends on the site at hand it asks by calling this verb
again, for words instead of a script.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from courier_compiler.cli import Verb, parser, verb, verb_names

if TYPE_CHECKING:
    from courier_compiler.resolved import ResolvedSite

SHELLS: Final = ("bash", "zsh", "fish")
WORDS: Final = ("hosts", "subjects")
_DIRECTORIES: Final = frozenset({"DIR", "DIRECTORY", "CONFDIR"})
_ASKED: Final = {"host": "hosts", "subject": "subjects"}
"""Arguments whose values depend on the site, and the words that answer."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", choices=(*SHELLS, *WORDS), help="shell to print a script for, or the words that such a script asks for"
    )
    parser.add_argument(
        "site", nargs="?", type=Path, default=Path("site.yaml"), help="site to name words of (site.yaml)"
    )


def run(options: argparse.Namespace) -> int:
    if options.what in SHELLS:
        print(script(options.what), end="")
    else:
        words = _hosts(options.site) if options.what == "hosts" else _subjects(options.site)
        print(*words, sep="\n")
    return 0


def script(shell: str) -> str:
    """The script for one of SHELLS, to be sourced, or kept where the shell looks for such scripts."""
    import shtab  # of no use to any other verb

    whole = parser({name: verb(name) for name in verb_names()})
    for action in _actions(whole):
        if action.dest in _ASKED and action.choices is None:
            completed = _asked(_ASKED[action.dest])
        elif action.type is Path:
            completed = shtab.DIRECTORY if action.metavar in _DIRECTORIES or action.dest == "root" else shtab.FILE
        else:
            continue
        setattr(action, "complete", completed)  # noqa: B010 - an attribute that shtab looks for and argparse lacks
    return f"{shtab.complete(whole, shell).rstrip()}\n"


def _asked(words: str) -> dict[str, str | dict[str, str]]:
    """How each shell asks for words, when they are needed and not before: that takes as long as reading the site."""
    command, name = f"courier-compile completion {words} 2>/dev/null", f"_courier_compile_{words}"
    functions = {
        "bash": f'{name}() {{ compgen -W "$({command})" -- "$1"; }}',
        "zsh": f'{name}() {{ local -a words; words=(${{(f)"$({command})"}}); compadd -a words; }}',
    }
    return {"bash": name, "zsh": name, "fish": f"({command})", "preamble": functions}


def _actions(of: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of a parser and of the verbs below it."""
    for action in of._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)


def _hosts(site: Path) -> list[str]:
    """The hosts of a site; none where there is no site, or it is broken."""
    from courier_schema.source.loader import load
    from courier_schema.source.overlay import host_names

    return list(host_names(load(site)))


def _subjects(site: Path) -> list[str]:
    """What can be explained: problems, files of settings, and the files that the site makes."""
    from courier_compiler import pipeline
    from courier_compiler.problem_pages import pages
    from courier_schema.legacy.tables import FILES

    resolved = [reading.resolved for reading in pipeline.read(site) if reading.resolved is not None]
    return sorted({*pages(), *FILES, *(name for one in resolved for name in _files(one))})


def _files(resolved: ResolvedSite) -> Iterator[str]:
    from courier_compiler.build import build
    from courier_schema.source.secrets import MaskedSecrets

    folder = f"{resolved.profile.layout.sysconfdir}/".lstrip("/")
    for artefact in build(resolved, MaskedSecrets(), "").artefacts:
        yield artefact.path.removeprefix(folder)


VERB = Verb("print a script that completes the command in a shell", configure, run)
