"""Mistakes in webmail and web administration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import decided
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity
from courier_schema.words import octets

_WILDCARD_MODIFIERS: Final = ("@", "-")


def _plain(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    allowed, path = decided(resolved, "control", "webadmin_unsecureok")
    if allowed == ():
        yield Finding(
            path,
            "everybody may open the administration pages without encryption",
            f"list the addresses that may, such as {path[-1]}: [127.0.0.1], or remove it",
        )


def _no_password(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if resolved.site.webadmin is not None and not decided(resolved, "control", "webadmin_password")[0]:
        yield Finding(
            ("webadmin",),
            "nobody can open the administration pages, because they have no password",
            "add password: {from_file: secrets/webadmin}",
        )


def _wildcards(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    webmail = resolved.site.webmail
    for position, entry in enumerate(webmail.login_domains if webmail is not None else ()):
        if "*" in (entry.domain, entry.access) and entry.modifier not in _WILDCARD_MODIFIERS:
            yield Finding(
                ("webmail", "login_domains", position),
                "'*' stands for every domain only in entries with modifier '@' or '-'",
                "add modifier: '@' for a fixed domain, or '-' for an editable field",
            )


def _timeouts(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    webmail = resolved.site.webmail
    if webmail is None or webmail.idle_timeout is None or webmail.session_timeout is None:
        return
    if webmail.session_timeout < webmail.idle_timeout:
        yield Finding(
            ("webmail", "session_timeout"),
            f"sessions end after {webmail.session_timeout} seconds, before they could be idle for "
            f"{webmail.idle_timeout}",
            "make session_timeout longer than idle_timeout",
        )


def _sizes(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    webmail, (own, path) = resolved.site.webmail, decided(resolved, "control", "sizelimit")
    if webmail is None:
        return
    whole = resolved.site.host.max_message_size if path[:1] == ("host",) else own
    pairs = (
        ("max_attachment_size", webmail.max_attachment_size, webmail.max_message_size, "a message in webmail"),
        ("max_message_size", webmail.max_message_size, whole, "a message on this server"),
    )
    for field, inner, outer, what in pairs:
        if inner is not None and outer is not None and octets(inner) > octets(outer) > 0:
            yield Finding(
                ("webmail", field),
                f"{field} is {inner}, but {what} may have {outer} only",
                f"lower it to {outer}",
            )


CHECKS: Final = (
    Check(
        "webadmin-plain",
        "Administration pages without encryption",
        "The password of the administration pages is sent with every page. In clear text whoever sits between the "
        "browser and the server reads it, and can then change every file of the mail system.",
        _plain,
        Severity.WARNING,
    ),
    Check(
        "webadmin-without-password",
        "Administration pages without a password",
        "Without a password the pages do not open for anybody. Courier does not fall back to another way of login.",
        _no_password,
        Severity.WARNING,
    ),
    Check(
        "login-domain-wildcard",
        "A wildcard that webmail takes literally",
        "In the list of login domains an asterisk is a wildcard for entries that fix or preset the domain. In entries "
        "of a group it is a domain called '*', and nobody has an account there.",
        _wildcards,
        Severity.WARNING,
    ),
    Check(
        "webmail-timeouts",
        "A session that ends before it is idle",
        "The longest session is shorter than the time after which an idle one ends, so that time is never "
        "reached. People are logged out while they work.",
        _timeouts,
        Severity.WARNING,
    ),
    Check(
        "webmail-sizes",
        "A size that another one makes void",
        "An attachment is a part of a message, and a message written in webmail is one of this server. The larger "
        "limit lets people begin what is refused in the end.",
        _sizes,
        Severity.WARNING,
    ),
)
