"""Where an address goes: the module, the account and the extension, decided in Courier's order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from courier_runtime.auth.chain import Chain
from courier_runtime.auth.userdb import Userdb
from courier_runtime.mail.reply import Reply
from courier_runtime.routing.accept import accept
from courier_runtime.routing.addresses import canonical
from courier_runtime.routing.aliases import expand
from courier_runtime.routing.instructions import candidates
from courier_runtime.routing.local import LocalHop
from courier_runtime.routing.router import Router
from courier_runtime.seams import Hop
from courier_runtime.snapshot.model import Snapshot
from runtime.trees import account, snapshot_of

USERDB: Mapping[str, str] = {
    "bob": account("/home/bob", 2002),
    "bob-smith": account("/home/smith", 2003),
    "rootly": account("/root", 0),
    "vuser@hosted.example": account("/home/vuser", 3001),
    "alias@caught.example": account("/home/catch-all", 3002),
}
HOSTED = {"hosted.example": "1", "caught.example": "1", "other.example": "hosted.example", ".wild.example": "1"}


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    for home, files in {
        "home/bob": [".courier-lists", ".courier-shop-default", ".courier-a:b"],
        "home/vuser": [".courier-foo"],
        "home/catch-all": [".courier-default"],
    }.items():
        (tmp_path / "root" / home).mkdir(parents=True)
        for name in files:
            (tmp_path / "root" / home / name).touch()
    made = snapshot_of(
        tmp_path,
        tables={
            "userdb.dat": USERDB,
            "hosteddomains.dat": HOSTED,
            "uucpneighbors.dat": {"food": "F", "apple": "1", "gate": "G", "rel": "R", "rel!fruits": "1"},
        },
    )
    aliasdir = made.ground.sysconfdir / "aliasdir"
    aliasdir.mkdir()
    (aliasdir / ".courier-robot").touch()
    return made


def route(address: str, snapshot: Snapshot) -> Hop | Reply:
    router = Router(Chain({"authuserdb": Userdb()}), (900, 901))
    return asyncio.run(router.route(address, snapshot))


def local(address: str, snapshot: Snapshot) -> tuple[str, str]:
    """Account and extension of a local hop."""
    hop = route(address, snapshot)
    assert isinstance(hop, Hop)
    assert hop.module == "local"
    found = LocalHop.parse(hop.host)
    return found.account, found.extension


def test_a_local_hop_is_spelt_as_in_couriers_log(snapshot: Snapshot) -> None:
    assert route("bob@example.com", snapshot) == Hop("local", "bob!!2002!2002!/home/bob!!", "bob")


@pytest.mark.parametrize(
    ("address", "account_name", "extension"),
    [
        ("bob@mx.example.com", "bob", ""),
        ("bob-lists@example.com", "bob", "lists"),
        ("bob-shop-order-7@example.com", "bob", "shop-order-7"),
        ("bob-smith@example.com", "bob-smith", ""),
        ("bob-a.b@example.com", "bob", "a.b"),
        ("vuser@hosted.example", "vuser@hosted.example", ""),
        ("vuser-foo@hosted.example", "vuser@hosted.example", "foo"),
        ("vuser@other.example", "vuser@hosted.example", ""),
        ("whoever@caught.example", "alias@caught.example", "whoever"),
        ("robot@example.com", "alias", "robot"),
        ("bob-shop-a-b-c-d-e@example.com", "bob", "shop-a-b-c-d-e"),
    ],
)
def test_the_longest_account_of_at_most_three_hyphens_takes_the_rest_as_its_extension(
    address: str, account_name: str, extension: str, snapshot: Snapshot
) -> None:
    assert local(address, snapshot) == (account_name, extension)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("nobody@example.com", "nobody"),
        ("bob-unwanted@example.com", "bob-unwanted"),
        ("bob-smith-lists@example.com", "bob-smith-lists"),
        ("nobody@hosted.example", "nobody@hosted.example"),
        ("rootly@example.com", "rootly"),
        ("a-b-c-bob-x@example.com", "a-b-c-bob-x"),
    ],
)
def test_who_has_no_account_or_no_file_for_the_extension_is_unknown(
    address: str, shown: str, snapshot: Snapshot
) -> None:
    assert route(address, snapshot) == Reply.of(550, f"User <{shown}> unknown")


def test_a_home_that_may_not_be_read_accepts_now(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("courier_runtime.routing.local.os.stat", forbid)
    assert local("bob-unwanted@example.com", snapshot) == ("bob", "unwanted")


def test_what_is_neither_local_nor_hosted_goes_to_its_domain(snapshot: Snapshot) -> None:
    assert route("joe@example.net", snapshot) == Hop("esmtp", "example.net", "joe@example.net")


@pytest.mark.parametrize(
    ("address", "hop"),
    [
        ("apple!john@example.com", Hop("uucp", "apple", "john")),
        ("food!x!y!john", Hop("uucp", "food!x!y", "john")),
        ("gate!x!john", Hop("uucp", "gate", "x!john")),
        ("rel!x", Hop("uucp", "rel", "x")),
    ],
)
def test_a_bang_path_goes_to_the_neighbour_that_runs_rmail(address: str, hop: Hop, snapshot: Snapshot) -> None:
    assert route(address, snapshot) == hop


def test_a_bang_path_that_its_neighbour_does_not_take_is_refused(snapshot: Snapshot) -> None:
    assert route("apple!x!john", snapshot) == Reply.of(550, "Unknown UUCP bang path.")
    assert route("stranger!john@example.com", snapshot) == Reply.of(550, "Unknown UUCP bang path.")
    assert route("stranger!john@hosted.example", snapshot) == Reply.of(550, "Unknown UUCP bang path.")
    assert route("!john@example.com", snapshot) == Reply.of(550, "Invalid UUCP bang path.")


def test_a_bang_path_elsewhere_is_an_ordinary_address(snapshot: Snapshot) -> None:
    assert route("apple!john@elsewhere.example", snapshot) == Hop(
        "esmtp", "elsewhere.example", "apple!john@elsewhere.example"
    )


def test_a_refusal_names_the_local_part_as_it_was_spelt_and_the_domain_as_it_is(snapshot: Snapshot) -> None:
    assert route("Nobody@other.example", snapshot) == Reply.of(550, "User <Nobody@hosted.example> unknown")


def test_canonical_form_folds_domains_and_the_postmaster_but_no_other_local_part(snapshot: Snapshot) -> None:
    assert canonical("Bob@EXAMPLE.com", snapshot) == "Bob@example.com"
    assert canonical("POSTMASTER@Example.Com", snapshot) == "postmaster@example.com"
    assert canonical("PostMaster@Example.Net", snapshot) == "PostMaster@example.net"


def test_locallowercase_folds_our_local_parts_only(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, {"locallowercase": ""})
    assert canonical("Bob@Example.com", snapshot) == "bob@example.com"
    assert canonical("Joe@example.net", snapshot) == "Joe@example.net"


def test_an_alias_of_the_protocol_comes_before_the_general_one(tmp_path: Path) -> None:
    snapshot = snapshot_of(
        tmp_path,
        tables={
            "aliases.dat": {"info@example.com": "bob@example.com\n", "@v.example": "bob\n"},
            "aliases-esmtp.dat": {"info@example.com": "guard@example.com\n"},
        },
    )
    assert expand("info@example.com", "esmtp", snapshot) == ("guard@example.com",)
    assert expand("info@mx.example.com", "local", snapshot) == ("bob@example.com",)
    assert expand("x@v.example", "local", snapshot) == ("bob-x@mx.example.com",)
    assert expand("bob@example.com", "local", snapshot) is None


def test_strangers_may_write_to_accepted_domains_and_through_listed_percent_relays(tmp_path: Path) -> None:
    snapshot = snapshot_of(
        tmp_path,
        {
            "esmtpacceptmailfor": "example.com\n!no.wild.example\n.wild.example\n",
            "esmtppercentrelay": "inner.example\n",
        },
        {"esmtpacceptmailfor.dat": {".deep.example": "1"}},
    )

    def accepted(address: str) -> str | None:
        answer = accept(address, snapshot)
        return answer.address if answer else None

    assert accepted("bob@example.com") == "bob@example.com"
    assert accepted("x@a.wild.example") == "x@a.wild.example"
    assert accepted("x@wild.example") is None
    assert accepted("x@no.wild.example") is None
    assert accepted("x@a.b.deep.example") == "x@a.b.deep.example"
    assert accepted("u%inner.example@example.com") == "u@inner.example"
    assert accepted("u%outer.example@example.com") == "u%outer.example@example.com"
    assert accepted("joe@example.net") is None


def test_instruction_files_are_looked_for_from_the_exact_name_to_the_most_general() -> None:
    names = [(found.name, found.default) for found in candidates("a-b.c-d")]
    assert names == [
        (".courier-a-b:c-d", ""),
        (".courier-a-b:c-default", "d"),
        (".courier-a-default", "b.c-d"),
        (".courier-default", "a-b.c-d"),
    ]


def test_no_extension_leads_out_of_the_home_directory() -> None:
    assert all("/" not in found.name for found in candidates("../../etc/passwd"))
