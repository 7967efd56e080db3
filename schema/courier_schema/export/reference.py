"""The reference part of the manual in Markdown, from the same models, rows and sentences that the compiler uses."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic_core import PydanticUndefined

from courier_schema.docs import attribute_docs
from courier_schema.legacy.table import Row, rows
from courier_schema.legacy.tables import FILES, table
from courier_schema.site.base import Section
from courier_schema.site.root import Site
from courier_schema.site.walk import sections


def site_reference() -> Iterator[str]:
    """Every section of the site language with its keys."""
    for section in sorted(sections(Site), key=lambda section: (section is not Site, section.__name__)):
        yield f"### {section.__name__}\n"
        yield f"{paragraph(section.__doc__ or '')}\n"
        if section.short:
            yield f"A bare value stands for `{section.short}`.\n"
        yield "| key | takes | default | meaning |\n|---|---|---|---|"
        docs = attribute_docs(section)
        for name, field in section.model_fields.items():
            meaning = paragraph(docs.get(name, ""))
            yield f"| `{name}` | {_cell(takes(field.annotation))} | {default_of(field.default)} | {_cell(meaning)} |"
        yield ""


def settings_reference() -> Iterator[str]:
    """Every legacy setting, file by file."""
    for file in FILES:
        cls = table(file)
        yield f"### {file}\n"
        yield f"{paragraph(cls.__doc__ or '')}\n"
        yield "| setting | takes | Courier's default | meaning |\n|---|---|---|---|"
        docs = attribute_docs(cls)
        yield from (_row(row, docs) for row in rows(cls))
        yield ""


def _row(row: Row, docs: Mapping[str, str]) -> str:
    default = "unset" if row.default is None else f"`{_cell(row.codec.encode(row.default)) or ' '}`"
    takes = row.codec.kind + (f" ({row.codec.unit})" if row.codec.unit else "")
    facts = [paragraph(docs.get(row.attribute, ""))]
    facts += [f"Unset: {row.absent}."] if row.absent else []
    facts += [f"Since {row.since}."] if row.since else []
    facts += [f"Until {row.until}{f', then {row.successor}' if row.successor else ''}."] if row.until else []
    facts += [f"`courier-run` does not use it: {row.unserved}."] if row.unserved else []
    return f"| `{row.name}` | {takes} | {default} | {_cell(' '.join(facts))} |"


def takes(annotation: object) -> str:
    """A type in words that a reader of YAML knows."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return takes(inner[0])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(takes(part) for part in inner if part is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin is list:
        return f"list of {takes(inner[0])}"
    if origin is dict:
        return f"map of {takes(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    names = {str: "text", int: "number", bool: "true or false", float: "number"}
    return names.get(annotation, str(annotation)) if isinstance(annotation, type) else str(annotation)


def default_of(value: object) -> str:
    """A default as it would be written, empty where nothing is said then."""
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ({}, []) or isinstance(value, Section):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def paragraph(text: str) -> str:
    """A text of several lines as one."""
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
