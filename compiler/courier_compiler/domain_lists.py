"""Domain lists: the entries of `locals`, `esmtpacceptmailfor` and `esmtppercentrelay`, the most exact ones deciding.

Courier takes the first entry of a list that matches. So where one excludes something, more exact entries stand in
front of those that cover more, and whatever a site says of a domain wins over what it says of a wildcard above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from courier_compiler.names import Named, Names, owner, table
from courier_compiler.origin import Origin, derived
from courier_schema.legacy.formats.domains import itself_and_ends, normal_form
from courier_schema.site.routing import PercentRelay

Entries = Mapping[str, Origin]


def local_entries(names: Names) -> Entries:
    """The entries of `locals`."""
    local = names.local.values()
    return _in_order(_listed(local), {key: why for entry in local for key, why in entry.exclusions.items()})


def accepted_entries(names: Names) -> tuple[Entries, Entries]:
    """The entries of `esmtpacceptmailfor`, and the keys of its database.

    Only the list can exclude, and the database may still have what it excludes. So the list has, besides the local
    domains, which are few, each wildcard above an exclusion.
    """
    named = (*names.local.values(), *names.hosted.values(), *names.relay.values())
    taken = _listed(entry for entry in named if entry.domain.accept)
    accepted, refused = _exceptions(names, named)
    refused = {key: why for key, why in refused.items() if _above(key) & taken.keys()}
    above = {end for key in refused for end in _above(key)}
    listed = _listed(entry for entry in names.local.values() if entry.domain.accept)
    listed |= {key: taken[key] for key in taken if key in above}
    listed |= {key: why for key, why in accepted.items() if key not in taken and _above(key) & refused.keys()}
    return _in_order(listed, refused), {key: taken[key] for key in sorted(taken.keys() - listed.keys())}


def percent_entries(relay: PercentRelay) -> Entries:
    """The entries of `esmtppercentrelay`."""
    listed, excluded = (
        {normal_form(said): derived("percent_relay", field, position) for position, said in enumerate(domains)}
        for field, domains in (("domains", relay.domains), ("excluding", relay.excluding))
    )
    return _in_order(listed, excluded)


def _exceptions(names: Names, named: Iterable[Named]) -> tuple[dict[str, Origin], dict[str, Origin]]:
    """What wildcards exclude, and domains that take no mail: those that another entry accepts, and the others."""
    found: dict[str, Origin] = {}
    for entry in named:
        found |= entry.exclusions
        if not entry.domain.accept:
            found |= dict.fromkeys(entry.keys, entry.origin)
    tables = [table(kind) for kind in (names.local, names.hosted, names.relay)] if found else []
    accepted = {key: why for key, why in found.items() if _is_accepted(key, tables)}
    return accepted, {key: why for key, why in found.items() if key not in accepted}


def _is_accepted(form: str, tables: Iterable[Mapping[str, Named | None]]) -> bool:
    """Whether mail for a domain is taken by whoever has it: Courier asks for local domains first."""
    found = next((entry for known in tables if (entry := owner(form, known)) is not None), None)
    return found is not None and found.domain.accept


def _above(form: str) -> set[str]:
    return {*itself_and_ends(form)} - {form}


def _listed(named: Iterable[Named]) -> dict[str, Origin]:
    return {key: entry.origin for entry in named for key in entry.keys}


def _in_order(listed: Entries, excluded: Entries) -> dict[str, Origin]:
    """A list in which the most exact entry comes first, where that matters; what is listed is not excluded."""
    entries = dict(listed) | {f"!{key}": why for key, why in excluded.items() if key not in listed}
    if len(entries) == len(listed):
        return {key: entries[key] for key in sorted(entries)}
    return {key: entries[key] for key in sorted(entries, key=lambda key: (-_labels(key), key))}


def _labels(entry: str) -> int:
    return entry.lstrip("!.").count(".")
