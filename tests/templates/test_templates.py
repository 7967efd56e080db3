"""Templates: each has a context of its own, names nothing else, and arranges lines."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import UndefinedError, meta

import courier_templates
from courier_templates import contexts, render
from courier_templates.contexts import Context, OneLine, QuotaWarning, SettingsFile, SettingsGroup, TextList
from courier_templates.environment import environment

FILES = Path(courier_templates.__file__).parent / "files"
CONTEXTS = [
    cls for cls in vars(contexts).values() if isinstance(cls, type) and issubclass(cls, Context) and cls is not Context
]
TEXTS = [cls for cls in CONTEXTS if not dataclasses.fields(cls)]


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda cls: cls.__name__)
def test_the_fields_of_a_context_are_the_names_of_its_template(context: type[Context]) -> None:
    source = (FILES / context.template).read_text()
    names = meta.find_undeclared_variables(environment().parse(source))
    assert names == {field.name for field in dataclasses.fields(context)}


def test_every_template_has_exactly_one_context() -> None:
    found = sorted(str(path.relative_to(FILES)) for path in FILES.rglob("*.j2"))
    assert sorted(cls.template for cls in CONTEXTS) == found


def test_a_name_that_the_context_lacks_is_refused() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nobody }}").render()


def test_templates_have_nothing_to_escape_or_decide_with() -> None:
    made = environment()
    assert (made.filters, made.tests, made.globals, made.autoescape) == ({}, {}, {}, False)


def test_jinja_is_imported_only_for_rendering() -> None:
    code = "import courier_templates.contexts, sys; print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_settings_file_is_groups_of_comments_and_values() -> None:
    groups = (
        SettingsGroup("##NAME: PORT:1", ("PORT: Ports.",), ("PORT=25",)),
        SettingsGroup("##NAME: CUSTOM:0", (), ()),
    )
    assert render(SettingsFile("##VERSION: $Id:$", ("Made from site.yaml.",), groups)).splitlines() == [
        "##VERSION: $Id:$",
        "#",
        "# Made from site.yaml.",
        "",
        "##NAME: PORT:1",
        "# PORT: Ports.",
        "PORT=25",
        "",
        "##NAME: CUSTOM:0",
        "",
    ]


def test_a_list_is_one_entry_a_line() -> None:
    assert render(TextList(("a", "<b> & 'c'"))) == "a\n<b> & 'c'\n"
    assert render(TextList(())) == ""


def test_one_line_is_one_line() -> None:
    assert render(OneLine("mx.example.org")) == "mx.example.org\n"


def test_a_quota_warning_is_a_message_with_its_headers() -> None:
    headers, _, body = render(QuotaWarning("postmaster@example.org", "mx.example.org")).partition("\n\n")
    assert headers.startswith("From: postmaster@example.org\n")
    assert "\nSubject: " in headers
    assert "mx.example.org" in body


@pytest.mark.parametrize("context", TEXTS, ids=lambda cls: cls.__name__)
def test_texts_end_with_a_line_and_fit_a_mail_reader(context: type[Context]) -> None:
    text = render(context())
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert max(map(len, text.splitlines())) <= 78
    assert text.isascii()


def test_the_header_of_notifications_begins_with_the_text_part_s_own_header() -> None:
    text = render(contexts.DsnHeader())
    assert text.startswith('Content-Type: text/plain; charset="utf-8"\n\n')
    for token in ("[#ME#]", "[#FROMTIME#]", "[#FROMMTA#]"):
        assert token in text


def test_subjects_are_one_line() -> None:
    for context in (contexts.DsnSubjectNotice(), contexts.DsnSubjectWarning()):
        assert render(context).count("\n") == 1


def test_the_cover_page_has_a_place_for_everything_that_the_fax_module_fills_in() -> None:
    text = render(contexts.FaxCoverPage())
    for token in ("%FROM%", "%TO%", "%SUBJECT%", "%DATE%", "%PAGES%"):
        assert text.count(token) == 1
