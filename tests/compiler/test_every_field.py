"""Every field of the site language reaches a file: saying it changes what is built."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import pytest
from pydantic import ValidationError

from compiler.resolving import document
from courier_compiler.artefact import Artefact
from courier_compiler.build import build
from courier_compiler.resolve import resolve
from courier_schema.report import CourierSiteError, SitePath
from courier_schema.site import tests as expectations
from courier_schema.site.base import Section
from courier_schema.site.root import Site
from courier_schema.site.validate import parse_site
from courier_schema.site.walk import sections
from courier_schema.source.document import Document
from courier_schema.source.secrets import SecretRef

NO_EFFECT: Final = {
    "Site.version": "there is only one version of the language",
    "Site.tests": "expectations are tried, and reach no host",
}
"""Fields that change no file, with the reason."""

ONE_OF: Final = {
    "Destination": ("maildir", "mbox", "program", "filter", "instructions"),
    "LiteralFile": ("content", "from_file", "secret", "link"),
    "Password": ("hash", "value", "from_file", "from_env", "from_command"),
    "Secret": ("value", "from_file", "from_env", "from_command"),
}
"""Fields of which a section says exactly one."""

ELSEWHERE: Final[dict[str, SitePath]] = {"MailDomain.excluding": ("domains", "example.com")}
"""Fields that only some sections of their kind may have, and the place of one."""

EVERY_SECTION = """
site: example.org
profile: {base: debian-12}
host: {name: mx.example.org}
tls: {certificate: /etc/ssl/a.pem}
sending_tls: {trust: /etc/ssl/ca.pem}
listeners:
  smtp: {auth: [PLAIN]}
  submission: {}
  smtps: {}
  imap: {}
  imaps: {}
  pop3: {}
  pop3s: {}
accounts:
  anna: {uid: 1000, gid: 1000, password: {value: geheim}, quota: {size: 1G}, options: {disable: [imap]}, cram: true}
account_defaults: {uid: 1000, gid: 1000}
domains:
  a.example: {kind: hosted}
  hosted.example: {kind: hosted, accounts: {ben: {}}}
  example.com: {subdomains: true}
aliases: {sales: {to: [anna]}}
access: {192.0.2.0/24: {action: relay}}
percent_relay: {domains: [pc.example.org]}
routes: {far.example: {via: relay.example.net, login: {user: me, password: {value: geheim}}}}
smarthost: {host: smart.example.net, login: {user: me, password: {value: geheim}}}
backup_relay: {host: spare.example.org}
backscatter: {bounce_to_login: true}
queue:
  lifetime: 5d
  timeouts: {quit: 5s}
  modules: {dsn: {deliveries: 3}, esmtp: {deliveries: 3}, local: {deliveries: 3}, uucp: {deliveries: 3}}
delivery: {default: {maildir: Mail}, dotfiles: {default: {lines: ./x}}}
filters:
  perlfilter: {script: /opt/f.pl}
  dupfilter: {threads: 2}
  ratefilter: {interval: 90}
  verifyfilter: {threads: 2}
policy: {max_recipients: {count: 50}, spf: {helo: [pass]}}
dns_lists: {lists: [{zone: zen.example.org}]}
auth:
  mysql: {server: db, columns: {id: a}, queries: {select: SELECT 1}}
  postgresql: {connection: host=db}
  sqlite: {database: /srv/users.db}
  ldap: {uri: ['ldaps://a.example.org'], base: 'dc=a'}
  pipe: {program: /opt/auth}
bounces: {sender: Us, texts: {failed: Sorry}}
mailing_lists: {lists: {news: {directory: /srv/news, address: news@example.org, owner: anna, web: true}}}
webmail:
  filter_file: ../.mailfilter
  autoreplies: {count: 3}
  login_domains: [{domain: example.org}]
  address_books: {office: {host: ldap.example.org, base: 'dc=a'}}
webadmin: {password: {value: geheim}}
ldap_aliases: {uri: ['ldap://a.example.org'], base: 'dc=a'}
uucp: {node: hub, neighbours: {leaf: {flags: [rmail]}}}
fax: {rules: [{accept: n local}], notify: {subject: Fax}}
socks: {proxies: {0.0.0.0/0: {servers: [proxy.example.org], user: me, password: {value: geheim}}}}
virtual_hosts: {192.0.2.9: {name: v.example.org}}
files: {notes: {content: Hello}}
"""

VALUES: Final[tuple[Any, ...]] = (
    True, False, 7, 777, "words", "2M", "3m", "/opt/thing", "thing.example.com", "@thing.example.com", "192.0.2.77",
    "2001:db8::77", "ldaps://thing.example.com", "(a=b)", "1.3", "{SSHA}AAAABBBBCCCCDDDD", "accept", "+=", "C",
    ["thing"], ["thing.example.com"], ["/bin/echo", "thing"], ["192.0.2.77:77"], ["192.0.2.77"], ["10.0.0.0/8"],
    ["PLAIN", "CRAM-MD5"], ["all"], ["fail"], ["smtp"], [], ["esmtp"], ["imap"], ["fixed-from"], ["gateway"], ["pam"],
    ["ben@example.net"], ["ldap://thing.example.com"], ["thing@example.net"], [{"reject": "n local"}],
    {"thing": {}}, {"thing": "/opt/thing"}, {"thing": "words"}, {"thing": "anna"}, {"smtp": {"value": "geheim2"}},
    {"thing.example.com": {}}, {"thing.example.com": ["thing.example.net"]}, {"thing.example.com": "relay.example.net"},
    {"thing.example.com": {"user": "a", "password": "b"}}, {"esmtp": {"thing": "anna"}}, {"WINDOW": 60},
    {"10.0.0.0/8": "relay"}, {"esmtpd": {"TARPIT": False}}, {"esmtpd": {"THING": "a"}}, {"LDAPTLS_CACERT": "/ca.pem"},
    {"THING": "a"}, {"POST": "all"}, {"thing": {"content": "a"}}, {"value": "other"}, {"instructions": "./thing"},
    {"quiet": True}, {"size": "3M"}, {"drop": True}, {"certificate": "/opt/thing.pem"},
    {"name": "thing.example.com"}, {"disable": ["pop3"]}, {"select": "SELECT 7"}, {"deliveries": 7},
    "n thing", "strict", "relay", "hosted", "local", "allow", "required", "ipv6", "soft", "berkeley", "upstream-2.0",
    "0600", "procmail", "1.3.13", "optional", "net", "selective", "hosted.example", "words ! words", "all",
)  # fmt: skip
"""Values that may stand behind fields of all kinds; the first that a field takes and that changes a file will do."""


_EXPECTED: Final = frozenset(sections(expectations.Tests))
SECTIONS: Final = {section.__name__: section for section in sections(Site) if section not in _EXPECTED}
"""Every section that describes the host."""


@dataclass(frozen=True)
class EverySecret:
    """Reveals each secret as a text of its own."""

    def reveal(self, ref: SecretRef) -> str:
        return f"revealed-{getattr(ref, 'value', ref)}".replace(" ", "-")


@cache
def written() -> Document:
    return document(EVERY_SECTION)


@cache
def base() -> Site:
    site, problems = parse_site(written())
    assert site is not None, list(map(str, problems))
    return site


def instances(value: object, path: SitePath = ()) -> Iterator[tuple[SitePath, Section]]:
    """Every section of a site with its place, those that are written out only."""
    if isinstance(value, Section):
        yield path, value
        for name in value.model_fields_set:
            yield from instances(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from instances(part, (*path, key))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from instances(part, (*path, place))


@cache
def places() -> dict[str, SitePath]:
    """A place for each kind of section."""
    found: dict[str, SitePath] = {}
    for path, section in sorted(instances(base()), key=lambda entry: str(entry[0])):
        found.setdefault(type(section).__name__, path)
    return found


def test_every_section_of_the_language_stands_in_the_site_of_this_test() -> None:
    assert set(SECTIONS) == set(places())


def made(tree: dict[str, Any]) -> dict[str, tuple[object, ...]] | None:
    """Everything that matters of what is built, None for a tree that is no site."""
    whole = replace(written(), tree=tree)
    site, _ = parse_site(whole)
    resolved = resolve(site, whole)[0] if site is not None else None
    if resolved is None:
        return None
    try:
        artefacts = build(resolved, EverySecret(), "site.yaml").artefacts
    except CourierSiteError as error:  # the library for the other format of databases is not everywhere
        return {"": (str(error),)}
    return {artefact.path: facts(artefact) for artefact in artefacts}


def facts(artefact: Artefact) -> tuple[object, ...]:
    return artefact.content, artefact.mode, artefact.owner, artefact.group, artefact.link


@cache
def unchanged() -> dict[str, tuple[object, ...]]:
    result = made(written().tree)
    assert result is not None
    return result


def saying(section: str, field: str) -> Iterator[dict[str, Any]]:
    """Trees that differ from the site in what a section says in a field: nothing, or each of the values."""
    tree, here = opened(section, field)
    if here.pop(field, None) is not None:
        yield tree
    for value in VALUES:
        tree, here = opened(section, field)
        if here.get(field) != value:
            for rival in ONE_OF.get(section, ()) if field in ONE_OF.get(section, ()) else ():
                here.pop(rival, None)
            here[field] = value
            if is_section(section, here):
                yield tree


def is_section(section: str, said: dict[str, Any]) -> bool:
    """Whether a section by itself may say this, which is much quicker to see than whether the whole site may."""
    try:
        SECTIONS[section].model_validate(said)
    except ValidationError:
        return False
    return True


def opened(section: str, field: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A fresh tree, and a section of that kind in it that may have the field."""
    tree = copy.deepcopy(written().tree)
    here: Any = tree
    for step in ELSEWHERE.get(f"{section}.{field}", places()[section]):
        here = here[step]
    return tree, here


FIELDS: Final = [f"{name}.{field}" for name, section in SECTIONS.items() for field in section.model_fields]


def test_the_same_site_is_built_the_same_each_time() -> None:
    assert made(written().tree) == unchanged()


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in NO_EFFECT])
def test_saying_a_field_changes_a_file(name: str) -> None:
    section, _, field = name.partition(".")
    builds = (made(tree) for tree in saying(section, field))
    assert any(result is not None and result != unchanged() for result in builds)


def test_fields_without_effect_are_fields() -> None:
    assert set(NO_EFFECT) <= set(FIELDS)
