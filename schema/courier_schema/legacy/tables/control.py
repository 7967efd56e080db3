"""The control files: one value a file, the file's name being the setting's.

None of them needs to exist, so the defaults are what the programs assume, and a file is written only for what was
said. Courier reads the first line, at most 255 characters of it, and trims nothing.
"""

from typing import Annotated, Literal

from courier_schema.legacy.codecs import (
    Address,
    Count,
    Duration,
    Lines,
    NumberCodec,
    Octets,
    PairsCodec,
    Path,
    Positive,
    Presence,
    Text,
    TextCodec,
    WordsCodec,
)
from courier_schema.legacy.table import Absent, Named, Secret, Since, Table, Unserved
from courier_schema.legacy.tables.account import HostName

Line = Annotated[
    str, TextCodec(r"\S(.{0,253}\S)?", "write at most 255 characters, none of them a blank at an end", noun="a line")
]
SystemHostName = Annotated[
    str,
    TextCodec(
        r"(\*\.)?[A-Za-z0-9_]([\w.-]{0,252}[A-Za-z0-9_])?",
        "write letters, digits, dots and hyphens, with *. before them for the system's own name",
        noun="a host name",
    ),
]
DomainName = Annotated[
    str, TextCodec(r"[^\s@/]{1,255}", "write the part after the at sign, without it", noun="a domain")
]
Helo = Annotated[
    str, TextCodec(r"\*|[\w.:\[\]-]{1,255}", "write a host name, or * for the name in reverse DNS", noun="a HELO name")
]
Separators = Annotated[str, TextCodec(r"[^\w\s@.\"/]+", "write marks such as + or =", noun="a list of separators")]
Relay = Annotated[
    str, TextCodec(r"\S+( \w+)?", "write a host name, and a module's name after it if not esmtp", noun="a relay")
]
Sources = Annotated[tuple[str, ...], WordsCodec(words=("esmtp", "local", "uucp"))]
NodeName = Annotated[str, TextCodec(r"[\w.-]{1,255}", "write one name", noun="a UUCP node")]
Extension = Annotated[
    str, TextCodec(r"[^\s/]{1,254}", "write what follows the dot, such as courier", noun="a file name's ending")
]
Interval = Annotated[int, NumberCodec("seconds", least=60)]
Quota = Annotated[
    str, TextCodec(r"(C\d+)?(S\d+)?", "write C with a number of replies, S with bytes, or both", noun="a quota")
]
RateLimit = Annotated[
    tuple[tuple[str, str], ...],
    PairsCodec("\n", keys=("WINDOW", "MESSAGES", "LIMIT", "COUNT", "EXCLUDE", "EXTERNAL"), pattern=r"[^\n]*"),
]
FilterFiles = Annotated[
    tuple[tuple[str, str], ...], PairsCodec("\n", keys=("MAILDIRFILTER", "MAILDIR"), pattern=r"[^\n]+")
]
Mode = Literal["all"]


class Identity(Table):
    """Who this server is."""

    me: Annotated[SystemHostName, Absent("the system's host name")] | None = None
    """Name of the mail server, which most other names derive from."""
    defaultdomain: Annotated[DomainName, Absent("the server's name")] | None = None
    """Domain that completes an address without one."""
    msgidhost: Annotated[DomainName, Absent("the server's name")] | None = None
    """What follows the at sign in a Message-ID made here."""
    uucpme: Annotated[NodeName, Absent("the first label of the server's name")] | None = None
    """Name of this host among UUCP nodes."""
    hostname: Annotated[HostName, Absent("the system's host name"), Unserved("it is webmail's")] | None = None
    """Name of a webmail server without Courier's mail server."""


class LocalMail(Table):
    """How addresses of this host are read and mail for them is delivered."""

    locallowercase: Annotated[Presence, Absent("case is kept")] | None = None
    """Read local addresses in lower case, before aliases and accounts are looked up."""
    dotextension: Annotated[Extension, Absent("courier")] | None = "courier"
    """What the names of delivery instruction files end in, after their first dot."""
    defaultsep: Annotated[Separators, Absent("+"), Since("1.3.13"), Unserved("only the hyphen begins one")] | None = "+"
    """Characters that, like the hyphen, begin the extension of an address."""
    aliasfilteracct: Annotated[Path, Absent("aliases are not filtered"), Unserved("it runs no filters")] | None = None
    """Home of the account whose mail filter sees mail for aliases."""
    maildrop: Annotated[Path, Absent("as built")] | None = None
    """Path of maildrop; a delivery command of just this path gets maildrop's own arguments."""
    maildropfilter: Annotated[Path, Absent("recipients do not filter"), Unserved("it runs no filters")] | None = None
    """Program that filters for a recipient while the client still waits."""
    localtimeout: Annotated[Duration, Absent("15m")] | None = "15m"
    """Longest time that a delivery command may take."""
    enablefiltering: Annotated[Sources, Absent("nothing is filtered"), Unserved("it runs no filters")] | None = ()
    """Modules whose mail passes the global filters."""
    uucprewriteheaders: Annotated[Presence, Absent("headers are left alone")] | None = None
    """Write addresses in headers as UUCP paths when mail leaves by UUCP."""


class Submission(Table):
    """What is accepted, and how."""

    sizelimit: Annotated[Octets, Absent("10485760")] | None = 10485760
    """Bytes that a message may have; 0 for any size."""
    batchsize: Annotated[Positive, Absent("100")] | None = 100
    """Recipients of one queued message; more are split."""
    esmtpgreeting: Annotated[Lines, Absent("the server's name and ESMTP")] | None = None
    """Text of the SMTP greeting after its code; it begins with a host name."""


class Client(Table):
    """How mail leaves by SMTP."""

    esmtphelo: Annotated[Helo, Absent("the server's name")] | None = None
    """Name that the SMTP client gives in EHLO."""
    ipout: Annotated[Address, Absent("SOURCE_ADDRESS of courierd"), Since("0.68")] | None = None
    """IPv4 address that outgoing connections come from; 0 lets the system choose."""
    ip6out: Annotated[Address, Absent("SOURCE_ADDRESS_IPV6 of courierd"), Since("0.68")] | None = None
    """IPv6 address that outgoing connections come from; 0 lets the system choose."""
    backuprelay: Annotated[Relay, Absent("delay warnings are sent")] | None = None
    """Host that gets mail which could not be delivered within warntime."""
    esmtpdelay: Annotated[Duration, Absent("5m")] | None = "5m"
    """Pause before a host that just failed is tried again; 0 for none."""
    esmtptimeout: Annotated[Duration, Absent("10m")] | None = "10m"
    """Wait for an SMTP command or its answer."""
    esmtptimeoutconnect: Annotated[Duration, Absent("60s")] | None = "60s"
    """Wait for a connection; 0 leaves it to the system."""
    esmtptimeouthelo: Annotated[Duration, Absent("5m")] | None = "5m"
    """Wait for the answer to EHLO."""
    esmtptimeoutdata: Annotated[Duration, Absent("5m")] | None = "5m"
    """Wait while a message is transferred."""
    esmtptimeoutquit: Annotated[Duration, Absent("10s")] | None = "10s"
    """Wait for the answer to QUIT."""
    esmtptimeoutkeepalive: Annotated[Duration, Absent("60s")] | None = "60s"
    """How long an idle connection is kept for the next message."""
    esmtptimeoutkeepaliveping: Annotated[Duration, Absent("0")] | None = "0"
    """Pause between signs of life on an idle connection; 0 for none."""


class Queue(Table):
    """How long and how often delivery is tried."""

    queuetime: Annotated[Duration, Absent("7d")] | None = "7d"
    """Age at which undeliverable mail goes back."""
    faxqueuetime: Annotated[Duration, Absent("8h")] | None = "8h"
    """Age at which an undeliverable fax goes back."""
    warntime: Annotated[Duration, Absent("4h")] | None = "4h"
    """Age at which the sender is told of a delay; 0 never."""
    retryalpha: Annotated[Duration, Absent("5m")] | None = "5m"
    """Pause between the attempts of a series."""
    retrybeta: Annotated[Count, Absent("3")] | None = 3
    """Attempts of a series."""
    retrygamma: Annotated[Duration, Absent("15m")] | None = "15m"
    """Pause after the first series; it doubles after each further one."""
    retrymaxdelta: Annotated[Count, Absent("3")] | None = 3
    """How often the pause between series doubles."""
    submitdelay: Annotated[Duration, Absent("0")] | None = "0"
    """Pause before the first attempt."""
    queuefill: Annotated[Duration, Absent("5m")] | None = "5m"
    """How often the queue in memory is filled up from disk; 0 only when it runs low."""
    queuelo: Annotated[Annotated[int, NumberCodec(least=20)], Absent("the sum of all MAXDELS, at least 200")] | None = (
        None
    )
    """Messages in memory below which more are read from disk."""
    queuehi: Annotated[Positive, Absent("twice queuelo, or 1000 more from 500 on")] | None = None
    """Messages that are held in memory."""
    respawnlo: Annotated[Duration, Absent("1h"), Unserved("it never starts afresh by itself")] | None = "1h"
    """Time after which an idle queue daemon starts afresh."""
    respawnhi: Annotated[Duration, Absent("7d"), Unserved("it never starts afresh by itself")] | None = "7d"
    """Time after which the queue daemon starts afresh in any case."""


class Notices(Table):
    """Delivery status notifications."""

    dsnfrom: Annotated[Line, Absent("Courier mail server at this server's name")] | None = None
    """From header of notifications."""
    dsnlimit: Annotated[Octets, Absent("32768")] | None = 32768
    """Size up to which a returned message is returned whole, and not just its headers."""


class Filters(Table):
    """The filters that come with Courier."""

    filters_perlfilter: Annotated[Path, Named("filters/perlfilter"), Absent("perlfilter does not run")] | None = None
    """Perl script that perlfilter runs."""
    filters_perlfilter_mode: Annotated[Mode, Named("filters/perlfilter-mode"), Absent("recipients decide")] | None = (
        None
    )
    """Let perlfilter see every message, whatever its recipients filter."""
    filters_perlfilter_numprocs: Annotated[Positive, Named("filters/perlfilter-numprocs"), Absent("1")] | None = 1
    """Messages that perlfilter looks at together."""
    filters_perlfilter_ratelimit: (
        Annotated[RateLimit, Named("filters/perlfilter-ratelimit"), Absent("the script's own numbers")] | None
    ) = None
    """Numbers of the rate limiting script that comes as an example."""
    filters_perlfilter_dump: (
        Annotated[Presence, Named("filters/perlfilter-dump"), Absent("nothing is dumped")] | None
    ) = None
    """Let that script write down what it has counted."""
    filters_dupfilter_mode: Annotated[Mode, Named("filters/dupfilter-mode"), Absent("recipients decide")] | None = None
    """Let dupfilter see every message, whatever its recipients filter."""
    filters_dupfilter_hashsize: Annotated[Positive, Named("filters/dupfilter-hashsize"), Absent("500")] | None = 500
    """Messages that dupfilter remembers."""
    filters_dupfilter_duplevel: Annotated[Positive, Named("filters/dupfilter-duplevel"), Absent("4")] | None = 4
    """Messages of the same content that dupfilter lets pass."""
    filters_dupfilter_nthreads: Annotated[Positive, Named("filters/dupfilter-nthreads"), Absent("4")] | None = 4
    """Messages that dupfilter looks at together."""
    filters_ratefilter_mode: Annotated[Mode, Named("filters/ratefilter-mode"), Absent("recipients decide")] | None = (
        None
    )
    """Let ratefilter see every message, whatever its recipients filter."""
    filters_ratefilter_interval: Annotated[Interval, Named("filters/ratefilter-interval"), Absent("60")] | None = 60
    """Seconds over which ratefilter counts."""
    filters_ratefilter_maxrcpts: Annotated[Positive, Named("filters/ratefilter-maxrcpts"), Absent("100")] | None = 100
    """Recipients that one sender may have in that time."""
    filters_ratefilter_minuid: Annotated[Count, Named("filters/ratefilter-minuid"), Absent("100")] | None = 100
    """Lowest user id of the accounts on this host that ratefilter counts."""
    filters_verifyfilter_mode: (
        Annotated[Mode, Named("filters/verifyfilter-mode"), Absent("recipients decide")] | None
    ) = None
    """Let verifyfilter see every message, whatever its recipients filter."""
    filters_verifyfilter_logmode: Annotated[Text, Named("filters/verifyfilter-logmode"), Absent("base")] | None = "base"
    """How much verifyfilter logs."""
    filters_verifyfilter_nthreads: Annotated[Positive, Named("filters/verifyfilter-nthreads"), Absent("10")] | None = 10
    """Messages that verifyfilter looks at together."""


class Web(Table):
    """Webmail and the web administration."""

    calendarmode: Annotated[Literal["local", "net"], Absent("no calendar")] | None = None
    """Give webmail users a calendar: each their own, or one that others may see."""
    authcharset: (
        Annotated[
            str,
            TextCodec(r"[\w.:-]{1,127}", "write its name, such as utf-8", noun="a character set"),
            Absent("the locale's"),
        ]
        | None
    ) = None
    """Character set in which people's names come from the account database."""
    ispelldict: Annotated[NodeName, Absent("none")] | None = None
    """Dictionary of the spelling checker."""
    autoresponsesquota: Annotated[Quota, Absent("no limit")] | None = None
    """Autoreplies that an account may store: C with their number, S with their bytes."""
    maildirfilterconfig: Annotated[FilterFiles, Absent("webmail edits no filters")] | None = None
    """Filter file that webmail writes for an account, and the maildir's name inside it."""
    webadmin_password: Annotated[Line, Named("webadmin/password"), Secret(), Absent("no access")] | None = None
    """Password of the web administration."""
    webadmin_unsecureok: (
        Annotated[tuple[str, ...], WordsCodec(), Named("webadmin/unsecureok"), Absent("HTTPS is required")] | None
    ) = None
    """Addresses that reach the web administration without HTTPS; an empty list for all."""
    webadmin_restartcmd: Annotated[Line, Named("webadmin/restartcmd"), Absent("courier restart")] | None = None
    """Command that makes the web administration's changes take effect."""
    webadmin_restartauthcmd: Annotated[Line, Named("webadmin/restartauthcmd"), Absent("authdaemond restart")] | None = (
        None
    )
    """Command that makes its changes of authentication take effect."""


class Control(
    Identity, LocalMail, Submission, Client, Queue, Notices, Filters, Web, file="control", format="one-value"
):
    """All control files of one value each."""
