"""A directory of compiled (or hand-made) files becomes a Snapshot, or a CourierSiteError that says why not.

A tree with a manifest is verified: a snapshot never mixes two generations. A file that was edited by hand after the
tree was made counts as it stands, and the generation's name says so.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from courier_runtime.snapshot.certificates import Doubt, client_context, server_context, stamps, verifying_context
from courier_runtime.snapshot.model import (
    AcceptLists,
    Accounts,
    Get,
    Ground,
    ListenerSettings,
    ModuleLimits,
    Notices,
    Snapshot,
    Stamp,
    nothing,
)
from courier_runtime.snapshot.settings import environment, module_values, one_value_files, settings
from courier_runtime.snapshot.tree import Opener, Tree, open_for_reading
from courier_schema.legacy.formats import bofh
from courier_schema.legacy.formats.domains import DomainList, Locality
from courier_schema.legacy.formats.faxrc import parse_faxrc
from courier_schema.legacy.formats.routes import parse_credentials, parse_routes
from courier_schema.legacy.formats.uucp import uucp_name
from courier_schema.legacy.manifest import NAME, MalformedManifest, Manifest, load_manifest
from courier_schema.legacy.tables.authdaemon import Authdaemonrc
from courier_schema.legacy.tables.control import Control
from courier_schema.legacy.tables.courierd import Courierd
from courier_schema.legacy.tables.esmtpd import Esmtpd
from courier_schema.legacy.tables.esmtpd_msa import EsmtpdMsa
from courier_schema.legacy.tables.esmtpd_ssl import EsmtpdSsl
from courier_schema.report import CourierSiteError

RECORDS: Final = ".courier-site"
"""Where an applied tree keeps its manifest, and its journal while it changes."""

JOURNAL: Final = "journal.json"

MODULES: Final = ("dsn", "esmtp", "fax", "local", "uucp")

_STOCK_MODULES: Final = {
    "dsn": ModuleLimits("dsn", 99, 4, 1, 1),
    "esmtp": ModuleLimits("esmtp", 50, 40, 4, 100),
    "fax": ModuleLimits("fax", 45, 1, 1, 1),
    "local": ModuleLimits("local", 10, 10, 4, 1),
    "uucp": ModuleLimits("uucp", 5, 4, 4, 16),
}
_LISTENERS: Final[tuple[tuple[str, type[Esmtpd], str], ...]] = (
    ("esmtpd", Esmtpd, "ESMTPDSTART"),
    ("esmtpd-msa", EsmtpdMsa, "ESMTPDSTART"),
    ("esmtpd-ssl", EsmtpdSsl, "ESMTPDSSLSTART"),
)
_PATIENCE: Final = 50
_PAUSE: Final = 0.1
"""An apply that is under way is waited for: so often, so many seconds each time."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a tree lies."""

    sysconfdir: Path
    nominal: str
    """What the tree calls its own directory."""
    manifest: Path | None
    prefix: str = "/usr"
    """Where its target has Courier installed."""


def find_tree(path: Path) -> Found:
    """Recognise what a path leads to: what `build` wrote, a mail host's root, or a configuration directory.

    Raises CourierSiteError for anything else.
    """
    if (path / NAME).is_file():
        layout = read_manifest(path / NAME).layout
        return Found(path / layout["sysconfdir"].lstrip("/"), layout["sysconfdir"], path / NAME, layout["prefix"])
    for directory in (path, path / "etc/courier"):
        if any((directory / name).is_file() for name in ("esmtpd", "courierd", "me")):
            record = directory / RECORDS / NAME
            if record.is_file():
                layout = read_manifest(record).layout
                return Found(directory, layout["sysconfdir"], record, layout["prefix"])
            return Found(directory, "/etc/courier", None)
    raise CourierSiteError(
        f"{path} holds no compiled tree: there is neither a {NAME} nor a file courierd or esmtpd in it"
    )


def load_snapshot(found: Found, ground: Ground, host_name: str = "", opener: Opener | None = None) -> Snapshot:
    """Read everything; the opener opens files for whoever may.

    Raises CourierSiteError for what is missing, malformed, or still changing.
    """
    host_name = host_name or socket.gethostname()
    opener = opener or open_for_reading
    for _ in range(_PATIENCE):
        before = _record(found, opener)
        tree = Tree(found.sysconfdir, opener=opener)
        snapshot = _load(tree, ground, host_name)
        if _record(found, opener) == before and not _is_changing(found, opener):
            return replace(snapshot, generation=_generation(tree, found, before))
        time.sleep(_PAUSE)
    raise CourierSiteError(f"{found.sysconfdir} does not come to rest: an apply has begun and not ended there")


def _load(tree: Tree, ground: Ground, host_name: str) -> Snapshot:
    shell = environment(tree, "courierd")
    courierd = settings(Courierd, shell, "courierd")
    whole = _snapshot(tree, ground, host_name, courierd, shell)
    names = tree.names("vhost.")
    others = {name: _virtual(tree.virtual(name), host_name, whole) for name in names}
    return replace(whole, virtual=MappingProxyType(others))


def _snapshot(tree: Tree, ground: Ground, host_name: str, courierd: Courierd, shell: Mapping[str, str]) -> Snapshot:
    names = _locality(tree, host_name)
    control = one_value_files(Control, tree)
    doubts: list[str] = []
    certificates = stamps(courierd, ground)
    return Snapshot(
        generation="",
        ground=ground,
        locality=names,
        control=control,
        bofh=bofh.parse(tree.source("bofh"))[0],
        courierd=courierd,
        courierd_environment=shell,
        listeners=MappingProxyType(dict(_listeners(tree, ground, names.me, doubts.append, certificates))),
        modules=MappingProxyType({name: _module(tree, name) for name in MODULES}),
        accept=_accept(tree, names),
        hosted=tree.table("hosteddomains.dat"),
        aliases=tree.table("aliases.dat"),
        aliases_of_module=_module_aliases(tree),
        uucp=tree.table("uucpneighbors.dat"),
        uucp_name=control.uucpme or uucp_name(names.me),
        accounts=_accounts(tree),
        fax_rules=parse_faxrc(tree.read("faxrc") or b""),
        routes=parse_routes(tree.read("esmtproutes") or b""),
        routes_database=None if tree.read("esmtproutes") is not None else tree.table("esmtproutes.dat"),
        credentials=parse_credentials(tree.read("esmtpauthclient") or b""),
        notices=_notices(tree),
        greeting=_greeting(tree, names),
        client_tls=client_context(courierd, ground, doubts.append),
        client_tls_verified=verifying_context(courierd, courierd.tls_trustcerts, ground, doubts.append),
        client_tls_security=verifying_context(courierd, courierd.tls_trustsecuritycerts, ground, doubts.append),
        certificates=MappingProxyType(certificates),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def _virtual(tree: Tree, host_name: str, base: Snapshot) -> Snapshot:
    """What is otherwise for a virtual host: everything but what the daemons read when they start."""
    names = _locality(tree, host_name)
    control = one_value_files(Control, tree)
    return replace(
        base,
        locality=names,
        control=control,
        bofh=bofh.parse(tree.source("bofh"))[0],
        accept=_accept(tree, names),
        hosted=tree.table("hosteddomains.dat"),
        aliases=tree.table("aliases.dat"),
        aliases_of_module=_module_aliases(tree),
        fax_rules=parse_faxrc(tree.read("faxrc") or b""),
        routes=parse_routes(tree.read("esmtproutes") or b""),
        credentials=parse_credentials(tree.read("esmtpauthclient") or b""),
        notices=_notices(tree),
        greeting=_greeting(tree, names),
    )


def _locality(tree: Tree, host_name: str) -> Locality:
    names = ("me", "defaultdomain", "locals", "locallowercase")
    contents = {name: content for name in names if (content := tree.read(name)) is not None}
    return Locality.from_files(contents, host_name)


def _listeners(
    tree: Tree, ground: Ground, me: str, doubt: Doubt, certificates: dict[Path, Stamp]
) -> list[tuple[str, ListenerSettings]]:
    """Those that the boot flags switch on, each with the files that Courier reads before its own."""
    found: list[tuple[str, ListenerSettings]] = []
    for name, table, flag in _LISTENERS:
        if tree.read(name) is None:
            continue
        assigned = environment(tree, "esmtpd", name)
        if assigned.get(flag, "")[:1] not in ("Y", "y"):
            continue
        decoded = settings(table, assigned, name)
        certificates.update(stamps(decoded, ground))
        access = tree.table(_inside(ground, f"{decoded.accessfile}.dat")) if decoded.accessfile else None
        found.append(
            (
                name,
                ListenerSettings(
                    name=name,
                    settings=decoded,
                    environment=assigned,
                    **({"access": access} if access else {}),
                    tls=server_context(decoded, ground, me, doubt),
                    is_tls_from_start=name == "esmtpd-ssl",
                ),
            )
        )
    return found


def _inside(ground: Ground, path: str) -> str:
    """A path for the tree: relative where it lies inside, so that the tree may lie anywhere."""
    inside = path.removeprefix(f"{ground.nominal}/")
    return inside if inside != path else str(ground.place(path))


def _module(tree: Tree, name: str) -> ModuleLimits:
    values = module_values(tree, name)
    if values is None:
        return _STOCK_MODULES[name]
    numbers = {key: int(text) for key, text in values.items() if text.isdecimal()}
    return ModuleLimits(
        name,
        numbers.get("PRIORITY", 0),
        numbers.get("MAXDELS", 1),
        numbers.get("MAXHOST", 1),
        numbers.get("MAXRCPT", 1),
    )


def _accept(tree: Tree, names: Locality) -> AcceptLists:
    accepted, percent = tree.read("esmtpacceptmailfor"), tree.read("esmtppercentrelay")
    own = DomainList.of([names.me], names.host_name)
    return AcceptLists(
        accepted=own if accepted is None else DomainList.parse(accepted, names.host_name),
        accepted_database=tree.table("esmtpacceptmailfor.dat"),
        percent=DomainList.parse(percent or b"", names.host_name),
        percent_database=tree.table("esmtppercentrelay.dat"),
    )


def _module_aliases(tree: Tree) -> Mapping[str, Get]:
    found = {name: tree.table(f"aliases-{name}.dat") for name in MODULES}
    return MappingProxyType({name: get for name, get in found.items() if get is not nothing})


def _accounts(tree: Tree) -> Accounts:
    rc = settings(Authdaemonrc, environment(tree, "authdaemonrc"), "authdaemonrc")
    is_there = tree.read("authdaemonrc") is not None
    return Accounts(
        modules=rc.authmodulelist if is_there else ("authuserdb",),
        userdb=tree.table("userdb.dat"),
        userdb_shadow=tree.table("userdbshadow.dat"),
    )


def _notices(tree: Tree) -> Notices:
    def text(name: str) -> str:
        content = tree.read(f"dsn{name}.txt")
        if content is None:
            raise CourierSiteError(f"{tree.directory}/dsn{name}.txt is missing: notices to senders are made of it")
        return content.decode(errors="surrogateescape")

    return Notices(
        header=text("header"),
        delivered=text("delivered"),
        relayed=text("relayed"),
        failed=text("failed"),
        delayed=text("delayed"),
        footer=text("footer"),
        subject_notice=text("subjectnotice").strip(),
        subject_warning=text("subjectwarn").strip(),
    )


def _greeting(tree: Tree, names: Locality) -> tuple[str, ...]:
    content = tree.read("esmtpgreeting")
    if content is None:
        return (f"{names.me} ESMTP",)
    return tuple(content.decode(errors="surrogateescape").rstrip("\n").split("\n"))


def read_manifest(path: Path, opener: Opener = open_for_reading) -> Manifest:
    """The manifest in this file. Raises CourierSiteError."""
    try:
        with os.fdopen(opener(path), "rb") as file:
            return load_manifest(file.read())
    except (OSError, MalformedManifest) as error:
        raise CourierSiteError(f"{path}: {error}") from error


def _record(found: Found, opener: Opener) -> Manifest | None:
    return read_manifest(found.manifest, opener) if found.manifest else None


def _is_changing(found: Found, opener: Opener) -> bool:
    """Whether there is a journal: an apply under way, or one that was cut off."""
    try:
        os.close(opener(found.sysconfdir / RECORDS / JOURNAL))
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CourierSiteError(f"{found.sysconfdir / RECORDS / JOURNAL}: {error}") from error
    return True


def _generation(tree: Tree, found: Found, manifest: Manifest | None) -> str:
    """The manifest's own name while every file is as it says, else one with a hash of what was read."""
    if manifest is not None:
        prefix = found.nominal.strip("/")
        listed = {path: entry.sha256 for path, entry in manifest.files.items() if not entry.link}
        edited = {name for name, digest in tree.hashes.items() if listed.get(f"{prefix}/{name}") != digest}
        if not edited:
            return manifest.generation
    facts = "\n".join(f"{name} {digest}" for name, digest in sorted(tree.hashes.items()))
    own = hashlib.sha256(facts.encode(errors="surrogateescape")).hexdigest()[:8]
    return f"{manifest.generation}+{own}" if manifest is not None else own
