"""etc/courier/quotawarnmsg: the message that a maildir gets which passes its quota threshold, headers included.

A site with quotas that does not say its wording gets ours.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, ended
from courier_compiler.origin import derived
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import SitePath
from courier_templates import render
from courier_templates.contexts import QuotaWarning


def build(context: Context) -> Iterator[Artefact]:
    said = context.site.delivery.quota_warning
    if said is not None:
        yield context.text("quotawarnmsg", ended(said), derived("delivery", "quota_warning"))
    elif (path := _first_quota(context.resolved)) is not None:
        sender = f"Mail server <postmaster@{context.names.default}>"
        text = render(QuotaWarning(sender, context.resolved.me))
        yield context.text("quotawarnmsg", text, derived(*path, rule="our own wording"))


def _first_quota(resolved: ResolvedSite) -> SitePath | None:
    if resolved.site.account_defaults.quota is not None:
        return ("account_defaults", "quota")
    return next(((*mailbox.path, "quota") for mailbox in resolved.mailboxes if mailbox.account.quota is not None), None)


ARTEFACT = ArtefactSpec("quotawarnmsg", build)
