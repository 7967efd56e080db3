"""etc/courier/faxrc: which numbers may be faxed to, and how they are rewritten, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.origin import Origin, derived
from courier_schema.report import SitePath
from courier_schema.site.gateways import FaxRule


def build(context: Context) -> Iterator[Artefact]:
    fax = context.site.fax
    if fax is None:
        return
    lines: list[str] = []
    origins: dict[str, Origin] = {"": derived("fax")} if not fax.rules else {}
    for position, rule in enumerate(fax.rules):
        path = ("fax", "rules", position)
        if line := _line(context, rule, path):
            lines.append(line)
            origins[line] = derived(*path)
    yield context.text("faxrc", "".join(f"{line}\n" for line in lines), origins)


def _line(context: Context, rule: FaxRule, path: SitePath) -> str:
    said = {"rw": rule.rewrite, "accept": rule.accept, "reject": rule.reject}
    given = [(word, text) for word, text in said.items() if text is not None]
    if len(given) != 1:
        context.problem("fax-rule", "a fax rule does one thing", "give exactly one of rewrite, accept and reject", path)
        return ""
    word, text = given[0]
    arguments = text.split()
    if len(arguments) != 2 or "#" in text:
        second = "its replacement" if word == "rw" else "a source (local, esmtp, uucp, dsn)"
        context.problem("fax-rule", f"{text!r} is not a pattern and {second}", "write two words, without '#'", path)
        return ""
    flags = ("^" if rule.prefix else "") + ("*" if rule.repeat else "")
    return f"{word}{flags}\t{arguments[0]}\t{arguments[1]}"


ARTEFACT = ArtefactSpec("faxrc", build)
