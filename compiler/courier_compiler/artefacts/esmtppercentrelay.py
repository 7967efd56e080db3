"""etc/courier/esmtppercentrelay and its database: domains that may stand behind a percent sign.

All of them are in the text list; the database is empty, so that what a former one held no longer counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context
from courier_compiler.origin import derived
from courier_compiler.parts.tables import make_table
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.legacy.formats.makedat import Kind


def build(context: Context) -> Iterator[Artefact]:
    relay = context.site.percent_relay
    if relay is None:
        return
    entries = {
        normal_form(domain): derived("percent_relay", "domains", position)
        for position, domain in enumerate(relay.domains)
    }
    yield context.lines("esmtppercentrelay", entries)
    yield from make_table(context, Kind.ESMTPPERCENTRELAY, {}, "esmtppercentrelay.dir/site")


ARTEFACT = ArtefactSpec("esmtppercentrelay", build)
