"""etc/courier/dsn*.txt: the wording of delivery status notifications.

The dsn module does not start without all of them, so those that the site does not say get a text of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context, Guard, ended
from courier_compiler.origin import derived
from courier_templates import contexts, render

_TEXTS: Final = {
    "header": ("dsnheader.txt", contexts.DsnHeader),
    "footer": ("dsnfooter.txt", contexts.DsnFooter),
    "delayed": ("dsndelayed.txt", contexts.DsnDelayed),
    "delivered": ("dsndelivered.txt", contexts.DsnDelivered),
    "failed": ("dsnfailed.txt", contexts.DsnFailed),
    "relayed": ("dsnrelayed.txt", contexts.DsnRelayed),
    "subject_warning": ("dsnsubjectwarn.txt", contexts.DsnSubjectWarning),
    "subject_notice": ("dsnsubjectnotice.txt", contexts.DsnSubjectNotice),
}
"""Field of the site to its file and to our own wording."""


def build(context: Context) -> Iterator[Artefact]:
    texts = context.site.bounces.texts
    for field, (name, ours) in _TEXTS.items():
        said: str | None = getattr(texts, field)
        origin = derived("bounces", "texts", field) if said is not None else derived(rule="our own wording")
        text = render(ours()) if said is None else ended(said)
        yield context.text(name, text, origin, Guard.WORLD, (Daemon.COURIERD,))


ARTEFACT = ArtefactSpec("dsn", build)
