"""courierd: the queue daemon, local delivery and the SMTP client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy, translate
from courier_compiler.derive._tls import negotiation
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.courierd import Courierd
from courier_schema.site.delivery import Delivery, Destination
from courier_schema.site.tls import SendingTls

_DELIVERY: Final = ("delivery",)
_DOTFORWARD: Final = "|| dotforward\n"
_SENDING: Final = {
    "enabled": "esmtp_use_starttls",
    "verify": "esmtp_tls_verify_domain",
    "trust": "tls_trustcerts",
    "security_trust": "tls_trustsecuritycerts",
    "certificate": "tls_certfile",
    "key": "tls_private_keyfile",
}


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about the mail system's core."""
    site = resolved.site
    yield from _delivery(resolved)
    yield from _sending(resolved, site.sending_tls)
    yield from translate(
        Courierd,
        site.backscatter,
        ("backscatter",),
        {"discard_bounces": "esmtp_blockbackscatter"},
        lambda sources: tuple(f"{source}/dsn" for source in sources),
        "as kinds of bounces",
    )
    yield from copy(Courierd, site.backscatter, ("backscatter",), {"bounce_to_login": "dsntoauthaddr"})
    yield from copy(Courierd, site.host, ("host",), {"archive": "archivedir"})
    yield from translate(
        Courierd, site.uucp, ("uucp",), {"uux_options": "uuxflags"}, lambda options: tuple(options.split())
    )


def _sending(resolved: ResolvedSite, tls: SendingTls) -> Iterator[Intent]:
    path = ("sending_tls",)
    yield from copy(Courierd, tls, path, _SENDING)
    yield from translate(
        Courierd, tls, path, {"verify": "tls_verifypeer"}, lambda verify: "PEER" if verify else "NONE", "with the name"
    )
    yield from negotiation(Courierd, tls, path, resolved.profile)


def _delivery(resolved: ResolvedSite) -> Iterator[Intent]:
    delivery = resolved.site.delivery
    yield from copy(Courierd, delivery, _DELIVERY, {"dynamic": "dynamicdeliveries", "skeleton": "auth_mkhomedir_skel"})
    maildir = resolved.site.account_defaults.maildir
    instructions = _mailbox(maildir or "Maildir")
    if maildir is not None:
        both = Courierd(defaultdelivery=instructions, maildropdefault=instructions)
        yield Intent(both, ("account_defaults", "maildir"), "where accounts look for mail")
    if delivery.default is not None:
        instructions = _instructions(resolved, delivery.default)
        yield Intent(Courierd(defaultdelivery=instructions), (*_DELIVERY, "default"), "as delivery instructions")
        yield from _left_by_maildrop(delivery)
    if delivery.forward_files:
        forwarding = _DOTFORWARD + instructions
        yield Intent(Courierd(defaultdelivery=forwarding), (*_DELIVERY, "forward_files"), "before the default")


def _instructions(resolved: ResolvedSite, default: Destination) -> str:
    """The one default as .courier files spell it."""
    layout = resolved.profile.layout
    if default.filter == "maildrop":
        return f"| {resolved.site.delivery.maildrop or layout.maildrop}"
    if default.filter == "procmail":
        return f"| {layout.bindir}/preline {layout.procmail}"
    if default.program is not None:
        return f"| {default.program}"
    if default.instructions is not None:
        return default.instructions.rstrip("\n")
    return _mailbox(default.maildir or default.mbox or "Maildir")


def _left_by_maildrop(delivery: Delivery) -> Iterator[Intent]:
    """What a maildrop filter does not place goes to the same mailbox."""
    place = delivery.default and (delivery.default.maildir or delivery.default.mbox)
    if place:
        yield Intent(Courierd(maildropdefault=_mailbox(place)), (*_DELIVERY, "default"), "for maildrop as well")


def _mailbox(path: str) -> str:
    return path if path.startswith(("./", "/")) else f"./{path}"


DERIVATIONS = (Derivation("courierd", derive),)
