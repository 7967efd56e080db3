"""The JSON Schema of the site language (draft 2020-12), made from the models and the catalogue that the compiler uses.

The editor and the compiler cannot disagree: a key, a type or a sentence has one source.
"""

from __future__ import annotations

from typing import Any, Literal

from courier_schema.docs import attribute_docs
from courier_schema.legacy.table import Row, Table, rows
from courier_schema.legacy.tables import FILES, table
from courier_schema.site.base import Section
from courier_schema.site.root import Site
from courier_schema.site.walk import sections
from courier_schema.source.overlay import NAME

Schema = dict[str, Any]
Part = Literal["site", "fragment"]

_INCLUDE = {
    "description": "Further files of this site, by name or pattern, relative to this one.",
    "type": "array",
    "items": {"type": "string"},
}
_HOSTS = "What differs on single hosts of a site with several: the same keys again, laid over the site's own."


def json_schema(part: Part = "site") -> Schema:
    """The schema of a site file, or of a fragment: a file that is included and need not be complete."""
    schema = Site.model_json_schema(by_alias=True)
    definitions: Schema = schema["$defs"]
    _describe(schema, Site)
    for section in sections(Site):
        if section.__name__ in definitions:
            _describe(definitions[section.__name__], section)
    schema["properties"]["settings"] = _settings()
    definitions["Host_overlay"] = _overlay(schema)
    schema["properties"]["include"] = _INCLUDE
    schema["properties"]["hosts"] = {
        "description": _HOSTS,
        "type": "object",
        "propertyNames": {"pattern": f"^(?:{NAME})$"},
        "additionalProperties": {"$ref": "#/$defs/Host_overlay"},
    }
    if part == "fragment":
        del schema["required"]
    _close(schema)
    schema["title"] = "courier-compile site" if part == "site" else "courier-compile site fragment"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _close(schema: object) -> None:
    """Maps whose keys have a pattern take no other keys."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _close(part)
    elif isinstance(schema, list):
        for part in schema:
            _close(part)


def _overlay(site: Schema) -> Schema:
    """The keys of a site, none of them required at any depth that a host may fill in alone."""
    properties = {key: {"anyOf": [_lenient(value), {"type": "null"}]} for key, value in site["properties"].items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _lenient(schema: Schema) -> Schema:
    """A section's schema where only the shape is checked: what is missing stands in the site that is overlaid."""
    return {"description": schema["description"]} if "description" in schema else {}


def _describe(schema: Schema, section: type[Section]) -> None:
    """Give a section and its keys their sentences."""
    body = schema["anyOf"][-1] if "anyOf" in schema else schema
    docs = attribute_docs(section)
    for key, value in body.get("properties", {}).items():
        value.pop("title", None)
        if key in docs:
            value["description"] = " ".join(docs[key].split())
    body.pop("title", None)


def _settings() -> Schema:
    return {
        "description": "Courier's own settings under their own names, by file; they win over everything else.",
        "type": "object",
        "additionalProperties": False,
        "properties": {file: _settings_of(table(file)) for file in FILES},
    }


def _settings_of(cls: type[Table]) -> Schema:
    docs = attribute_docs(cls)
    return {
        "type": "object",
        "description": f"Settings of {cls.file}.",
        "additionalProperties": False,
        "properties": {row.name: _setting(row, docs.get(row.attribute, "")) for row in rows(cls)},
    }


def _setting(row: Row, doc: str) -> Schema:
    facts = [" ".join(doc.split())]
    if row.codec.unit:
        facts.append(f"In {row.codec.unit}.")
    if row.absent:
        facts.append(f"Unset: {row.absent}.")
    schema: Schema = {"description": " ".join(facts), "anyOf": [row.codec.schema, {"type": "null"}]}
    if row.default is not None and not row.secret:
        schema["default"] = list(row.default) if isinstance(row.default, tuple) else row.default
    return schema
