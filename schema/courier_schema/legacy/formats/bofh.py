"""The file bofh: a directive and its words a line; directives of one kind accumulate, unknown ones do nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem, Severity

DEFAULT_MAXRCPTS: Final = 100
"""Recipients of one message while the file does not say a number."""

_WORD: Final = re.compile(r"[^\s#]+")
_OPTION: Final = re.compile(r"([A-Za-z_]\w*)=(\S*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bofh:
    """Everything that the file says, in the order in which it says it."""

    badfrom: tuple[str, ...] = ()
    """Senders that are refused: user@domain, @domain, @.domain for its sub-domains, user@.domain."""
    badmx: tuple[str, ...] = ()
    """Addresses of mail servers whose domains are refused."""
    freemail: tuple[tuple[str, ...], ...] = ()
    """Domains whose mail has to come from a host in them, or in one of the further domains that follow."""
    spamtrap: tuple[str, ...] = ()
    """Recipients that get a whole message refused."""
    maxrcpts: int | None = None
    """Recipients of one message; None while the file says none."""
    is_hard: bool = False
    """Whether further recipients are refused for good."""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Variables of the submission that were not set before."""


def dump(bofh: Bofh) -> bytes:
    """The whole file. Raises ValueError for a word that holds a blank or a number sign."""
    return "".join(f"{' '.join(map(_word, line))}\n" for line in _lines(bofh)).encode()


def _lines(bofh: Bofh) -> Iterator[tuple[str, ...]]:
    yield from (("badfrom", pattern) for pattern in bofh.badfrom)
    yield from (("badmx", address) for address in bofh.badmx)
    yield from (("freemail", *domains) for domains in bofh.freemail)
    yield from (("spamtrap", address) for address in bofh.spamtrap)
    if bofh.maxrcpts is not None:
        yield ("maxrcpts", str(bofh.maxrcpts), *(["hard"] if bofh.is_hard else []))
    yield from (("opt", f"{name}={value}") for name, value in bofh.options.items())


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise ValueError(f"{text!r} cannot stand in the file bofh: it takes words without blanks and number signs")
    return text


def parse(source: Source) -> tuple[Bofh, tuple[Problem, ...]]:
    """What submit makes of the file, and a Problem for each line that does nothing."""
    bofh = Bofh()
    problems: list[Problem] = []
    for number, line in enumerate(source.content.decode("utf-8", "surrogateescape").split("\n"), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        read = _DIRECTIVES.get(words[0].lower())
        try:
            if read is None:
                raise ValueError(f"write one of {', '.join(_DIRECTIVES)}")
            bofh = read(bofh, words[1:])
        except ValueError as error:
            says = f"submit makes nothing of {line.strip()!r}"
            mark = Mark(source.name, number)
            problems.append(Problem("bofh-line", says, str(error), mark, severity=Severity.WARNING))
    return bofh, tuple(problems)


def _badfrom(bofh: Bofh, words: list[str]) -> Bofh:
    return replace(bofh, badfrom=(*bofh.badfrom, _one(words, "badfrom user@domain")))


def _badmx(bofh: Bofh, words: list[str]) -> Bofh:
    return replace(bofh, badmx=(*bofh.badmx, _one(words, "badmx 192.0.2.1")))


def _spamtrap(bofh: Bofh, words: list[str]) -> Bofh:
    return replace(bofh, spamtrap=(*bofh.spamtrap, _one(words, "spamtrap user@domain")))


def _freemail(bofh: Bofh, words: list[str]) -> Bofh:
    _one(words, "freemail domain")
    return replace(bofh, freemail=(*bofh.freemail, tuple(words)))


def _maxrcpts(bofh: Bofh, words: list[str]) -> Bofh:
    number = _one(words, "maxrcpts 100")
    if not (number.isascii() and number.isdecimal()):
        raise ValueError("write maxrcpts 100")
    kept = int(number) or bofh.maxrcpts
    return replace(bofh, maxrcpts=kept, is_hard=words[1:2] == ["hard"])


def _opt(bofh: Bofh, words: list[str]) -> Bofh:
    found = _OPTION.fullmatch(_one(words, "opt NAME=value"))
    if not found:
        raise ValueError("write opt NAME=value")
    return replace(bofh, options=MappingProxyType({found[1]: found[2], **bofh.options}))


def _one(words: list[str], example: str) -> str:
    if not words:
        raise ValueError(f"write {example}")
    return words[0]


_DIRECTIVES: Final[Mapping[str, Callable[[Bofh, list[str]], Bofh]]] = MappingProxyType(
    {
        "badfrom": _badfrom,
        "badmx": _badmx,
        "freemail": _freemail,
        "spamtrap": _spamtrap,
        "maxrcpts": _maxrcpts,
        "opt": _opt,
    }
)
