"""listeners: the ports on which clients are served, and what they may do there."""

from typing import Literal

from courier_schema.site.base import Section
from courier_schema.site.tls import Tls
from courier_schema.words import Endpoint, HostName, Line, Positive, Word

Mechanism = Literal["PLAIN", "LOGIN", "CRAM-MD5", "CRAM-SHA1", "CRAM-SHA256"]


class Listener(Section):
    """One service on its ports."""

    enabled: bool = True
    """Start it. A listener that a site does not mention is off."""
    on: list[Endpoint] | None = None
    """Addresses and ports; the service's usual port on every address when absent."""
    max_connections: Positive | None = None
    """Sessions at a time."""
    max_per_address: Positive | None = None
    """Sessions at a time from one address."""
    require_tls: bool | None = None
    """Refuse everything before STARTTLS."""
    tls: Tls | None = None
    """What differs from the site's `tls` here."""


class SmtpListener(Listener):
    """An SMTP service: smtp, submission or smtps."""

    max_per_network: Positive | None = None
    """Sessions at a time from one class C (IPv4) or last-octet (IPv6) network."""
    require_auth: bool | None = None
    """Refuse mail from clients that are not logged in."""
    auth: list[Mechanism] | None = None
    """Login methods offered without encryption; an empty list offers none."""
    auth_tls: list[Mechanism] | None = None
    """Login methods offered over TLS."""
    check_sender_domain: bool | None = None
    """Refuse return addresses whose domain does not resolve."""
    vrfy: bool | None = None
    """Answer VRFY."""
    expn: bool | None = None
    """Answer EXPN."""
    tarpit: bool | None = None
    """Slow down clients that make many errors or name many recipients."""
    add_message_id: bool | None = None
    """Add a Message-ID header where it is missing."""
    add_date: bool | None = None
    """Add a Date header where it is missing."""
    log_dialog: bool | None = None
    """Write every command and reply to the log."""


class MailboxListener(Listener):
    """A mailbox service: imap, imaps, pop3 or pop3s."""

    auth: list[Mechanism] | None = None
    """SASL methods offered without encryption."""
    auth_tls: list[Mechanism] | None = None
    """SASL methods offered over TLS."""
    starttls: bool | None = None
    """Offer STARTTLS (imap, pop3)."""
    default_domain: Line | None = None
    """Separator and domain added to logins without one, such as @example.org."""
    maildir: Word | None = None
    """Maildir below the home directory for accounts that do not say."""
    proxy: bool | None = None
    """Hand each session to the server named by the account's `mailhost` option."""
    proxy_name: HostName | None = None
    """Name of this host as accounts' `mailhost` spells it."""


class Listeners(Section):
    """The services. What is not listed is off."""

    smtp: SmtpListener | None = None
    """Mail from other servers, port 25."""
    submission: SmtpListener | None = None
    """Mail from logged-in users, port 587."""
    smtps: SmtpListener | None = None
    """Mail over TLS from the first byte, port 465."""
    imap: MailboxListener | None = None
    """IMAP, port 143."""
    imaps: MailboxListener | None = None
    """IMAP over TLS, port 993."""
    pop3: MailboxListener | None = None
    """POP3, port 110."""
    pop3s: MailboxListener | None = None
    """POP3 over TLS, port 995."""
