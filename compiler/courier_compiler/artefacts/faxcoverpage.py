"""etc/courier/faxcoverpage.tr: the cover page of faxes, in troff."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, ended
from courier_compiler.origin import derived
from courier_templates import render
from courier_templates.contexts import FaxCoverPage


def build(context: Context) -> Iterator[Artefact]:
    fax = context.site.fax
    if fax is None:
        return
    if fax.cover_page is None:
        yield context.text("faxcoverpage.tr", render(FaxCoverPage()), derived("fax", rule="our own page"))
    else:
        yield context.text("faxcoverpage.tr", ended(fax.cover_page), derived("fax", "cover_page"))


ARTEFACT = ArtefactSpec("faxcoverpage.tr", build)
