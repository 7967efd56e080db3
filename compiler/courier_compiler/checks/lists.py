"""Mistakes in mailing lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import LOCAL, names
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity
from courier_schema.site.lists import MailingList
from courier_schema.suggest import suggest

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "POST": ("subscribers", "all", "mod"),
    "SUBSCRIBE": ("all", "mod"),
    "POSTARCHIVE": ("all", "subscribers"),
    **dict.fromkeys(("CASESENSITIVE", "SIMPLECONFIRM", "NOBOZOS", "NODSN", "UNICODE"), ("0", "1")),
}
_NUMBERS: Final = (
    "MAXBOUNCES", "STARTPROBE", "MAXMODNOTICES", "MAXFETCHSIZE", "PURGEARCHIVE", "PURGEBOUNCE", "PURGECMD",
    "REMODERATE",
)  # fmt: skip
_TEXTS: Final = ("ADDRESS", "NAME", "LISTNAME", "LISTDESCR", "URL", "KEYWORD", "DIGEST", "REPORTADDR", "LISTPW")
_KNOWN: Final = (*_CHOICES, *_NUMBERS, *_TEXTS)


def _lists(resolved: ResolvedSite) -> Mapping[str, MailingList]:
    return resolved.site.mailing_lists.lists if resolved.site.mailing_lists is not None else {}


def _unknown_option(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, listed in _lists(resolved).items():
        for option in listed.options:
            if option not in _KNOWN:
                near = suggest(option, _KNOWN)
                yield Finding(
                    ("mailing_lists", "lists", name, "options", option),
                    f"couriermlm has no option {option}",
                    f"did you mean {near}?" if near else f"write one of {', '.join(_KNOWN)}",
                )


def _wrong_value(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, listed in _lists(resolved).items():
        for option, value in listed.options.items():
            choices = _CHOICES.get(option)
            if choices is not None and str(value) not in choices:
                remedy = f"write one of {', '.join(choices)}"
            elif option in _NUMBERS and not str(value).isdecimal():
                remedy = "write a plain number; the unit belongs to the option"
            else:
                continue
            yield Finding(
                ("mailing_lists", "lists", name, "options", option),
                f"couriermlm does not understand {option}={value} of the list {name}",
                remedy,
            )


def _not_local(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved).domains
    for name, listed in _lists(resolved).items():
        user, at, domain = listed.address.rpartition("@")
        if at and known.owner(domain) != LOCAL:
            yield Finding(
                ("mailing_lists", "lists", name, "address"),
                f"{listed.address} is not in a local domain, where every {user}-NAME belongs to the list",
                f"give the list an address in a local domain, and make {listed.address} an alias of it",
            )


def _taken(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved)
    for name, listed in _lists(resolved).items():
        address = known.canonical(listed.address)
        what = "an account" if address in known.accounts else "an alias" if address in known.entries else ""
        if what:
            yield Finding(
                ("mailing_lists", "lists", name, "address"),
                f"{listed.address} is {what} as well, which would get the mail for the list {name}",
                "give the list another address, or remove the other",
            )


def _twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved)
    for field in ("address", "directory"):
        seen: dict[str, str] = {}
        for name, listed in _lists(resolved).items():
            value = known.canonical(listed.address) if field == "address" else listed.directory.rstrip("/")
            first = seen.setdefault(value, name)
            if first != name:
                yield Finding(
                    ("mailing_lists", "lists", name, field),
                    f"the lists {first} and {name} have the same {field}",
                    f"let each list have its own {field}",
                )


CHECKS: Final = (
    Check(
        "list-option-unknown",
        "An option that couriermlm does not know",
        "couriermlm accepts any name in a list's options and ignores those it does not know. A misspelt restriction "
        "leaves the list open.",
        _unknown_option,
        Severity.WARNING,
    ),
    Check(
        "list-option-value",
        "A value that couriermlm does not understand",
        "A word that is not known, or a number with a unit, counts as the default. The list is then more open, or "
        "keeps its mail longer, than its owner believes.",
        _wrong_value,
        Severity.WARNING,
    ),
    Check(
        "list-not-local",
        "A mailing list outside the local domains",
        "A list is kept by instructions for its name and for every name that begins with it and a hyphen: people "
        "subscribe and leave by such addresses. Courier looks for these instructions in local domains only.",
        _not_local,
    ),
    Check(
        "list-address-taken",
        "A mailing list with the address of something else",
        "Aliases and accounts come before the instructions that hand mail to a list. With either of the same name the "
        "list gets no mail.",
        _taken,
    ),
    Check(
        "list-twice",
        "Two mailing lists in one place",
        "A list's directory holds its subscribers and its archive, and its address leads to one directory. Two lists "
        "in one place mix their subscribers, or one of them gets no mail.",
        _twice,
    ),
)
