"""maildroprc and maildroprcs/: maildrop instructions of the whole system, and files that embedded filters include.

Courier's own maildrop looks in Courier's configuration directory; Debian's, a package of its own, in /etc.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, Guard, ended
from courier_compiler.origin import derived


def build(context: Context) -> Iterator[Artefact]:
    delivery = context.site.delivery
    place = "/etc/" if context.is_debian else ""
    if delivery.maildrop_rules is not None:
        origin = derived("delivery", "maildrop_rules")
        yield context.text(f"{place}maildroprc", ended(delivery.maildrop_rules), origin, Guard.WORLD)
    for name, text in sorted(delivery.maildrop_includes.items()):
        origin = derived("delivery", "maildrop_includes", name)
        yield context.text(f"{place}maildroprcs/{name}", ended(text), origin, Guard.WORLD)


ARTEFACT = ArtefactSpec("maildroprc", build)
