"""The real Courier 1.0.16 as a peer, and the site that describes it and, with other names, our own server."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from real.machine import HERE
from real.mail_host import MailHost, RealCourier, build, home, put

UID: Final = 5001
PASSWORD: Final = "correct-horse"

_SITE: Final = """
site: {domain}
profile: debian-12
host: {{name: mx.{domain}, postmaster: {user}, max_message_size: 80M}}
tls: {{certificate: /etc/courier/esmtpd.pem}}
listeners:
  smtp: {{auth: [], tarpit: false, check_sender_domain: false, max_per_address: 40, max_per_network: 40}}
  submission:
    auth: []
    auth_tls: [PLAIN, LOGIN, CRAM-MD5]
    require_tls: true
    require_auth: true
    check_sender_domain: false
    max_per_address: 40
    max_per_network: 40
accounts:
  {user}: {{uid: {uid}, gid: {uid}, password: {{from_file: secrets/password}}, cram: true}}
domains:
  {domain}: {{}}
  submitted.{domain}: {{}}
access:
  {trusted}: relay
policy: {{max_recipients: {{count: 2000, hard: true}}}}
backscatter: {{discard_bounces: [], refuse_failing: []}}
queue: {{retry_pause: 2s, host_pause: "0"}}
routes:
  submitted.{partner}:
    via: "[{address}]"
    port: 587
    login: {{user: {partner_user}, password: {{from_file: secrets/password}}}}
"""


def tree(domain: str, user: str, partner: tuple[str, str, str], scratch: Path, more: str = "") -> Path:
    """The compiled tree of a server with one user, that logs in at a partner (domain, user, address) for
    `submitted.DOMAIN` of his; `more` is what else the site says.
    """
    partner_domain, partner_user, address = partner
    text = _SITE.format(
        domain=domain,
        user=user,
        uid=UID,
        trusted=HERE,
        partner=partner_domain,
        partner_user=partner_user,
        address=address,
    )
    return build(text + more, scratch, {"password": PASSWORD})


def furnish(host: MailHost, domain: str, user: str) -> Path:
    """The user's maildir, which takes his extensions as well."""
    place = home(host, user, UID, domain)
    put(place / ".courier-default", "./Maildir\n", UID)
    return place / "Maildir"


_FILTER: Final = "/usr/local/bin/judge"
_FILTERED: Final = f"""
delivery: {{recipient_filter: {_FILTER}}}
filters: {{apply_to: [esmtp]}}
"""
_JUDGE: Final = """#!/bin/sh
case "$*" in
*rcptfilter-filtered*) exit 99 ;;
*smtpfilter-filtered-bad*) echo "550 This is not to my taste."; exit 1 ;;
esac
"""
"""Has the text of mail for `filtered` looked at, and refuses it for `filtered-bad`."""


class Courier(RealCourier):
    """A peer."""

    domain = "courier.example"

    def __init__(self, address: str, partner: tuple[str, str, str], scratch: Path) -> None:
        scratch.mkdir()
        super().__init__(
            f"mx.{self.domain}", address, tree(self.domain, "paul", partner, scratch, _FILTERED), scratch / "machine"
        )
        self.inbox = furnish(self, self.domain, "paul")
        self.machine.path(_FILTER).write_text(_JUDGE)
        self.machine.path(_FILTER).chmod(0o755)

    @property
    def address(self) -> str:
        return f"paul@{self.domain}"

    def extended(self, extension: str) -> str:
        return f"paul-{extension}@{self.domain}"
