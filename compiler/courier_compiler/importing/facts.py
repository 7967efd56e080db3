"""Facts: what an installation means to the programs that read it, one fact for each thing that could be asked.

Two installations that mean the same have the same facts, however their files are written. Settings are compared by
themselves, because an old release's silence has a meaning of its own (see `settings`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from courier_compiler.importing.access import access_places, read_access
from courier_compiler.importing.accounts import LOCATION, read_accounts
from courier_compiler.importing.aliases import read_alias_table
from courier_compiler.importing.control import LEAST_QUEUELO, duration, number
from courier_compiler.importing.domains import DomainTables
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.names import LISTS, TEXTS
from courier_compiler.importing.policy import header_limit
from courier_compiler.importing.routes import answer, is_findable, read_logins, read_routes
from courier_compiler.importing.settings_files import SettingsFile
from courier_compiler.importing.tables import read_table
from courier_compiler.legacy_tables.sources import PROTOCOLS
from courier_compiler.profile import Profile
from courier_schema.legacy.codecs import DurationCodec, NumberCodec, PresenceCodec, seconds
from courier_schema.legacy.formats import bofh
from courier_schema.legacy.formats.access import Deny, parse_value
from courier_schema.legacy.formats.domains import DomainList, first_line
from courier_schema.legacy.formats.makedat import Kind
from courier_schema.legacy.formats.routes import SMTP_PORT, lookup_route
from courier_schema.legacy.formats.uucp import Rights
from courier_schema.legacy.formats.uucp import parse_value as parse_rights
from courier_schema.legacy.table import Row, rows_by_name
from courier_schema.legacy.tables.control import Control

_UNORDERED: Final = ("maildirshared", "ldapaddressbook")
_DES: Final = re.compile(rb"([a-z0-9]*pw)=([./0-9A-Za-z]{13})")


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a fact is about: an area, and the thing in it."""

    area: str
    name: str

    def __str__(self) -> str:
        return f"{self.area} {self.name}"


def facts(
    installation: Installation, files: Mapping[str, SettingsFile], probes: Iterable[str], profile: Profile
) -> dict[Key, str]:
    """Everything but settings and carried files, as a target reads it. `probes` are domains that are asked about."""
    found: dict[Key, str] = {}
    for area, pairs in (
        ("control file", _control(installation)),
        ("domain", _domains(installation, probes)),
        ("route for", _routes(installation, probes, profile)),
        ("login at", _logins(installation)),
        ("aliases", _aliases(installation, "aliases", None)),
        *((f"aliases-{name}", _aliases(installation, f"aliases-{name}", name)) for name in PROTOCOLS),
        *(
            (section, _access(installation, files, section))
            for section in ("access", "submission_access", "mailbox_access")
        ),
        ("account", _accounts(installation)),
        ("bofh", _policy(installation)),
        ("UUCP neighbour", _neighbours(installation)),
        ("text", _texts(installation)),
        ("list", _lists(installation)),
        ("instructions", _instructions(installation)),
        ("link", _links(installation)),
        ("virtual host", _virtual_hosts(installation)),
    ):
        found.update((Key(area, name), value) for name, value in pairs)
    return found


def domain_probes(*installations: Installation) -> list[str]:
    """Names to ask about: every domain that is listed, something below each, and one that is listed nowhere."""
    names: dict[str, None] = {"unlisted.invalid": None}
    for installation in installations:
        tables = DomainTables.of(installation)
        listed = [*tables.names(), *tables.exclusions(), *tables.percent_names(), *tables.percent_exclusions()]
        routed = (route.domain for route in read_routes(installation)[0] if is_findable(route))
        for name in filter(None, (*listed, *routed)):
            bare = name.removeprefix(".")
            names |= dict.fromkeys((bare, f"probe.{bare}", f"deep.probe.{bare}"))
    return list(names)


def _control(installation: Installation) -> Iterator[tuple[str, str]]:
    for name, row in rows_by_name(Control).items():
        content = installation.content(name)
        if name == "me":
            yield name, installation.me.strip()
        elif name == "defaultdomain":
            yield name, installation.locality.default_domain.strip()
        elif content is not None and name != "esmtpgreeting":
            value = _control_value(name, row, content)
            if value is not None:
                yield name, value


def _control_value(name: str, row: Row, content: bytes) -> str | None:
    """A value as its reader understands it; None where it says no more than a missing file."""
    text = first_line(content).strip("\r")
    if isinstance(row.codec, PresenceCodec):
        return "present"
    if isinstance(row.codec, DurationCodec):
        return f"{seconds(duration(text))} seconds"
    if isinstance(row.codec, NumberCodec):
        value = max(number(text), LEAST_QUEUELO) if name == "queuelo" else number(text)
        return str(value) if name != "batchsize" or value else None
    if name.endswith("-mode"):
        return text if text == "all" else None
    if name == "enablefiltering":
        return " ".join(word for word in text.split() if word in {"esmtp", "local", "uucp"}) or None
    if row.codec.kind == "pairs":
        return " ".join(sorted(content.decode(errors="replace").split("\n"))).strip()
    return " ".join(text.split()) if name in {"webadmin/unsecureok", "backuprelay"} else text


def _domains(installation: Installation, probes: Iterable[str]) -> Iterator[tuple[str, str]]:
    tables = DomainTables.of(installation)
    for probe in probes:
        yield probe, tables.place(probe)
        if tables.relays_behind_percent(probe):
            yield f"%{probe}", "relayed"


def _routes(installation: Installation, probes: Iterable[str], profile: Profile) -> Iterator[tuple[str, str]]:
    alive, _ = read_routes(installation)
    for probe in probes:
        route = lookup_route(probe, alive)
        if route is not None and (found := answer(route, profile)) != f"DNS port {SMTP_PORT}":
            yield probe, found


def _logins(installation: Installation) -> Iterator[tuple[str, str]]:
    for login in read_logins(installation):
        yield login.relay, f"{login.user} {_digest(login.password.encode(errors='surrogateescape'))}"


def _digest(data: bytes) -> str:
    """Stands for what must not be shown."""
    return f"#{hashlib.sha256(data).hexdigest()[:12]}"


def _aliases(installation: Installation, name: str, protocol: str | None) -> Iterator[tuple[str, str]]:
    table = read_alias_table(installation, name, protocol)
    if table is not None:
        yield from ((alias, ", ".join(recipients)) for alias, recipients in table.lists.items())
        yield from (
            (f"program {file}", re.sub(r"(?m)^\|[ \t]*", "|", content.decode(errors="replace").strip()))
            for file, content in table.programs.items()
        )


def _access(installation: Installation, files: Mapping[str, SettingsFile], section: str) -> Iterator[tuple[str, str]]:
    place = access_places(installation, files).get(section)
    found = read_access(installation, place, section) if place else None
    for key, value in found.records.items() if found else ():
        action = parse_value(value)
        if isinstance(action, Deny):
            yield key.decode(errors="replace"), "deny"
            continue
        variables = (
            f"{name.decode(errors='replace')}={text.decode(errors='replace')}"
            for name, text in action.environment.items()
        )
        yield key.decode(errors="replace"), " ".join(("allow", *sorted(variables)))


def _accounts(installation: Installation) -> Iterator[tuple[str, str]]:
    accounts = read_accounts(installation)
    for login, value in accounts.public.items() if accounts else ():
        assert accounts is not None
        public = sorted(_field(part) for part in value.split(b"|") if not part.startswith(LOCATION + b"="))
        secret = sorted(
            _DES.sub(rb"\1={CRYPT}\2", part) if _DES.fullmatch(part) else part
            for part in accounts.shadow.get(login, b"").split(b"|")
            if part and not part.startswith(LOCATION + b"=")
        )
        shown = " ".join(filter(None, (part.decode(errors="replace") for part in public)))
        yield login.decode(errors="replace"), f"{shown} {_digest(b'|'.join(secret))}" if secret else shown


def _field(part: bytes) -> bytes:
    """A field of an account in one spelling: options and limits in one order, empty fields left out."""
    name, _, text = part.partition(b"=")
    if name in {b"options", b"quota"}:
        text = b",".join(sorted(word for word in text.replace(b" ", b"").split(b",") if word))
    return name + b"=" + text if text else b""


def _policy(installation: Installation) -> Iterator[tuple[str, str]]:
    if "bofh" not in installation.files:
        return
    found, _ = bofh.parse(installation.source("bofh"))
    for word, values in (("badfrom", found.badfrom), ("badmx", found.badmx), ("spamtrap", found.spamtrap)):
        yield from ((f"{word} {value}", "refused") for value in values)
    freemail: dict[str, set[str]] = {}
    for domain, *others in found.freemail:
        freemail.setdefault(domain, set()).update(others)
    yield from ((f"freemail {domain}", " ".join(sorted(others))) for domain, others in freemail.items())
    if found.maxrcpts is not None:
        yield "maxrcpts", f"{found.maxrcpts}{' hard' if found.is_hard else ''}"
    for name, text in found.options.items():
        words = ",".join(word for word in re.split(r"[,\s]+", text) if word)
        yield f"option {name}", str(header_limit(text)) if name == "BOFHHEADERLIMIT" else words


def _neighbours(installation: Installation) -> Iterator[tuple[str, str]]:
    found = read_table(installation, "uucpneighbors", Kind.UUCPNEIGHBORS)
    for key, value in found.records.items() if found else ():
        rights = parse_rights(value)
        yield key.decode(errors="replace"), " ".join(right.name or "" for right in Rights if right in rights) or "known"


def _texts(installation: Installation) -> Iterator[tuple[str, str]]:
    for name in (*TEXTS, *(f"maildroprcs/{name}" for name in installation.directly_in("maildroprcs"))):
        content = installation.content(name)
        if content is not None:
            text = content.rstrip(b"\n").decode(errors="replace")
            yield name, text.split("\n")[0].strip() if name.startswith("dsnsubject") else text
    for name in installation.files:
        # where Debian's maildrop, a package of its own, has them
        if name.startswith(("/etc/maildroprc", "/etc/maildroprcs/")):
            yield name.removeprefix("/etc/"), installation.files[name].content.rstrip(b"\n").decode(errors="replace")


def _lists(installation: Installation) -> Iterator[tuple[str, str]]:
    for name in LISTS:
        content = installation.content(name)
        if content is not None:
            lines = [_entry(name, line) for line in content.decode(errors="replace").splitlines()]
            kept = [re.sub(r"[\t ]+", " ", line).rstrip(": ") for line in lines if line]
            ordered = sorted(kept) if name in _UNORDERED else kept
            if ordered:
                yield name, "\n".join(ordered)


def _entry(name: str, line: str) -> str:
    """A line of a list without its comment, and of an address book without the name to bind with, which nobody uses."""
    kept = "\t".join(line.split("\t")[:4]) if name == "ldapaddressbook" else line
    return kept.partition("#")[0].strip()


def _instructions(installation: Installation) -> Iterator[tuple[str, str]]:
    for name in installation.directly_in("aliasdir"):
        if name.startswith("."):  # the others are no instructions, whatever they say
            yield name, installation.files[f"aliasdir/{name}"].content.strip(b"\n").decode(errors="replace")


def _links(installation: Installation) -> Iterator[tuple[str, str]]:
    for name, file in installation.files.items():
        if file.link is not None and (name.startswith("filters/active/") or name == "authProg"):
            yield name, file.link


def _virtual_hosts(installation: Installation) -> Iterator[tuple[str, str]]:
    """Files with the suffix of a virtual host that is declared."""
    endings = tuple(name.removeprefix("vhost") for name in installation.files if name.startswith("vhost."))
    for name, file in installation.files.items():
        if endings and name.endswith(endings):
            if name.startswith("locals."):
                yield name, "\n".join(sorted(DomainList.parse(file.content, installation.host_name).entries))
            else:
                yield name, file.content.decode(errors="replace").rstrip("\n")
