"""etc/courier/faxrc: which numbers may be faxed to, and how they are rewritten, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.origin import derived
from courier_compiler.parts.gateways import fax_line, wrong_fax_rule


def build(context: Context) -> Iterator[Artefact]:
    fax = context.site.fax
    if fax is None:
        return
    rules = [(position, rule) for position, rule in enumerate(fax.rules) if not wrong_fax_rule(rule)]
    lines = [(fax_line(rule), derived("fax", "rules", position)) for position, rule in rules]
    content = "".join(f"{line}\n" for line, _ in lines)
    yield context.text("faxrc", content, dict(lines) or {"": derived("fax")})


ARTEFACT = ArtefactSpec("faxrc", build)
