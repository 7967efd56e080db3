"""Included files of aliases that the site itself carries, so that what they hold is known wherever it is compiled."""

from __future__ import annotations

from courier_compiler.resolved import ResolvedSite
from courier_schema.site.files import LiteralFile


def included_file(resolved: ResolvedSite, path: str) -> LiteralFile | None:
    """The file of the site that is included under a path of the mail host, where its content may be shown."""
    start = f"{resolved.profile.layout.sysconfdir}/"
    said = resolved.site.files.get(path.removeprefix(start)) if path.startswith(start) else None
    return said if said is not None and (said.content is not None or said.from_file is not None) else None
