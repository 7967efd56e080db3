"""An address is looked up as submit does it: protocol first, then all mail; itself first, then its domain."""

from __future__ import annotations

import pytest

from courier_schema.legacy.formats.aliases.lookup import Step, as_submitted, lookup_alias
from courier_schema.legacy.formats.domains import Locality

FILES = {"me": b"mx.example.net\n", "defaultdomain": b"Example.com\n", "locals": b"example.com\nexample.net\n"}
LOCALITY = Locality.from_files(FILES, "mailhost")
RECORDS = {
    b"root@example.com": b"alice@example.com\n",
    b"all@example.com": b"a@example.com\nb@example.com\n",
    b"all@example.com\n1": b"c@example.com\n",
    b"all@example.com\n3": b"d@example.com\n",
    b"gap@example.com": b"a@example.com\n\nb@example.com\n",
    b"nobody@example.com": b"\n",
    b"@virt.org": b"jack\nhub!leaf!\n",
    b"info@virt.org": b"bob@example.com\n",
    b"x@y@virt.org": b"odd@example.com\n",
}


@pytest.mark.parametrize(
    ("address", "recipients"),
    [
        ("root", ["alice@example.com"]),
        ("root@example.net", ["alice@example.com"]),
        ("root@EXAMPLE.net", ["alice@example.com"]),
        ("root@example.org", []),
        ("Root", []),
        ("all", ["a@example.com", "b@example.com", "c@example.com"]),
        ("gap", ["a@example.com"]),
        ("nobody", []),
        ("info@virt.org", ["bob@example.com"]),
        ("sales@virt.org", ["jack-sales@mx.example.net", "hub!leaf!sales@mx.example.net"]),
        ("sales@sub.virt.org", []),
        ("sales@VIRT.org", []),
        ("a!b@virt.org", []),
        ("a%b@virt.org", []),
        ("x@y@virt.org", ["odd@example.com"]),
        ("z@y@virt.org", []),
    ],
)
def test_an_address_leads_to_its_recipients(address: str, recipients: list[str]) -> None:
    assert list(lookup_alias(address, RECORDS.get, LOCALITY).recipients) == recipients


def test_the_database_of_the_protocol_comes_first() -> None:
    protocol = {b"@virt.org": b"jill\n"}
    answer = lookup_alias("info@virt.org", RECORDS.get, LOCALITY, protocol_get=protocol.get)
    assert answer.recipients == ("jill-info@mx.example.net",)
    assert answer.steps == (
        Step("info@virt.org", is_protocol=True, is_virtual=False, found=False),
        Step("@virt.org", is_protocol=True, is_virtual=True, found=True),
    )


def test_an_answer_tells_every_key_that_was_tried() -> None:
    answer = lookup_alias("nil@example.net", RECORDS.get, LOCALITY, protocol_get=dict[bytes, bytes]().get)
    assert not answer.is_alias
    assert [(step.key, step.is_protocol, step.is_virtual) for step in answer.steps] == [
        ("nil@example.com", True, False),
        ("@example.com", True, True),
        ("nil@example.com", False, False),
        ("@example.com", False, True),
    ]


def test_an_alias_may_lead_to_nobody() -> None:
    answer = lookup_alias("nobody", RECORDS.get, LOCALITY)
    assert answer.is_alias
    assert answer.recipients == ()


@pytest.mark.parametrize(
    ("address", "submitted"),
    [
        ("Root@Example.ORG", "Root@example.org"),
        ("PostMaster@Example.ORG", "postmaster@example.org"),
        ("POSTMASTER", "postmaster"),
        ("Root", "Root"),
    ],
)
def test_case_is_lost_before_the_lookup(address: str, submitted: str) -> None:
    assert as_submitted(address, LOCALITY) == submitted


def test_case_is_lost_in_every_domain_with_locallowercase() -> None:
    locality = Locality.from_files(FILES | {"locallowercase": b""}, "mailhost")
    assert as_submitted("Root@Example.ORG", locality) == "root@example.org"
