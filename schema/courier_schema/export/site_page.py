"""The manual page courier-site(5): the site language, from the same models and sentences as the reference."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from courier_schema import __version__
from courier_schema.docs import attribute_docs
from courier_schema.export import roff
from courier_schema.export.reference import default_of, paragraph, takes
from courier_schema.site.base import Section
from courier_schema.site.root import Site
from courier_schema.site.walk import sections

_ABOUT = (
    "A site is one YAML 1.2 file, by custom `site.yaml`, or several that it includes, that describes a Courier mail"
    " host as a whole. courier-compile(1) checks it and makes from it every file and database that Courier reads.",
    "What follows are its sections, each a map; the first one is the file itself. Two keys are read before these:"
    " `include`, a list of further files and patterns, relative to the file that names them, whose maps are merged,"
    " and `hosts`, a map of what differs between several hosts, by a name for each. In place of a password or another"
    " secret stands where to find it: `{from_file: PATH}`, `{from_env: NAME}` or `{from_command: WORDS}`.",
    "Every setting of Courier can be said under its own name, as in `settings.esmtpd.MAXPERIP`, and wins over what the"
    " sections say.",
)
_EXAMPLE = """site: example.org
host: {name: mx.example.org, postmaster: anna@example.org}
listeners: {smtp: {}, submission: {}}
account_defaults: {uid: 1000, gid: 1000}
domains:
  example.org:
    accounts: {anna: {password: {from_file: secrets/anna}}}
    aliases: {sales: [anna, boss@example.net]}"""


def site_page() -> Iterator[str]:
    """The lines of the page."""
    yield roff.title("courier-site", 5, f"courier-compile {__version__}", "Courier site language")
    yield roff.heading("Name")
    yield roff.escape("courier-site - description of a Courier mail host in YAML")
    yield roff.heading("Description")
    for number, text in enumerate(_ABOUT):
        yield from ([".PP"] if number else [])
        yield roff.inline(text)
    yield roff.heading("Sections")
    for section in sorted(sections(Site), key=lambda section: (section is not Site, section.__name__)):
        yield from _section(section)
    yield from (roff.heading("Examples"), ".nf", *map(_verbatim, _EXAMPLE.splitlines()), ".fi")
    yield roff.heading("See also")
    yield f"{roff.bold('courier-compile')}(1), {roff.bold('courier')}(8)"


def _section(section: type[Section]) -> Iterator[str]:
    yield roff.subheading(section.__name__)
    yield roff.line(roff.inline(paragraph(section.__doc__ or "")))
    if section.short:
        yield roff.inline(f"A bare value stands for `{section.short}`.")
    docs = attribute_docs(section)
    for name, field in section.model_fields.items():
        yield from roff.item(f"{roff.bold(name)} ({roff.inline(_value(field))})", (paragraph(docs.get(name, "")),))


def _value(field: FieldInfo) -> str:
    default = default_of(field.default)
    what = f", {default}" if default == "required" else f", default {default}" if default else ""
    return f"{takes(field.annotation)}{what}"


def _verbatim(text: str) -> str:
    """A line whose blanks matter."""
    depth = len(text) - len(text.lstrip())
    return " " * depth + roff.escape(text)
