"""imapd: the IMAP listener with STARTTLS, and IMAP on every port."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, said
from courier_compiler.derive._mailbox import plain_file, sections
from courier_compiler.profile import in_force
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.imapd import Imapd

_SASL: Final = "AUTH="
_CLEAR: Final = "${IMAP_CAPABILITY}"
_RULE: Final = "among the capabilities"


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about IMAP apart from TLS."""
    yield from plain_file(Imapd, resolved, "imap", "imapdstart", "imap_proxy")
    both = sections(resolved, "imap")
    clear: set[str] = {method for _, listener in both if listener for method in listener.auth or ()}
    for path, listener in both:
        for field, methods in said(listener, ("auth",)):
            words = (*_features(resolved), *_capabilities(methods))
            yield Intent(Imapd(imap_capability=words), (*path, field), _RULE)
        for field, methods in said(listener, ("auth_tls",)):
            words = _under_tls(resolved, methods, clear)
            yield Intent(Imapd(imap_capability_tls=words), (*path, field), _RULE)


def _under_tls(resolved: ResolvedSite, methods: list[str], clear: set[str]) -> tuple[str, ...]:
    """What is announced under TLS: as in clear text and some methods more, unless some are to be missing."""
    if clear <= set(methods):
        return (_CLEAR, *_capabilities([method for method in methods if method not in clear]))
    return (*_features(resolved), *_capabilities(methods))


def _capabilities(methods: list[str]) -> tuple[str, ...]:
    return tuple(f"{_SASL}{method}" for method in methods)


def _features(resolved: ResolvedSite) -> tuple[str, ...]:
    """What the target announces besides login methods."""
    shipped = in_force("imapd", resolved.profile)
    assert isinstance(shipped, Imapd)
    return tuple(word for word in shipped.imap_capability or () if not word.startswith(_SASL))


DERIVATIONS = (Derivation("imapd", derive),)
