"""etc/courier/logindomainlist: the domain field of webmail's login page, read from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.origin import derived
from courier_schema.site.web import LoginDomain


def build(context: Context) -> Iterator[Artefact]:
    webmail = context.site.webmail
    if webmail is None or not (webmail.enabled and webmail.login_domains):
        return
    lines = {
        _line(entry): derived("webmail", "login_domains", position)
        for position, entry in enumerate(webmail.login_domains)
    }
    yield context.lines("logindomainlist", lines)


def _line(entry: LoginDomain) -> str:
    return ":".join((entry.domain, entry.access, entry.modifier or "")).rstrip(":") or ":"


ARTEFACT = ArtefactSpec("logindomainlist", build)
