"""TLS: what protects connections, weakened or strengthened."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.effects._services import Service, changed_services, is_set
from courier_compiler.planning.sides import Sides
from courier_schema.report import Severity

_VERSION: Final = re.compile(r"TLSv?1(?:\.(\d))?")
_LIBRARY_VERSIONS: Final = re.compile(r"\+VERS-TLS1\.(\d)")
_VERIFY: Final = ("NONE", "PEER", "REQUIREPEER")
_CLIENT: Final = "courierd"


def find(sides: Sides) -> Iterator[Finding]:
    for service in changed_services(sides):
        if service.is_open(sides.before) and service.is_open(sides.after):
            yield from _required(sides, service)
            yield from _offered(sides, service)
            yield from _measured(sides, service.name, service.settings, service.file)
    if _CLIENT in sides.changed:
        yield from _client(sides)


def _required(sides: Sides, service: Service) -> Iterator[Finding]:
    setting = service.tls_required
    if setting and dropped(sides, service) is not None:
        if dropped(sides, service):
            yield _finding(f"{service.name} no longer requires TLS", service.file(sides, setting), setting, True)
        else:
            yield _finding(f"{service.name} requires TLS", service.file(sides, setting), setting, False)


def dropped(sides: Sides, service: Service) -> bool | None:
    """Whether a service requires TLS no longer, or as the first time; None where nothing of that kind changes."""
    was, is_now = (is_set(service.settings(side), service.tls_required) for side in (sides.before, sides.after))
    return None if was == is_now else was


def _offered(sides: Sides, service: Service) -> Iterator[Finding]:
    was, is_now = (_offers(service, service.settings(side)) for side in (sides.before, sides.after))
    if was != is_now:
        says = f"{service.name} offers TLS" if is_now else f"{service.name} no longer offers TLS"
        setting = service.starttls or "TLS_CERTFILE"
        yield _finding(says, service.file(sides, setting), setting, was)


def _offers(service: Service, settings: Mapping[str, str]) -> bool:
    starts = not service.starttls or is_set(settings, service.starttls)
    return starts and bool(settings.get("COURIERTLS")) and bool(settings.get("TLS_CERTFILE"))


def _measured(
    sides: Sides,
    name: str,
    settings: Callable[..., Mapping[str, str]],
    file: Callable[[Sides, str], str],
) -> Iterator[Finding]:
    """Settings that have a weaker and a stronger end, and the certificate."""
    before, after = settings(sides.before), settings(sides.after)
    for setting, words, measure in _MEASURES:
        old, new = before.get(setting, ""), after.get(setting, "")
        if old == new:
            continue
        how, is_weaker = _weighed(measure(old), measure(new), bool(old))
        says = f"{name} has {how} {words}: {new or 'the usual'}"
        yield _finding(says, file(sides, setting), setting, is_weaker)
    if before.get("TLS_CERTFILE") != after.get("TLS_CERTFILE") and before.get("TLS_CERTFILE"):
        says = f"{name} shows the certificate {after.get('TLS_CERTFILE') or 'of nobody'}"
        yield _finding(says, file(sides, "TLS_CERTFILE"), "TLS_CERTFILE", False)


def _weighed(old: int | None, new: int | None, was_said: bool) -> tuple[str, bool]:
    """How a measure changes, in a word, and whether that may be for the worse: what cannot be measured may."""
    if old is None or new is None:
        return "other", was_said
    return ("weaker", True) if new < old else ("stronger", False) if new > old else ("other", False)


def _oldest_version(protocol: str) -> int | None:
    found = _VERSION.match(protocol)
    return int(found[1] or 0) if found else 0 if not protocol else None


def _oldest_of_priority(priority: str) -> int | None:
    found = [int(version) for version in _LIBRARY_VERSIONS.findall(priority)]
    return min(found) if found else None


def _verification(value: str) -> int | None:
    return _VERIFY.index(value) if value in _VERIFY else None


_MEASURES: Final[tuple[tuple[str, str, Callable[[str], int | None]], ...]] = (
    ("TLS_PROTOCOL", "lowest TLS versions", _oldest_version),
    ("TLS_PRIORITY", "TLS versions and ciphers", _oldest_of_priority),
    ("TLS_CIPHER_LIST", "ciphers", lambda ciphers: None),
    ("TLS_VERIFYPEER", "checks of certificates", _verification),
)


def _client(sides: Sides) -> Iterator[Finding]:
    before, after = sides.before.settings(_CLIENT), sides.after.settings(_CLIENT)
    for setting, on, off in (
        ("ESMTP_USE_STARTTLS", "mail leaves under TLS where the other server offers it", "mail leaves in clear text"),
        (
            "ESMTP_TLS_VERIFY_DOMAIN",
            "mail leaves under TLS only to servers whose certificate bears their name",
            "certificates of other servers need no longer bear their name",
        ),
    ):
        was, is_now = is_set(before, setting), is_set(after, setting)
        if was != is_now and sides.before.has(_CLIENT):
            yield _finding(on if is_now else off, _CLIENT, setting, was)
    if sides.before.has(_CLIENT) and sides.after.has(_CLIENT):
        yield from _measured(sides, "sending", lambda side: side.settings(_CLIENT), lambda found, setting: _CLIENT)


def _finding(says: str, file: str, setting: str, is_weaker: bool) -> Finding:
    return Finding(says, file, setting, Severity.WARNING if is_weaker else Severity.NOTE)


SUBJECT = Subject(6, "tls", find)
