"""Mistakes in the tests of a site: entries that name nothing that could be tried, and entries that expect nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.expectations.networks import networks
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite

_ADDRESS: Final = re.compile(r"[^\s<>,]+|<>")
_DOMAIN: Final = re.compile(r"[^\s@/:,]+")


def _is_network(text: str) -> bool:
    try:
        return bool(networks(text))
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None


def _is_domain(text: str) -> bool:
    return _DOMAIN.fullmatch(text) is not None


_SUBJECTS: Final[Mapping[str, tuple[str, str, Callable[[str], bool]]]] = {
    "mail": ("to", "an address", _is_address),
    "clients": ("network", "an address or a network", _is_network),
    "logins": ("login", "a login", _is_address),
    "routes": ("domain", "a domain", _is_domain),
    "notices": ("sender", "an address", _is_address),
    "mailboxes": ("account", "an account", _is_address),
}
"""Part of the section to the key that names the subject, the kind of that, and whether a text is one."""
_NAMING: Final[Mapping[str, set[str]]] = {
    "clients": {"network", "listener"},
    "listeners": set(),
    "logins": {"login", "listener"},
    "routes": {"domain"},
    "mailboxes": {"account"},
}
"""Part of the section to the keys that say what is tried, not what is expected of it."""


def _without_subject(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for group, (field, noun, is_subject) in _SUBJECTS.items():
        for name, test in getattr(resolved.site.tests, group).items():
            said = getattr(test, field)
            if said is None and not is_subject(name):
                remedy = f"name what is tried with the key {field}"
                yield Finding(("tests", group, name), f"{name!r} is not {noun}", remedy)
            elif said and not is_subject(said):
                yield Finding(("tests", group, name, field), f"{said!r} is not {noun}", f"write {noun}")


def _expecting_nothing(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for group, naming in _NAMING.items():
        for name, test in getattr(resolved.site.tests, group).items():
            if not test.model_fields_set - naming:
                yield Finding(("tests", group, name), f"the test {name} expects nothing", "say what is expected")


CHECKS = (
    Check(
        "test-without-subject",
        "A test of nothing that could be tried",
        "A test is named by what it is about: an address, a network, a domain. It may have a sentence for a name "
        "instead, and then a key of its own says what is tried. This one has neither, so it could never pass.",
        _without_subject,
    ),
    Check(
        "test-expects-nothing",
        "A test that always passes",
        "The entry names something, and says nothing of what is expected of it. Such a test passes whatever the site "
        "does, which looks like safety and is none.",
        _expecting_nothing,
    ),
)
