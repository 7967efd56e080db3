"""What is wrong with a value is said in our own words, with something concrete to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import courier_schema.site
from courier_schema.report import Problem
from courier_schema.site.root import Site
from courier_schema.site.validate import parse_site
from courier_schema.source.yaml_tree import parse_yaml

HEAD = "site: example.org\nhost: {name: mx.example.org}\n"
HUGE = "9" * 30


def problems(text: str) -> list[Problem]:
    return parse_site(parse_yaml(HEAD + text, "site.yaml"))[1]


@pytest.mark.parametrize(
    ("text", "says", "remedy"),
    [
        ("version: '1'", "version: '1' is not among the possible values", "write 1 without quotes"),
        ("version: 2", "version: 2 is not among the possible values", "write 1"),
        ("tls: {minimum: 1.2}", "tls.minimum: 1.2 is not among the possible values", "put it in quotes: '1.2'"),
        (
            "domains: {a.example: {kind: locla}}",
            "domains.a.example.kind: 'locla' is not among the possible values",
            "did you mean 'local'?",
        ),
        (
            "domains: {a.example: {kind: remote}}",
            "domains.a.example.kind: 'remote' is not among the possible values",
            "write 'local', 'hosted' or 'relay'",
        ),
        ("smarthost: {host: a.example, port: 70000}", "smarthost.port: 70000 is out of range", "write at most 65535"),
        (
            f"listeners: {{smtp: {{max_connections: {HUGE}}}}}",
            f"listeners.smtp.max_connections: {HUGE} is out of range",
            "write at most 2147483647",
        ),
        (
            "listeners: {smtp: {max_connections: 0}}",
            "listeners.smtp.max_connections: 0 is out of range",
            "write at least 1",
        ),
        (
            "listeners: {smtp: {max_connections: 1e3}}",
            "listeners.smtp.max_connections is 1000.0, not a whole number",
            "write 1000",
        ),
        (
            "listeners: {smtp: {max_connections: 1.5}}",
            "listeners.smtp.max_connections is 1.5, not a whole number",
            "write a whole number",
        ),
        ("queue: {lifetime: 300}", "queue.lifetime is 300, not text", "put it in quotes"),
        (
            "queue: {warn_after: -1}",
            "queue.warn_after is -1, not text",
            "write a number with s, m, h, d or w, such as 90s or 1w2d",
        ),
        (
            "queue: {retry_pause: 1e9}",
            "queue.retry_pause is 1000000000.0, not text",
            "write a number with s, m, h, d or w, such as 90s or 1w2d",
        ),
        ("aliases: {sales: true}", "aliases.sales is true, not text or a list", "put it in quotes"),
        ("aliases: {sales: [ben, 7]}", "aliases.sales.1 is 7, not text", "put it in quotes"),
        (
            "listeners: {smtp: {on: ['*:25', -25]}}",
            "listeners.smtp.on.1 is -25, not text",
            "write '*:25', '192.0.2.1:25' or '[2001:db8::1]:25'",
        ),
        ("aliases: {sales: []}", "aliases.sales: the list is empty", "write at least one entry"),
        (
            "accounts: {anna: {password: {from_file: a, from_env: b}}}",
            "accounts.anna.password: from_file and from_env exclude each other",
            "give exactly one of hash, value, from_file, from_env, from_command",
        ),
        (
            "delivery: {default: {maildir: null}}",
            "delivery.default: nothing is given",
            "give exactly one of maildir, mbox, program, filter, instructions",
        ),
        (
            "access: {192.0.2.1: {relay_suffix: x}}",
            "access.192.0.2.1: only relaying clients have a relay_suffix",
            "write action: relay, or remove it",
        ),
        (
            "virtual_hosts: {not a host: {}}",
            "virtual_hosts.not a host: 'not a host' is not an IP address or a domain name",
            "write 192.0.2.1, 2001:db8::1 or a name such as example.org",
        ),
    ],
)
def test_a_refusal_has_a_sentence_and_a_remedy(text: str, says: str, remedy: str) -> None:
    assert [(problem.says, problem.remedy) for problem in problems(text)] == [(says, remedy)]


@pytest.mark.parametrize(
    "text",
    [
        r'aliases: {"sa\u200bles": anna}',
        r'aliases: {sales: "an\u200bna"}',
        r'aliases: {sales: [ben, "anna\u200b@example.org"]}',
        r'aliases: {"@exam\u200bple.org": anna}',
        r'accounts: {"an\u200bna": {}}',
        r'host: {name: mx.example.org, postmaster: "an\u200bna"}',
    ],
)
def test_a_character_that_nobody_sees_is_named(text: str) -> None:
    head = "site: example.org\n" if text.startswith("host:") else HEAD
    (problem,) = parse_site(parse_yaml(head + text, "site.yaml"))[1]
    assert problem.remedy == "remove U+200B, which cannot be seen"


@pytest.mark.parametrize("hidden", ["\u202e", "\u00ad", "\u2066", "\ufeff", "\U000e0041"])
def test_every_sort_of_hidden_character_is_refused(hidden: str) -> None:
    (problem,) = problems(f'aliases: {{"sales": "an\\U{ord(hidden):08x}na"}}')
    assert problem.remedy == f"remove U+{ord(hidden):04X}, which cannot be seen"


def test_letters_of_every_script_are_names() -> None:
    assert problems("aliases: {büro: [żaneta, 山田, 'أحمد']}") == []


def _schemas(schema: object) -> Iterator[dict[str, object]]:
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from _schemas(part)
    elif isinstance(schema, (list, tuple)):
        for part in schema:
            yield from _schemas(part)


def test_no_section_has_a_limit_that_we_have_no_words_for() -> None:
    Site.model_rebuild()
    limits = {
        key
        for schema in _schemas(Site.__pydantic_core_schema__)
        if schema.get("type") in {"int", "float", "str", "list", "dict", "set", "tuple"}
        for key in schema
    }
    others = {"gt", "lt", "multiple_of", "max_length", "pattern", "allow_inf_nan"}
    assert limits & {"ge", "le", "min_length", *others} == {"ge", "le", "min_length"}


def test_every_contradiction_of_keys_comes_with_its_remedy() -> None:
    raised = [
        line.strip()
        for file in Path(courier_schema.site.__file__).parent.glob("*.py")
        for line in file.read_text().replace("ValueError(\n", "ValueError(").splitlines()
        if "ValueError(" in line and "except" not in line
    ]
    assert len(raised) >= 8
    assert [line for line in raised if ": " not in line] == []
