"""Names that programs honour although no shipped file assigns them, and the options that accounts may carry.

Settings files are shell text whose every assignment reaches the programs, so these take effect wherever they are
assigned: in the file of the program that reads them, or for some clients only, in an access list.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from courier_schema.legacy.codecs import ChoiceCodec, Codec, NumberCodec, TextCodec

_ANY_TEXT: Final = TextCodec()


@dataclass(frozen=True, slots=True)
class Variable:
    """A name, the files where it takes effect, and whether an access list may set it for single clients."""

    name: str
    files: tuple[str, ...]
    says: str
    absent: str = ""
    access: bool = False
    codec: Codec[Any] = _ANY_TEXT
    """How its value is spelt."""


@dataclass(frozen=True, slots=True)
class AccountOption:
    """What an account's options may hold: a switch, or a text."""

    name: str
    says: str
    is_switch: bool = True


_SMTP: Final = ("esmtpd", "esmtpd-msa", "esmtpd-ssl")
_MAILBOX: Final = ("imapd", "pop3d")
_WEB: Final = ("sqwebmaild",)
_TLS: Final = ("courierd", *_SMTP, "imapd-ssl", "pop3d-ssl")
_LOGIN: Final = (*_SMTP, *_MAILBOX, *_WEB)

_SIZE: Final = NumberCodec("bytes", most=2**63 - 1)
_COUNT: Final = NumberCodec(least=1)
_HELO: Final = ChoiceCodec(("0", "1", "2"))
_ENCODINGS: Final = ChoiceCodec(("none", "7bit", "8bit"))
_RETURNED: Final = ChoiceCodec(("F", "H"))

ENVIRONMENT: Final = (
    Variable("RELAYCLIENT", _SMTP, "Lets clients relay; its value is appended to every recipient", "no relaying", True),
    Variable("FAXRELAYCLIENT", _SMTP, "Lets clients send faxes", "no faxes", True),
    Variable("AUTHRELAYCLIENT", _SMTP, "Value of RELAYCLIENT for clients that have authenticated", "empty", True),
    Variable("BLOCK", _SMTP, "Refuses all mail with this text; empty exempts from block lists", "not refused", True),
    Variable("BLOCK2", _SMTP, "Free for block lists that only a mail filter looks at", "", True),
    Variable("SIZELIMIT", _SMTP, "Bytes that a message may have, over the file sizelimit", "that file", True, _SIZE),
    Variable("MAXCPERIP", (*_SMTP, *_MAILBOX), "Connections of one address, over MAXPERIP", "MAXPERIP", True, _COUNT),
    Variable("BOFHCHECKHELO", _SMTP, "As the option of the file bofh, over which it wins", "that of bofh", True, _HELO),
    Variable("MIME", _SMTP, "Re-encodes mail: none, 7bit or 8bit", "none", True, _ENCODINGS),
    Variable("DSNRET", _SMTP, "What bounces return: F the whole message, H its headers", "as asked", True, _RETURNED),
    Variable("DSNENVID", _SMTP, "Envelope identifier of accepted mail", "none", True),
    Variable("MAXSUBMITTERS", _SMTP, "Submissions, 10 to 1000, that free space has to suffice for", "10"),
    Variable("DSNDEFAULTNOTIFYDELAY", ("courierd",), "0 tells of delays only those who asked", "on"),
    Variable("LDAP_MEMORY_LEAK", ("courierd", "authdaemonrc"), "Restarts a process after an LDAP failure", "1"),
    Variable("LDAP_SEARCH_TIMEOUT", _WEB, "Seconds that an address book search may take", "30"),
    Variable("TLS_INTCACHESIZE", _TLS, "Sessions that OpenSSL remembers in memory", "the library's default"),
    Variable("TLS_CACHEFILE", ("courierd", *_SMTP), "File of remembered TLS sessions", "sessions are not remembered"),
    Variable("TLS_CACHESIZE", ("courierd", *_SMTP), "Size of the file of remembered TLS sessions", "524288"),
    Variable("TLS_DEBUG", _TLS, "Lets GnuTLS write diagnostics", "off"),
    Variable("DOMAINSEP", _LOGIN, "Characters that mark a login name with domain", "the first of DEFDOMAIN"),
    Variable("DEFDOMAIN", _SMTP, "Separator and domain that complete a login name", "nothing", True),
    Variable("IMAP_SHAREDMUNGENAMES", ("imapd",), "Escapes slashes and dots in shared folders' names", "off"),
    Variable("IMAP_BROKENUIDV", ("imapd",), "Works around broken UIDVALIDITY values", "off"),
    Variable("MAILDIR_SKIP_SYMLINK_CHECKS", (*_MAILBOX, *_WEB), "Follows symbolic links in maildirs", "off"),
    Variable("TIMEOUT_SOCK", _LOGIN, "Seconds to reach the authentication daemon", "10"),
    Variable("TIMEOUT_READ", _LOGIN, "Seconds for its answer", "30"),
    Variable("TIMEOUT_WRITE", _LOGIN, "Seconds to send it a request", "10"),
    Variable("SQWEBMAIL_TIMEOUTSOFT", _WEB, "Seconds after which an idle session ends", "1200"),
    Variable("SQWEBMAIL_TIMEOUTHARD", _WEB, "Seconds after which any session ends", "7200"),
    Variable("SQWEBMAIL_TEMPLATEDIR", _WEB, "Directory of the pages", "as built"),
    Variable("SQWEBMAIL_IMAGEURL", _WEB, "URL of the images", "/webmail"),
    Variable("SQWEBMAIL_MAXARGSIZE", _WEB, "Bytes of a typed message; only ever raises", "500000"),
    Variable("SQWEBMAIL_MAXATTSIZE", _WEB, "Bytes of an attachment; only ever raises", "2000000"),
    Variable("SQWEBMAIL_MAXMSGSIZE", _WEB, "Bytes of a message; only ever raises", "20971520"),
    Variable("SQWEBMAIL_BANNERPROG", _WEB, "Program that prints the banner", "no banner"),
    Variable("SQWEBMAIL_RANDSEED", _WEB, "Seed of links, alike on all servers of a pool", "the host's own"),
    Variable("SQWEBMAIL_AUTORENAMESENT", _WEB, "no keeps one sent folder for all months", "as built"),
    Variable("SQWEBMAIL_SHAREDINDEXFILE", _WEB, "Index of the accounts whose folders are shared", "none are"),
    Variable("SQWEBMAIL_SHAREDMUNGENAMES", _WEB, "Escapes marks in shared folders' names", "off"),
    Variable("WEBMLMRC_DIR", (), "Directory where the list pages look for their file", "the configuration directory"),
    Variable("MYSQL_SSL_CIPHER", ("authmysqlrc",), "Cipher list of the database connection", "the library's default"),
    Variable("MYSQL_DEFAULTDELIVERY_FIELD", ("authmysqlrc",), "Column with default delivery instructions", "none"),
    Variable("COURIER_ESMTP_DEBUG_NO8BITMIME", ("courierd",), "Ignores 8BITMIME of other servers, for tests", "off"),
    Variable("COURIER_ESMTP_DEBUG_NOSMTPUTF8", ("courierd",), "Ignores SMTPUTF8 of other servers, for tests", "off"),
    Variable("COURIER_ESMTP_DEBUG_NOPIPELINING", ("courierd",), "Ignores their PIPELINING, for tests", "off"),
    Variable("TLS_DEBUG_FAIL_STARTTLS_HARD", _SMTP, "Fails STARTTLS for good, for tests", "off"),
    Variable("TLS_DEBUG_FAIL_STARTTLS_SOFT", _SMTP, "Fails STARTTLS for now, for tests", "off"),
)  # fmt: skip

SET_BY_PROGRAMS: Final = (
    "ESMTP_TLS", "IMAP_TLS", "POP3_TLS", "IMAP_STARTTLS", "COURIER_HOME", "MAXDELS", "MAXHOST", "MAXRCPT",
    "TCPREMOTEIP", "TCPREMOTEHOST", "TCPREMOTEPORT", "TCPREMOTEINFO", "TCPLOCALIP", "TCPLOCALHOST", "TCPLOCALPORT",
)  # fmt: skip
"""Names that Courier's programs set for one another; assigning them in a file confuses the receiver."""

ACCESS_VARIABLES: Final = (
    *(variable.name for variable in ENVIRONMENT if variable.access),
    "BOFHCHECKDNS", "AUTH_REQUIRED", "ESMTP_TLS_REQUIRED", "DEFDOMAIN",
)  # fmt: skip
"""Names that an access list usually sets; it may set any setting of its listener."""

ACCOUNT_OPTIONS: Final = (
    AccountOption("disableimap", "The account cannot use IMAP"),
    AccountOption("disablepop3", "The account cannot use POP3"),
    AccountOption("disableinsecureimap", "The account uses IMAP only under TLS"),
    AccountOption("disableinsecurepop3", "The account uses POP3 only under TLS"),
    AccountOption("disablewebmail", "The account cannot use webmail"),
    AccountOption("disableshared", "The account sees no virtual shared folders and shares none"),
    AccountOption("group", "Group of access rights that the account belongs to; may stand more than once", False),
    AccountOption("sharedgroup", "Ending of the name of the index of shared folders", False),
    AccountOption("mailhost", "Server that holds the mailbox, for forwarding logins", False),
    AccountOption("wbnochangingfrom", "Webmail keeps the From header as it is"),
    AccountOption("wbnochangepass", "Webmail changes no password"),
    AccountOption("wbusexsender", "Webmail adds an X-Sender header"),
    AccountOption("wbnoimages", "Webmail shows no icons"),
    AccountOption("wbnodsn", "Webmail offers no delivery receipts"),
)

_SERVICE: Final = re.compile(r"AUTHSERVICE[1-9]\d{0,4}")


def honoured(file: str, name: str) -> Variable | None:
    """The variable that takes effect under a name in a file; AUTHSERVICE goes with any port number."""
    if file in _MAILBOX and _SERVICE.fullmatch(name):
        return Variable(
            name, (file,), "Service name that logins on this port give to PAM and its like", file.removesuffix("d")
        )
    return next((entry for entry in ENVIRONMENT if entry.name == name and file in entry.files), None)
