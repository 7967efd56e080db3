"""etc/courier/esmtppercentrelay and its database: domains that may stand behind a percent sign.

All of them are in the text list; the database is empty, so that what a former one held no longer counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.domain_lists import percent_entries
from courier_compiler.parts.tables import make_table
from courier_schema.legacy.formats.makedat import Kind


def build(context: Context) -> Iterator[Artefact]:
    relay = context.site.percent_relay
    if relay is None:
        return
    yield context.lines("esmtppercentrelay", percent_entries(relay))
    yield from make_table(context, Kind.ESMTPPERCENTRELAY, {}, "esmtppercentrelay.dir/site")


ARTEFACT = ArtefactSpec("esmtppercentrelay", build)
