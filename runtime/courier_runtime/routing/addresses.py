"""Addresses in the form in which this server compares and stores them."""

from __future__ import annotations

from typing import Final

from courier_runtime.snapshot.model import Snapshot
from courier_schema.legacy.formats.domains import lower, normal_form
from courier_schema.legacy.formats.hosted import HostedAnswer, Place, lookup_hosted

POSTMASTER: Final = "postmaster"


def split(address: str) -> tuple[str, str]:
    """Local part and domain; the domain is empty where there is none."""
    local_part, at, domain = address.rpartition("@")
    return (local_part, domain) if at else (address, "")


def place(domain: str, snapshot: Snapshot) -> HostedAnswer:
    """Whether a domain is local, hosted here, or elsewhere. An address without a domain is local."""
    names = snapshot.locality
    if not domain:
        return HostedAnswer(Place.LOCAL, None, None, ())
    return lookup_hosted(domain, snapshot.hosted, names.host_name, names.locals)


def canonical(address: str, snapshot: Snapshot) -> str:
    """The domain in lower case and UTF-8; the local part too where it is ours and `locallowercase` exists.

    Postmaster of a local domain is `postmaster`, however it is written.
    """
    local_part, domain = split(address)
    if not domain:
        return folded(local_part, snapshot)
    form = normal_form(domain)
    if place(form, snapshot).place is Place.REMOTE:
        return f"{local_part}@{form}"
    return f"{folded(local_part, snapshot)}@{form}"


def ascii_name(domain: str) -> str:
    """A domain as it is spoken in SMTP; one that has no such form stays as it is."""
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def folded(local_part: str, snapshot: Snapshot) -> str:
    """A local part of ours in the form in which it is looked up."""
    if snapshot.locality.lowercase:
        return local_part.lower() if local_part.isascii() else lower(local_part)
    return POSTMASTER if local_part.lower() == POSTMASTER else local_part
