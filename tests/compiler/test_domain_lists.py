"""Lists of domains with exclusions: Courier takes the first entry that matches, and means what the site says."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compiler.built_sites import HEAD, built_site
from courier_schema.legacy.formats.accept import lookup_accept
from courier_schema.legacy.formats.domains import DomainList, itself_and_ends
from courier_schema.legacy.formats.hosted import lookup_hosted

Domains = dict[str, dict[str, Any]]

LABELS = st.sampled_from("ab")
NAMES = st.builds(
    lambda dot, labels: f"{dot}{'.'.join(labels)}.example",
    st.sampled_from(["", "."]),
    st.lists(LABELS, min_size=1, max_size=3),
)
BELOW = st.builds("".join, st.tuples(st.sampled_from(["", "."]), LABELS))
KINDS = ("local", "hosted", "relay")
ASKED = [f"{'.'.join(labels)}.example" for count in range(1, 5) for labels in product("ab", repeat=count)]


@st.composite
def domains(draw: st.DrawFn) -> Domains:
    found: Domains = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=5, unique=True)):
        kind, accept = draw(st.sampled_from(KINDS)), draw(st.sampled_from([True, True, False]))
        wild = name.startswith(".") and kind != "hosted"
        excluding = draw(st.lists(BELOW, max_size=2, unique=True)) if wild else []
        found[name] = {"kind": kind, "accept": accept, "excluding": [below + name for below in excluding]}
    return found


def hides(found: Domains) -> bool:
    """Whether a wildcard hides a domain of a kind that is asked for later, which the checks refuse."""
    return any(
        KINDS.index(found[above]["kind"]) < KINDS.index(said["kind"])
        for name, said in found.items()
        for above in [*itself_and_ends(name)][1:]
        if above in found
    )


def owner(domain: str, found: Domains) -> dict[str, Any] | None:
    """Whose a domain is: local before hosted before relayed, the most exact entry of a kind deciding."""
    for kind in KINDS:
        own = {name: said for name, said in found.items() if said["kind"] == kind}
        excluded = {name for said in own.values() for name in said["excluding"]} - own.keys()
        decisive = next((end for end in itself_and_ends(domain) if end in own or end in excluded), None)
        if decisive in own:
            return own[decisive]
    return None


@given(domains())
@settings(max_examples=60, deadline=None)
def test_every_domain_is_whose_the_site_says_and_accepted_only_where_it_says_so(found: Domains) -> None:
    assume(not hides(found))
    built = built_site(f"{HEAD}domains: {found}\n".replace("'", "").replace("True", "true").replace("False", "false"))
    local, accepted = (DomainList.of(built.lines(name), "") for name in ("locals", "esmtpacceptmailfor"))
    hosted = {key.encode(): value.encode() for key, value in built.records("hosteddomains.dat").items()}
    further = {key.encode(): b"1" for key in built.records("esmtpacceptmailfor.dat")}
    for domain in ASKED:
        said = owner(domain, found)
        place = "remote" if said is None or said["kind"] == "relay" else said["kind"]
        assert lookup_hosted(domain, hosted.get, "", local).place.value == place, domain
        is_taken = said is not None and said["accept"]
        assert lookup_accept(domain, accepted, further.get, "").is_accepted == is_taken, domain
