"""The recipient: syntax, relaying, blocks and what else is asked before an address is looked up."""

from __future__ import annotations

import re
from typing import Final

from courier_compiler.context import HOST_NAME
from courier_compiler.tracing.host import CompiledHost, Value, Variables
from courier_compiler.tracing.values import Reply, Stage, Why
from courier_compiler.tracing.walk import Walk
from courier_schema.legacy.formats.accept import AcceptAnswer, lookup_accept, relay_percent
from courier_schema.legacy.formats.bofh import DEFAULT_MAXRCPTS
from courier_schema.legacy.formats.hosted import Place

_STAGE = Stage.RECIPIENT
_CODE: Final = re.compile(r"([45][0-9]{2})[ -](.*)", re.DOTALL)
_SUPPRESSING: Final = "BOFHSUPPRESSBACKSCATTER"


def accept(walk: Walk, variables: Variables) -> str | Reply:
    """The address that is looked up next, or the refusal."""
    _count(walk)
    address = _suffixed(walk, variables)
    if not address or address.startswith("@"):
        walk.note(_STAGE, "the address is empty or a source route")
        return Reply("RCPT", 500, "Invalid address")
    completed = _with_domain(walk, variables, address)
    if isinstance(completed, Reply):
        return completed
    relayed = _relayed(walk, variables, completed)
    if isinstance(relayed, Reply):
        return relayed
    return _blocked(walk, variables) or _filtered(walk, variables, relayed)


def _count(walk: Walk) -> None:
    limit, kind = walk.host.bofh.maxrcpts or DEFAULT_MAXRCPTS, "good" if walk.host.bofh.is_hard else "now"
    why = walk.host.why("bofh", "maxrcpts") if walk.host.bofh.maxrcpts else Why("Courier's default")
    walk.note(_STAGE, f"recipients behind the first {limit} are refused for {kind}", why)


def _suffixed(walk: Walk, variables: Variables) -> str:
    suffix = variables.get("RELAYCLIENT", Value(""))
    if suffix.text:
        walk.note(_STAGE, f"{suffix.text} is appended to the address", suffix.why)
    return walk.envelope.recipient + suffix.text


def _with_domain(walk: Walk, variables: Variables, address: str) -> str | Reply:
    """The address with a domain that has a dot; two exceptions need none."""
    local_part, at, domain = address.rpartition("@")
    domain = domain.rstrip(".")
    if at and re.fullmatch(r"fax(?:-[^.]*)?", domain) and "FAXRELAYCLIENT" in variables:
        return address
    if at and re.fullmatch(r"\[[0-9a-fA-F.:]+\]", domain):
        walk.assume(_STAGE, f"would compare {domain} with the address that the client came to")
        return f"{local_part}@{walk.host.locality.default_domain}"
    if not at or "." not in domain or domain.startswith("["):
        walk.note(_STAGE, f"{address} has no domain with a dot")
        return Reply("RCPT", 513, "Syntax error.")
    return f"{local_part}@{domain}"


def accepts(host: CompiledHost, domain: str) -> AcceptAnswer:
    """Whether mail for a domain is taken from strangers."""
    listed = host.domains("esmtpacceptmailfor", (host.locality.me,))
    return lookup_accept(domain, listed, host.get("esmtpacceptmailfor.dat"), HOST_NAME)


def accepted_why(host: CompiledHost, found: AcceptAnswer) -> Why | None:
    """The reason of an entry of the accept lists."""
    name = "esmtpacceptmailfor.dat" if found.tried else "esmtpacceptmailfor"
    return host.why(name, found.found) if found.found is not None else None


def _relayed(walk: Walk, variables: Variables, address: str) -> str | Reply:
    domain = address.rpartition("@")[2]
    relaying = variables.get("RELAYCLIENT")
    if relaying is not None:
        walk.note(_STAGE, "the client may relay to any domain", relaying.why)
    else:
        found = accepts(walk.host, domain)
        if not found.is_accepted:
            walk.note(_STAGE, f"{domain} is not accepted from strangers, and the client may not relay")
            return Reply("RCPT", 513, "Relaying denied.")
        walk.note(_STAGE, f"{domain} is accepted from everybody: {found.found}", accepted_why(walk.host, found))
    return _percent(walk, address)


def _percent(walk: Walk, address: str) -> str:
    host = walk.host
    listed, get = host.domains("esmtppercentrelay"), host.get("esmtppercentrelay.dat")
    answer = relay_percent(
        address,
        lambda domain: host.place(domain).place is not Place.REMOTE,
        lambda domain: lookup_accept(domain, listed, get, HOST_NAME),
    )
    if answer.address != address and answer.inner is not None:
        name = "esmtppercentrelay.dat" if answer.inner.tried else "esmtppercentrelay"
        walk.note(
            _STAGE, f"percent relay: {address} becomes {answer.address}", host.why(name, answer.inner.found or "")
        )
    return answer.address


def _blocked(walk: Walk, variables: Variables) -> Reply | None:
    block = variables.get("BLOCK", Value(""))
    if not block.text:
        return None
    walk.note(_STAGE, f"BLOCK refuses every recipient: {block.text}", block.why)
    coded = _CODE.fullmatch(block.text)
    return Reply("RCPT", int(coded[1]), coded[2]) if coded else Reply("RCPT", 511, block.text)


def _filtered(walk: Walk, variables: Variables, address: str) -> str:
    """What only the running host could tell: lately failed deliveries, and the recipient's own filter."""
    source = source_of(variables)
    suppressing = variables.get(_SUPPRESSING, Value("smtp", Why("Courier's default")))
    if source in suppressing.text.split(","):
        walk.assume(_STAGE, f"would refuse {address} if deliveries to it failed within two hours", suppressing.why)
    if walk.host.content("maildropfilter"):
        walk.assume(_STAGE, "would run the recipient's filter", walk.host.why("maildropfilter"))
    if address in walk.host.bofh.spamtrap:
        walk.note(_STAGE, f"{address} is a spam trap: the whole message is refused after its data with 550",
                  walk.host.why("bofh", f"spamtrap {address}"))  # fmt: skip
    return address


def source_of(variables: Variables) -> str:
    """What Courier calls the way a message came in, where it decides about bounces."""
    return "authsmtp" if "RELAYCLIENT" in variables else "smtp"
