"""The file imapd: the IMAP listener and server."""

from typing import Annotated, Literal

from courier_schema.legacy.codecs import (
    Flag,
    Kibibytes,
    NumberCodec,
    Octal,
    PairsCodec,
    Path,
    PlainPath,
    Ports,
    Positive,
    Seconds,
    TextCodec,
    WordsCodec,
    YesNo,
)
from courier_schema.legacy.table import Absent, Internal, Since, Table, Until
from courier_schema.legacy.tables.account import HomeSkeleton, MailboxLogin, MailboxPath, ServiceName
from courier_schema.legacy.tables.tcpd import Limits, Listener, ListenerExtras, Logger, LoggerOptions

Capabilities = Annotated[
    tuple[str, ...],
    WordsCodec(pattern=r"[!-~]+", noun="a capability", remedy="write words of ASCII characters with blanks between"),
]
Folder = Annotated[str, TextCodec(r"[^/\s][^/]*", "write a name without slash", noun="a folder name")]
DotFolder = Annotated[str, TextCodec(r"\.[^/\s]+", "begin it with a dot, as in .Outbox", noun="a maildir folder")]
FileName = Annotated[str, TextCodec(r"[^/\s]+", "write a name without slash", noun="a file name")]
HeaderName = Annotated[str, TextCodec(r"[!-9;-~]+", "write its name without colon", noun="a header")]
Purge = Annotated[tuple[tuple[str, str], ...], PairsCodec(joint=":", bare="Trash", pattern=r"\d+")]
IdFields = Annotated[int, NumberCodec(most=7)]


class Capability(Table):
    """What the server says that it can do."""

    imap_capability: Annotated[Capabilities, Absent("IMAP4rev1")] | None = (
        "IMAP4rev1", "UIDPLUS", "CHILDREN", "NAMESPACE", "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES",
        "SORT", "QUOTA", "IDLE",
    )  # fmt: skip
    """Capabilities announced in clear text, AUTH= mechanisms among them; the server adds its own to these."""
    imap_capability_tls: Annotated[Capabilities, Absent("IMAP_CAPABILITY applies")] | None = (
        "${IMAP_CAPABILITY}",
        "AUTH=PLAIN",
    )
    """Capabilities announced under TLS."""
    imap_capability_orig: Annotated[Capabilities, Internal()] | None = (
        "IMAP4rev1", "UIDPLUS", "CHILDREN", "NAMESPACE", "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES",
        "SORT", "QUOTA", "AUTH=CRAM-MD5", "AUTH=CRAM-SHA1", "AUTH=CRAM-SHA256", "IDLE",
    )  # fmt: skip
    """Capabilities that the web administration offers to choose from."""
    imap_capability_tls_orig: Annotated[Capabilities, Internal()] | None = ("${IMAP_CAPABILITY_ORIG}", "AUTH=PLAIN")
    """Capabilities under TLS that the web administration offers to choose from."""
    imap_keywords: Annotated[Literal["0", "1", "2"], Absent("0")] | None = "1"
    """Message keywords of the users' own: none (0), allowed (1), or allowed and safe under concurrent change (2)."""
    imap_acl: Annotated[Flag, Absent("off"), Since("0.53.0")] | None = True
    """Offer access rights to folders."""
    smap_capability: Annotated[Literal["SMAP1"], Absent("off"), Since("0.43")] | None = None
    """Offer SMAP, Courier's own mailbox protocol, on the same port."""
    imap_id_fields: Annotated[IdFields, Absent("the ID command is off"), Since("0.72")] | None = None
    """Answer ID with the sum of 1 server version, 2 system name, 4 system release; 0 answers with nothing."""
    imap_disablethreadsort: Annotated[Flag, Absent("off")] | None = False
    """Refuse SORT and THREAD, which cost much, although they are announced."""


class Folders(Table):
    """How folders look and are kept."""

    imap_check_all_folders: Annotated[Flag, Absent("off")] | None = False
    """Look for new mail in every folder, not only in INBOX."""
    imap_obsolete_client: Annotated[Flag, Absent("off")] | None = False
    """Call folders without children unable to have any, for clients from before the CHILDREN extension."""
    imap_umask: Annotated[Octal, Absent("022"), Since("0.48.0")] | None = "022"
    """Permissions taken from new files; it matters for shared folders."""
    imap_uselocks: Annotated[Flag, Absent("on")] | None = True
    """Guard folder updates with lock files."""
    imap_sharedindexfile: Annotated[Path, Absent("no virtual shared folders")] | None = "${sysconfdir}/shared/index"
    """Index of the accounts whose folders are shared; an account's sharedgroup option is appended to the name."""
    imap_enhancedidle: Annotated[Flag, Absent("off"), Until("1.1.0")] | None = None
    """Tell IDLE clients of changes at once, through FAM; newer servers always do."""
    imap_idle_timeout: Annotated[Seconds, Absent("60")] | None = 60
    """Pause between two looks at the folder of an IDLE client."""
    imap_mailbox_sanity_check: Annotated[Flag, Absent("on"), Since("0.59")] | None = True
    """Refuse a home or maildir that belongs to somebody else."""


class Deletion(Table):
    """What happens to mail that is thrown away."""

    imap_trashfoldername: Annotated[Folder, Absent("Trash")] | None = "Trash"
    """Name of the trash folder."""
    imap_emptytrash: Annotated[Purge, Absent("nothing is purged")] | None = (("Trash", "7"),)
    """Folders whose messages vanish at login and logout after so many days; a bare number is for Trash."""
    imap_move_expunge_to_trash: Annotated[Flag, Absent("off")] | None = False
    """Move expunged messages to the trash folder instead of removing them."""
    imap_log_deletions: Annotated[Flag, Absent("off")] | None = None
    """Log every message that is removed."""


class Outbox(Table):
    """Mail that is sent by copying it to a folder."""

    outbox: Annotated[DotFolder, Absent("no folder sends mail"), Since("0.39")] | None = None
    """Folder whose new messages are sent; the other settings of this kind do nothing without it."""
    outbox_multiple_send: Annotated[Flag, Absent("off")] | None = None
    """Let several messages be copied there at once."""
    sendmail: Annotated[Path, Absent("sendmail of the search path")] | None = "${sendmail}"
    """Program that sends what is copied to the outbox."""
    headerfrom: Annotated[HeaderName, Absent("no header is added")] | None = "X-IMAP-Sender"
    """Header that records the account which sent the message."""


class Imapd(
    Listener,
    Limits,
    ListenerExtras,
    Logger,
    MailboxLogin,
    MailboxPath,
    HomeSkeleton,
    Capability,
    Folders,
    Deletion,
    Outbox,
    file="imapd",
):
    """The listener on port 143, and IMAP on every port."""

    port: Ports = ("143",)
    pidfile: PlainPath = "${piddir}/imapd.pid"
    maxperip: Positive = 4
    loggeropts: Annotated[LoggerOptions, Absent("the logger's defaults")] | None = ("-name=imapd",)
    authservice143: Annotated[ServiceName, Absent("imap"), Since("0.42.1")] | None = None
    """Service name that logins on port 143 give to PAM and its like."""
    authservice993: Annotated[ServiceName, Absent("imap"), Since("0.42.1")] | None = None
    """Service name that logins on port 993 give to PAM and its like."""
    imapaccessfile: Annotated[PlainPath, Since("0.74.2")] = "${sysconfdir}/imapaccess"
    """Directory of the access list's sources; the compiled list has the same name and .dat."""
    imap_proxy: Annotated[Flag, Absent("off")] | None = False
    """Forward a login to the server that its account's mailhost option names."""
    imap_proxy_foreign: Annotated[Flag, Absent("off")] | None = False
    """Announce capabilities again after login, for forwarding to servers other than Courier."""
    imap_ulimitd: Annotated[Kibibytes, Absent("no limit")] | None = 65536
    """Memory that one server process may use."""
    imapdebugfile: Annotated[FileName, Absent("off")] | None = None
    """File name that, where such a file lies in a maildir, collects what the account's clients send."""
    imapdstart: Annotated[YesNo, Absent("NO")] | None = False
    """Start the listener when the system starts; systemd units do not ask."""
