"""Rewrite: a plain tree as the text of a site, for people to read on: comments at their places, no surprises.

What is written is read back as the same tree by `parse_yaml`. Short lists and maps stand on one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from courier_schema.report import SitePath

_STEP: Final = 2
WIDTH: Final = 110
"""Columns that a list or map on one line may fill."""

_LONGEST_KEY: Final = 1024
"""Characters of a key, quotes included, that its colon may follow (YAML 1.2, 7.4); longer ones need a question mark."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./$][A-Za-z0-9_./@+$!=;%-]*(?: [A-Za-z0-9_./$(][A-Za-z0-9_./@+$!=;()%-]*)*")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+-]*")
_OTHER_TYPE: Final = re.compile(
    r"~|null|true|false|[-+]?\.inf|\.nan|[-+]?(?:\.[0-9]+|[0-9]+\.?[0-9]*)(?:e[-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-f]+",
    re.IGNORECASE,
)
_NEEDS_ESCAPES: Final = re.compile(
    "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class _Writer:
    comments: Mapping[SitePath, Sequence[str]]
    commented: frozenset[SitePath]
    """Paths below which a comment stands, whose containers therefore need lines of their own."""

    def entries(self, tree: Mapping[str, object], path: SitePath, indent: str) -> Iterator[str]:
        for key, value in tree.items():
            here = (*path, key)
            yield from self.remarks(here, indent)
            name = _key(key)
            start = f"{indent}{name}:" if len(name) <= _LONGEST_KEY else f"{indent}? {name}\n{indent}:"
            yield start + self.value(value, here, indent, is_section=not path)

    def remarks(self, path: SitePath, indent: str) -> Iterator[str]:
        for line in self.comments.get(path, ()):
            yield f"{indent}# {line}".rstrip() + "\n"

    def value(self, value: object, path: SitePath, indent: str, *, is_section: bool = False) -> str:
        """What follows a key's colon, its line end included."""
        below = indent + " " * _STEP
        if not isinstance(value, (dict, list)):
            return f" {_text(value, below) if isinstance(value, str) and chr(10) in value else _scalar(value)}\n"
        if not value:
            return f" {'{}' if isinstance(value, dict) else '[]'}\n"
        flow = None if (is_section and isinstance(value, dict)) or path in self.commented else _flow(value, indent)
        if flow is not None:
            return f" {flow}\n"
        inner = self.entries(value, path, below) if isinstance(value, dict) else self.items(value, path, below)
        return "\n" + "".join(inner)

    def items(self, values: Sequence[object], path: SitePath, indent: str) -> Iterator[str]:
        for position, value in enumerate(values):
            here = (*path, position)
            yield from self.remarks(here, indent)
            flow = _flow(value, indent) if isinstance(value, (dict, list)) and here not in self.commented else None
            if flow is None and isinstance(value, dict) and value:
                first, *others = self.entries(value, here, indent + "  ")
                yield f"{indent}- {first[len(indent) + 2 :]}" + "".join(others)
            else:
                yield f"{indent}-" + (f" {flow}\n" if flow else self.value(value, here, indent))


def dump(tree: Mapping[str, object], comments: Mapping[SitePath, Sequence[str]] | None = None) -> str:
    """The text of a tree of dict, list, str, int, float, bool and None, with comment lines before their entries."""
    remarks = {path: lines for path, lines in (comments or {}).items() if lines}
    commented = frozenset(path[:length] for path in remarks for length in range(len(path)))
    writer = _Writer(remarks, commented)
    head = [f"# {line}".rstrip() + "\n" for line in remarks.get((), ())]
    return "".join((*head, *writer.entries(tree, (), "")))


def _flow(value: Mapping[str, object] | Sequence[object], indent: str) -> str | None:
    """A container on one line, where it is short and holds nothing but scalars and short lists."""
    if len(value) > 12:
        return None
    parts = _flow_map(value) if isinstance(value, dict) else _flow_list(value)
    if parts is None:
        return None
    text = f"{{{', '.join(parts)}}}" if isinstance(value, dict) else f"[{', '.join(parts)}]"
    return text if len(text) + len(indent) <= WIDTH - 20 else None


def _flow_list(values: object) -> list[str] | None:
    assert isinstance(values, list)
    if any(isinstance(value, (dict, list)) or (isinstance(value, str) and "\n" in value) for value in values):
        return None
    return [_scalar(value) for value in values]


def _flow_map(values: Mapping[str, object]) -> list[str] | None:
    parts = []
    for key, value in values.items():
        if isinstance(value, (dict, list)):
            inner = _flow(value, "") if value else ("{}" if isinstance(value, dict) else "[]")
        else:
            inner = None if isinstance(value, str) and "\n" in value else _scalar(value)
        if inner is None:
            return None
        parts.append(f"{_key(key)}: {inner}")
    return parts


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) and not _OTHER_TYPE.fullmatch(key) else _quoted(key)


def _scalar(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return value if _PLAIN.fullmatch(value) and not _OTHER_TYPE.fullmatch(value) else _quoted(value)
        case _:
            return str(value)


def _quoted(text: str) -> str:
    """In double quotes; in single ones where that saves backslashes."""
    if _NEEDS_ESCAPES.search(text) or "\n" in text:
        return '"' + "".join(map(_escaped, text)) + '"'
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if not _NEEDS_ESCAPES.match(character):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _text(text: str, indent: str) -> str:
    """Several lines as a block, unless only quotes could keep their blanks and odd characters."""
    lines = text.split("\n")
    odd = _NEEDS_ESCAPES.search(text.replace("\t", "")) or any(line != line.rstrip() for line in lines)
    first = next((line for line in lines if line), "")
    if odd or not first:
        return _quoted(text)
    indicator = str(_STEP) if first[0] in " \t" or not lines[0] else ""
    keep = "+" if text.endswith("\n\n") else "" if text.endswith("\n") else "-"
    body = "\n".join(f"{indent}{line}" if line else "" for line in lines)
    return f"|{indicator}{keep}\n{body.removesuffix(chr(10))}"
