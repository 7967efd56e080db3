"""Control files: one value a file, or a file whose existence is the message. Only what was said is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.artefact import Artefact, ArtefactSpec, Daemon
from courier_compiler.context import Context
from courier_compiler.parts.revealed import revealed
from courier_schema.legacy.codecs import PresenceCodec
from courier_schema.legacy.table import Row

_CORE: Final = (Daemon.COURIERD,)
_MAIL: Final = (Daemon.COURIERD, Daemon.ESMTPD, Daemon.ESMTPD_MSA, Daemon.ESMTPD_SSL)
_READERS: Final = {
    **dict.fromkeys(("me", "locallowercase", "defaultdomain"), _MAIL),
    **dict.fromkeys(("backuprelay", "uucpme", "submitdelay", "dsnfrom", "dsnlimit"), _CORE),
    **dict.fromkeys(("retryalpha", "retrybeta", "retrygamma", "retrymaxdelta"), _CORE),
    **dict.fromkeys(("queuelo", "queuehi", "queuefill", "respawnlo", "respawnhi"), _CORE),
    "calendarmode": (Daemon.WEBMAILD,),
}
"""Daemons that read a file when they start; the other files are read with every message, login or process."""


def build(context: Context) -> Iterator[Artefact]:
    settings = context.resolved.settings["control"]
    for row, value in revealed(context, settings).items():
        if row.attribute not in settings.table.said() or value is None or value is False:
            continue
        text = "" if isinstance(row.codec, PresenceCodec) else row.codec.encode(value)
        content = f"{text}\n" if text else ""
        origin = settings.origin(row.attribute)
        yield context.text(row.name, content, origin, touches=_readers(row), secret=row.secret)


def _readers(row: Row) -> tuple[Daemon, ...]:
    return (Daemon.COURIERFILTER,) if row.name.startswith("filters/") else _READERS.get(row.name, ())


ARTEFACT = ArtefactSpec("control", build)
