"""Names that Courier no longer reads: what they were, since when, and what took their place."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Former:
    """A setting of the past. `removed` is the first release without it, in the words of its change log."""

    name: str
    files: tuple[str, ...]
    removed: str
    successor: str = ""
    note: str = ""


_SMTP: Final = ("esmtpd", "esmtpd-msa", "esmtpd-ssl")
_MAILBOX: Final = ("imapd", "imapd-ssl", "pop3d", "pop3d-ssl")

HISTORICAL: Final = (
    Former("AUTHMODULES", ("esmtpd", "imapd", "pop3d"), "courier 0.48.0", "authmodulelist in authdaemonrc"),
    Former(
        "AUTHMODULES_WEBADMIN", ("esmtpd", "imapd", "pop3d"), "courier 0.45.5", "authmodulelistorig in authdaemonrc"
    ),
    Former("TLS_DHCERTFILE", ("courierd", *_SMTP, *_MAILBOX), "courier 0.73", "TLS_DHPARAMS"),
    Former("TLS_KX_LIST", (*_SMTP, *_MAILBOX), "courier 0.76.1", "TLS_PRIORITY"),
    Former("TLS_COMPRESSION", (*_SMTP, *_MAILBOX), "courier 0.76.1", "TLS_PRIORITY"),
    Former("TLS_CERTS", (*_SMTP, *_MAILBOX), "courier 0.76.1", "TLS_PRIORITY"),
    Former("TLS_ERROR_HANDLE", (*_SMTP, *_MAILBOX), "courier 0.71"),
    Former("TLS_ERROR_REPORT", (*_SMTP, *_MAILBOX), "courier 0.71"),
    Former("TLS_PEERCERTDIR", ("courierd", *_SMTP, *_MAILBOX), "courier 0.61", "TLS_TRUSTCERTS"),
    Former("TLS_OURCACERT", ("courierd", *_SMTP, *_MAILBOX), "courier 0.61", "TLS_TRUSTCERTS"),
    Former("IMAP_ENHANCEDIDLE", ("imapd",), "courier 1.1.0", note="the server of Debian 12 still has it"),
    Former("LDAP_SERVER", ("authldaprc",), "courier-authlib 0.58", "LDAP_URI"),
    Former("LDAP_PORT", ("authldaprc",), "courier-authlib 0.58", "LDAP_URI"),
    Former("PGSQL_HOST", ("authpgsqlrc",), "courier-authlib 0.67.0", "PGSQL_CONNECTION"),
    Former("PGSQL_PORT", ("authpgsqlrc",), "courier-authlib 0.67.0", "PGSQL_CONNECTION"),
    Former("PGSQL_USERNAME", ("authpgsqlrc",), "courier-authlib 0.67.0", "PGSQL_CONNECTION"),
    Former("PGSQL_PASSWORD", ("authpgsqlrc",), "courier-authlib 0.67.0", "PGSQL_CONNECTION"),
    Former("PGSQL_OPT", ("authpgsqlrc",), "courier-authlib 0.67.0", "PGSQL_CONNECTION"),
    Former("PGSQL_DATABASE", ("authpgsqlrc",), "courier-authlib 0.71.6", "PGSQL_CONNECTION"),
    Former("BOFHBADMIME", ("bofh", *_SMTP), "courier 0.69.1", note="the web administration still writes it"),
)  # fmt: skip
"""Every name, once for each successor."""

FORMER_OPTIONS: Final = {"-noidentlookup": "1.3.9"}
"""Options of TCPDOPTS with the first Courier release whose listener does not start when it is given them."""


def former(file: str, name: str) -> Former | None:
    """What a name used to be in a file."""
    return next((entry for entry in HISTORICAL if entry.name == name and file in entry.files), None)
