"""Alias tables: what `makealiases` makes of alias files, with the reason of every record.

What an included file holds is known where the site carries the file; others are read on the mail host only.
Mistakes that Courier's compiler finds in the generated text are reported at the place of the site that they come
from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from courier_compiler.carried import read_carried
from courier_compiler.context import Context
from courier_compiler.origin import Origin
from courier_compiler.parts.alias_files import AliasFile
from courier_compiler.parts.alias_names import AliasNames
from courier_compiler.parts.included import included_file
from courier_schema.legacy.formats.aliases.compile import compile_aliases
from courier_schema.legacy.formats.domains import Locality

_ESCAPED: Final = re.compile(rb"\+([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class AliasTable:
    """One compiled table: its records, its files of delivery instructions, and reasons by the name of an alias."""

    records: Mapping[bytes, bytes]
    programs: Mapping[str, bytes]
    origins: Mapping[str, Origin]

    def program_files(self) -> Iterator[tuple[str, bytes, Origin]]:
        """File name, content and reason of each file of delivery instructions."""
        for file, content in sorted(self.programs.items()):
            name = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), file.encode(errors="surrogateescape"))
            yield file, content, self.origins[name.decode(errors="surrogateescape")]


def _included(context: Context, path: str) -> bytes:
    said = included_file(context.resolved, path)
    if said is None:
        return b""
    try:
        return read_carried(context.resolved, said.from_file) if said.from_file else (said.content or "").encode()
    except (OSError, ValueError):  # told where the file itself is made
        return b""


def make_alias_table(
    context: Context, files: Sequence[AliasFile], locality: Locality, protocol: str | None = None
) -> AliasTable:
    """Compile alias files as the programs of a host with these names will look them up."""
    include = partial(_included, context)
    made = compile_aliases([file.source for file in files], locality, protocol=protocol, include=include)
    names = AliasNames(locality)
    origins = {names.key(name): origin for file in files for name, origin in file.origins.items()}
    context.adopt(made.problems, {file.name: file.reasons for file in files})
    programs = {file.decode(errors="surrogateescape"): content for file, content in made.programs.items()}
    return AliasTable(made.records, programs, origins)
