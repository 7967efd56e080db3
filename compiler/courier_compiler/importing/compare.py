"""Compare: whether the rebuilt installation means what the old one meant, and why not where it does not.

Every difference is either explained, as something that no longer matters or that every site does better, or it is a
loss that somebody has to look at.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from courier_compiler.importing.access import access_places, network_of
from courier_compiler.importing.domains import DomainTables
from courier_compiler.importing.draft import fits
from courier_compiler.importing.facts import Key, domain_probes, facts
from courier_compiler.importing.installation import File, Installation
from courier_compiler.importing.policy import is_of_use
from courier_compiler.importing.privacy import is_private
from courier_compiler.importing.rest import why_not_carried
from courier_compiler.importing.routes import read_routes
from courier_compiler.importing.settings import OF_THE_BUILD, Wanted, as_shipped
from courier_compiler.importing.settings_files import SettingsFile, is_same, read_settings, row_of
from courier_compiler.importing.shipped import is_shipped
from courier_compiler.parts.alias_files import STANDARD
from courier_compiler.parts.alias_names import POSTMASTER, AliasNames
from courier_schema.legacy.formats.access import EVERYBODY
from courier_schema.legacy.tables import table
from courier_schema.report import Mark
from courier_schema.words import HostName

_LOOPBACK = ("127.0.0.1", ":0000:0000:0000:0000:0000:0000:0000:0001")
_ELSEWHERE = "Courier's programs and its configuration directory are elsewhere in the target"
_OF_TEXTS = ("access", "submission_access", "mailbox_access", "bofh", "UUCP neighbour")
"""Areas of facts in which what a file says is the name of the fact."""
_SHOWN = 400
_HIDDEN = "***"
"""Stands for a password, and for what is in a file that not everybody may read."""
_SOURCES = {
    "domain": ("locals", "esmtpacceptmailfor", "hosteddomains", "esmtpacceptmailfor.dir", "esmtppercentrelay"),
    "route for": ("esmtproutes",), "UUCP neighbour": ("uucpneighbors",), "instructions": ("aliasdir",),
    "account": ("userdb", "userdb.dat"), "login at": ("esmtpauthclient",),
}  # fmt: skip
"""Areas of facts to their files, for those that are called neither like these nor like what is in them."""
_NAMED = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as before. `why` is empty for a loss."""

    what: str
    old: str | None
    new: str | None
    why: str = ""
    mark: Mark | None = None
    others: tuple[str, ...] = ()
    """Further things of the same area that are new for the same reason."""

    @property
    def is_loss(self) -> bool:
        return not self.why

    def __str__(self) -> str:
        if self.old == _HIDDEN:
            return f"{self.what} {'is not in the site' if self.new is None else 'is another one in the site'}"
        if self.old == self.new:
            return f"{self.what}: the password in it is another one in the site"
        if self.others:
            named = (self.what, *self.others[: _NAMED - 1])
            more = len(self.others) + 1 - len(named)
            return f"{', '.join(named)}{f' and {more} more' if more else ''}: not there before"
        return f"{self.what}: {_shown(self.old)} becomes {_shown(self.new)}"


def _shown(text: str | None) -> str:
    if text is None:
        return "nothing"
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 3]}...")


def compare(old: Installation, new: Installation, wanted: Wanted) -> list[Difference]:
    """Every difference between the old installation and the rebuilt one."""
    profile = wanted.draft.profile
    old_files, new_files = read_settings(old, profile), read_settings(new, profile)
    probes = domain_probes(old, new)
    return [
        *_settings(wanted, new_files),
        *_replaced(wanted),
        *_joined(_facts(facts(old, old_files, probes, profile), facts(new, new_files, probes, profile), old, wanted)),
        *_carried(old, new, wanted),
    ]


def _settings(wanted: Wanted, rebuilt: Mapping[str, SettingsFile]) -> Iterator[Difference]:
    profile = wanted.draft.profile
    pairs: dict[tuple[str, str], tuple[str | None, str | None]] = {}
    for file in wanted.files:
        made = rebuilt.get(file) or as_shipped(file, profile)
        base = table(file).overlays
        for name in wanted.names(file, made):
            pair = (wanted.text(file, name), made.values.get(name))
            if not is_same(file, name, *pair) and (base is None or pairs.get((base.file, name)) != pair):
                pairs[file, name] = pair
    unsaid: dict[tuple[str, str], list[str]] = {}
    for (file, name), pair in pairs.items():
        why = wanted.why_undecided(file, name)
        if why == OF_THE_BUILD and not wanted.is_shipped(file, name, pair[1]):
            why = ""
        if pair[0] is None and why:
            unsaid.setdefault((file, why), []).append(f"{name}={pair[1]}")
        else:
            yield _setting(file, name, pair, why, wanted)
    for (file, why), texts in unsaid.items():
        yield Difference(file, None, ", ".join(texts), why)


def _replaced(wanted: Wanted) -> Iterator[Difference]:
    """Settings with a path in them that the target has elsewhere."""
    for file, old in wanted.files.items():
        for name, before in old.own.items():
            after = wanted.text(file, name)
            if after != before and wanted.is_decided(file, name):
                shown = (_HIDDEN, _HIDDEN) if wanted.is_private(file) else (before, after)
                yield Difference(f"{name} of {file}", *shown, _ELSEWHERE, old.marks.get(name))


def _setting(file: str, name: str, pair: tuple[str | None, str | None], why: str, wanted: Wanted) -> Difference:
    found, what, (before, after) = row_of(file, name), f"{name} of {file}", pair
    if wanted.is_private(file) and before is not None and not (found and found[1].secret):
        return Difference(what, _HIDDEN, after and _HIDDEN, why, wanted.files[file].marks.get(name))
    if found is None or not found[1].secret:
        return Difference(what, before, after, why, wanted.files[file].marks.get(name))
    is_said = bool(after) and not wanted.is_shipped(file, name, after)
    return Difference(what, _HIDDEN if before else None, _HIDDEN if is_said else None, why)


def _joined(differences: Iterable[Difference]) -> Iterator[Difference]:
    """Differences, those together that say: something is there which was not, for the same reason."""
    new: dict[str, list[Difference]] = {}
    for difference in differences:
        if difference.old is None and difference.why:
            new.setdefault(difference.why, []).append(difference)
        else:
            yield difference
    for why, together in new.items():
        if len(together) == 1:
            yield together[0]
        else:
            first, *others = together
            area = first.what.rpartition(" ")[0]
            names = tuple(other.what.removeprefix(f"{area} ") for other in others)
            yield Difference(first.what, None, first.new, why, others=names)


def _facts(
    old: Mapping[Key, str], new: Mapping[Key, str], installation: Installation, wanted: Wanted
) -> Iterator[Difference]:
    private = _private_sources(installation)
    places = access_places(installation, wanted.files)
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key), new.get(key)
        if before != after and key.area not in wanted.draft.meaningless:
            why = _why(key, before, after, old, installation)
            names = (places.get(key.area, ""), *_SOURCES.get(key.area, (key.name, key.area)))
            is_private = not private.isdisjoint(names)
            if is_private:
                before, after = (text if text is None else _HIDDEN for text in (before, after))
            what = f"{key.area} {_HIDDEN}" if is_private and key.area in _OF_TEXTS else str(key)
            yield Difference(what, _unrevealed(key, before), _unrevealed(key, after), why)


def _private_sources(installation: Installation) -> frozenset[str]:
    """Files that not everybody may read, and the directories at the top that have such files in them."""
    names = [name for name in installation.files if is_private(installation, name)]
    return frozenset((*names, *(name.partition("/")[0] for name in names)))


def _unrevealed(key: Key, text: str | None) -> str | None:
    """A value without what stands for a password in it."""
    if text is None or key.area not in {"login at", "account"}:
        return _HIDDEN if text is not None and key.name == "webadmin/password" else text
    return " ".join(_HIDDEN if word.startswith("#") else word for word in text.split())


def _why(key: Key, before: str | None, after: str | None, old: Mapping[Key, str], installation: Installation) -> str:
    """Why a fact may differ; empty where it must not."""
    match key.area:
        case "aliases":
            return _why_alias(key.name, before, after, old, installation)
        case "access" | "submission_access" | "mailbox_access":
            return _why_access(key, before, after)
        case "text" if after is not None and key.name.startswith("dsn"):
            return _why_text(key.name, before, installation)
        case "text" if before is None:
            return "a part of Courier that the site uses needs the text, so it is written"
        case "text" if after is None and is_shipped(installation.content(key.name) or b""):
            return "as Courier ships it"
        case "bofh" if after is None:
            return "" if is_of_use(key.name) else "it matches or decides nothing"
        case "login at" if before is None:
            return "Courier compares the route's own spelling, so the login stands under that, too"
        case "domain" if before is not None and after is not None:
            return _why_domain(before, after)
        case "login at" if after is None:
            is_used = key.name in {route.spelling for route in read_routes(installation)[0]} or fits(HostName, key.name)
            return "" if is_used else "no route is spelt like that, so it was never used"
        case "virtual host" if before is None:
            return "made together with the virtual host, so that nothing of the whole host applies to it"
        case _:
            return ""


def _why_domain(before: str, after: str) -> str:
    if before == "remote, not accepted by SMTP" and after.startswith("hosted"):
        return "accounts are known under it, so it is a domain of its own"
    return ""


def _why_alias(
    name: str, before: str | None, after: str | None, old: Mapping[Key, str], installation: Installation
) -> str:
    names = AliasNames(installation.locality)
    local, _, domain = name.rpartition("@")
    is_standard = names.name(local) in map(names.name, (*STANDARD, POSTMASTER)) or local in STANDARD
    if before is None and after is not None and _is_of_target(local, domain, after, old, installation):
        return "aliases of a domain hold for the domains that are an alias of it"
    if before is None and is_standard:
        return "mail for the customary names goes to postmaster"
    if not before and after is None:
        return "mail for the name was thrown away; say who shall get it"
    if before == "" or (before is None and after is not None and local == POSTMASTER):
        return "mail for the name was thrown away"
    if (
        is_standard
        and before is not None
        and after is not None
        and not old.get(Key("aliases", f"{POSTMASTER}@{domain}"))
    ):
        return "postmaster threw mail away, and so did what leads there"
    return ""


def _is_of_target(local: str, domain: str, after: str, old: Mapping[Key, str], installation: Installation) -> bool:
    """Whether a name stands for the same name of the domain under which the accounts of its own are known."""
    found = DomainTables.of(installation).place(domain)
    target = found.partition(",")[0].removeprefix("hosted ")
    return target != domain and old.get(Key("aliases", f"{local}@{target}")) == after


def _why_access(key: Key, before: str | None, after: str | None) -> str:
    if before is None and key.name in _LOOPBACK:
        return "this machine itself may relay"
    if after is None and key.name != EVERYBODY.decode() and network_of(key.name) is None:
        return "it matches no client"
    if before is not None and after is not None:
        kept = {word for word in before.split() if word.partition("=")[0].isidentifier()}
        if kept == set(after.split()):
            return "no program reads a variable of such a name"
    return ""


def _why_text(name: str, before: str | None, installation: Installation) -> str:
    if before is None:
        return "the dsn module needs the text, so it is written"
    return "Courier's own wording is replaced by ours" if is_shipped(installation.content(name) or b"") else ""


def _carried(old: Installation, new: Installation, wanted: Wanted) -> Iterator[Difference]:
    """Files that the site has to carry as they are, with their permissions."""
    for name, file in old.files.items():
        if wanted.draft.is_taken(name) or why_not_carried(old, name):
            continue
        made = new.files.get(name)
        before, after = _signature(file), _signature(made) if made else None
        if file.link is not None and made is not None and made.link is not None:
            before, after = (posixpath.basename(link) for link in (file.link, made.link))
        if before != after:
            yield Difference(f"file {name}", before, after)


def _signature(file: File) -> str:
    if file.link is not None:
        return f"link to {file.link}"
    digest = hashlib.sha256(file.content).hexdigest()[:12]
    return f"{len(file.content)} bytes #{digest} {file.mode:04o} {file.owner}:{file.group}"


def losses(differences: Iterable[Difference]) -> list[Difference]:
    """Those that nothing explains."""
    return [difference for difference in differences if difference.is_loss]
