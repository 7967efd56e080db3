"""etc/courier/vhost.NAME and FILE.NAME: what differs for connections to one address, or for users of one domain.

Courier takes FILE.NAME instead of FILE as a whole. A virtual host with a default domain of its own looks its local
aliases up under that domain, so it gets an alias table in which they have it; one with a list of accepted domains
gets an empty database beside it, because Courier would else look into that of the whole host.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import HOST_NAME, Context, ended
from courier_compiler.origin import derived
from courier_compiler.parts.alias_files import host_files
from courier_compiler.parts.alias_names import AliasNames
from courier_compiler.parts.alias_table import make_alias_table
from courier_compiler.parts.virtual_hosts import suffix
from courier_schema.legacy.formats.domains import DomainList, normal_form
from courier_schema.report import SitePath
from courier_schema.site.files import VirtualHost
from courier_schema.words import octets


def build(context: Context) -> Iterator[Artefact]:
    for name, host in context.site.virtual_hosts.items():
        path, end = ("virtual_hosts", name), suffix(name)
        yield context.text(f"vhost.{end}", "", derived(*path))
        yield from _one_line_files(context, host, end, path)
        yield from _lists(context, host, end, path)
        yield from _aliases(context, host, end, path)
        for file, text in sorted(host.files.items()):
            yield context.text(f"{file}.{end}", ended(text), derived(*path, "files", file))


def _one_line_files(context: Context, host: VirtualHost, end: str, path: SitePath) -> Iterator[Artefact]:
    values = {
        "me": ("name", host.name),
        "defaultdomain": ("default_domain", host.default_domain),
        "msgidhost": ("message_id_domain", host.message_id_domain),
        "esmtphelo": ("helo", host.helo),
        "ipout": ("source_ipv4", host.source_ipv4),
        "ip6out": ("source_ipv6", host.source_ipv6),
        "sizelimit": ("max_message_size", None if host.max_message_size is None else octets(host.max_message_size)),
    }
    for file, (field, value) in values.items():
        if value is not None:
            yield context.one_line(f"{file}.{end}", value, derived(*path, field))
    if host.greeting is not None:
        yield context.text(f"esmtpgreeting.{end}", ended(host.greeting), derived(*path, "greeting"))


def _lists(context: Context, host: VirtualHost, end: str, path: SitePath) -> Iterator[Artefact]:
    for file, field, domains in (
        ("locals", "local_domains", host.local_domains),
        ("esmtpacceptmailfor", "accept", host.accept),
    ):
        if domains is not None:
            places = {normal_form(domain): (*path, field, at) for at, domain in enumerate(domains)}
            lines = {domain: derived(*place) for domain, place in sorted(places.items())}
            yield context.lines(f"{file}.{end}", lines)
    if host.accept is not None:
        rule = "the database of the whole host must not count here"
        yield context.database(f"esmtpacceptmailfor.dat.{end}", {}, derived(*path, "accept", rule=rule))


def _aliases(context: Context, host: VirtualHost, end: str, path: SitePath) -> Iterator[Artefact]:
    if host.default_domain is None:
        return
    own = context.locality
    domains = own.locals if host.local_domains is None else DomainList.of(host.local_domains, HOST_NAME)
    locality = replace(own, me=host.name or own.me, default_domain=host.default_domain, locals=domains)
    files = host_files(context, AliasNames(own))
    table = make_alias_table(context, files, locality)
    yield context.database(f"aliases.dat.{end}", table.records, table.origins)


ARTEFACT = ArtefactSpec("vhosts", build)
