"""etc/courier/esmtpacceptmailfor and its database: domains for which SMTP accepts mail from everybody.

Courier accepts nothing implicitly, so local, hosted and relayed domains are all listed unless they say
`accept: false`. The local ones, which are few, stand in the text list, the others in the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.names import Named
from courier_compiler.origin import Origin
from courier_compiler.parts.tables import make_table, rows_of_keys
from courier_schema.legacy.formats.makedat import Kind


def build(context: Context) -> Iterator[Artefact]:
    names = context.names
    yield context.lines("esmtpacceptmailfor", _accepted(names.local))
    rows = rows_of_keys(_accepted({**names.hosted, **names.relay}))
    yield from make_table(context, Kind.ESMTPACCEPTMAILFOR, rows, "esmtpacceptmailfor.dir/site")


def _accepted(names: Mapping[str, Named]) -> dict[str, Origin]:
    accepting = (entry for entry in names.values() if entry.domain.accept)
    return dict(sorted((key, entry.origin) for entry in accepting for key in entry.keys))


ARTEFACT = ArtefactSpec("esmtpacceptmailfor", build)
