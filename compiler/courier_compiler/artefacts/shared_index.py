"""etc/courier/shared/index: the accounts whose folders others may see."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, ended
from courier_compiler.origin import derived


def build(context: Context) -> Iterator[Artefact]:
    index = context.site.delivery.shared_index
    if index is not None:
        yield context.text("shared/index", ended(index), derived("delivery", "shared_index"))


ARTEFACT = ArtefactSpec("shared/index", build)
