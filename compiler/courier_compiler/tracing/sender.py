"""The sender: what submit asks of a return address before any recipient is named."""

from __future__ import annotations

from courier_compiler.tracing.host import Value, Variables
from courier_compiler.tracing.values import Reply, Stage
from courier_compiler.tracing.walk import Walk, flag
from courier_schema.legacy.formats.domains import lower, normal_form

_STAGE = Stage.SENDER
_USER_IN_SUBDOMAIN = (1, 1, 5)
"""First release that takes the pattern user@.domain."""


def with_bofh(walk: Walk, variables: Variables) -> Variables:
    """The variables of the submission: the options of bofh count where the session does not set them."""
    options = {name: Value(text, walk.host.why("bofh", name)) for name, text in walk.host.bofh.options.items()}
    return {**options, **variables}


def examine(walk: Walk, variables: Variables) -> Reply | None:
    """The refusal of the sender, if any; what only DNS could tell is noted."""
    sender = walk.envelope.sender
    trusted = "RELAYCLIENT" in variables
    _identity(walk, variables, trusted)
    if not sender:
        walk.note(_STAGE, "the null sender passes all other checks")
        return None
    domain = sender.rpartition("@")[2] if "@" in sender else ""
    if "." not in domain.strip("."):
        walk.note(_STAGE, f"{sender} has no domain with a dot")
        return Reply("MAIL", 517, "Syntax error.")
    for pattern in walk.host.bofh.badfrom:
        if _matches(walk, pattern, sender):
            walk.note(_STAGE, f"badfrom refuses {pattern}", walk.host.why("bofh", f"badfrom {pattern}"))
            return Reply("MAIL", 517, f"Sender rejected: {sender}")
    if not trusted:
        _freemail(walk, domain)
    _dns(walk, variables, domain)
    return None


def _identity(walk: Walk, variables: Variables, trusted: bool) -> None:
    """SPF and the HELO name."""
    exempt = trusted and flag(variables, "BOFHSPFTRUSTME")
    for name, what in (("BOFHSPFHELO", "the HELO name"), ("BOFHSPFMAILFROM", "the sender"), ("BOFHSPFFROM", "From")):
        value = variables.get(name, Value("off"))
        if value.text and "off" not in value.text.split(","):
            if exempt:
                walk.note(_STAGE, f"SPF of {what} is not checked for clients that may relay", value.why)
            else:
                walk.assume(_STAGE, f"would look up SPF of {what}; accepted: {value.text}", value.why)
    if flag(variables, "BOFHCHECKHELO") and not trusted:
        walk.assume(_STAGE, "would look up the HELO name", variables["BOFHCHECKHELO"].why)


def _matches(walk: Walk, pattern: str, sender: str) -> bool:
    user, _, domain = sender.rpartition("@")
    wanted, _, where = pattern.rpartition("@")
    domain, where = normal_form(domain), normal_form(where)
    if walk.host.locality.lowercase:
        user, wanted = lower(user), lower(wanted)
    if where.startswith("."):
        known = not wanted or walk.host.release >= _USER_IN_SUBDOMAIN
        return known and domain.endswith(where) and wanted in ("", user)
    return domain == where and wanted in ("", user)


def _freemail(walk: Walk, domain: str) -> None:
    for first, *others in walk.host.bofh.freemail:
        if normal_form(domain) == normal_form(first):
            names = ", ".join((first, *others))
            why = walk.host.why("bofh", f"freemail {first}")
            walk.assume(_STAGE, f"would look up the name of {walk.envelope.client}, to be in {names}", why)


def _dns(walk: Walk, variables: Variables, domain: str) -> None:
    if not flag(variables, "BOFHCHECKDNS"):
        return
    why = variables["BOFHCHECKDNS"].why
    if variables.get("BLOCK", Value("")).text:
        walk.note(_STAGE, f"the domain {domain} is not looked up: the client is blocked anyway", why)
        return
    refused = f", not to be among {', '.join(walk.host.bofh.badmx)}" if walk.host.bofh.badmx else ""
    walk.assume(_STAGE, f"would look up the mail servers of {domain}{refused}", why)
