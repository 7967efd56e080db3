"""Control files: one value a file, and files whose existence is the message.

Values are read as Courier reads them: the first line, and of a duration or number what its lenient reader
understands. So a file with a mistake in it becomes the value that the mistake amounts to.
"""

from __future__ import annotations

import re
from typing import Any, Final

from courier_compiler.importing.draft import Draft, fits, is_printable
from courier_compiler.importing.installation import Installation
from courier_schema.legacy.codecs import DurationCodec, NumberCodec, PresenceCodec
from courier_schema.legacy.formats.domains import first_line
from courier_schema.legacy.table import Row, rows_by_name
from courier_schema.legacy.tables.control import Control
from courier_schema.report import Mark, SitePath
from courier_schema.words import (
    Count,
    Domain,
    HostName,
    Identifier,
    IpAddress,
    Line,
    Path,
    Positive,
    RelativePath,
    Word,
)

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_QUEUE: Final = {
    "queuetime": "lifetime", "faxqueuetime": "fax_lifetime", "warntime": "warn_after", "submitdelay": "first_delay",
    "retryalpha": "retry_pause", "retrybeta": "retries_per_series", "retrygamma": "series_pause",
    "retrymaxdelta": "series_doublings", "esmtpdelay": "host_pause", "batchsize": "recipients_per_copy",
    "queuelo": "memory_low", "queuehi": "memory_high", "queuefill": "refill", "respawnlo": "respawn_idle",
    "respawnhi": "respawn_busy",
}  # fmt: skip
_TIMEOUTS: Final = {
    "esmtptimeout": "command", "esmtptimeoutconnect": "connect", "esmtptimeouthelo": "helo",
    "esmtptimeoutdata": "data", "esmtptimeoutquit": "quit", "esmtptimeoutkeepalive": "keep_alive",
    "esmtptimeoutkeepaliveping": "keep_alive_probe", "localtimeout": "local_delivery",
}  # fmt: skip
_TEXTS: Final[dict[str, tuple[SitePath, Any]]] = {
    "msgidhost": (("host", "message_id_domain"), Domain),
    "esmtphelo": (("host", "helo"), HostName),
    "ipout": (("host", "source_ipv4"), IpAddress),
    "ip6out": (("host", "source_ipv6"), IpAddress),
    "dotextension": (("host", "dot_extension"), Word),
    "defaultsep": (("host", "separators"), Word),
    "maildrop": (("delivery", "maildrop"), Path),
    "maildropfilter": (("delivery", "recipient_filter"), Path),
    "aliasfilteracct": (("delivery", "alias_filter_home"), Path),
    "dsnfrom": (("bounces", "sender"), Line),
    "uucpme": (("uucp", "node"), Word),
    "authcharset": (("webmail", "name_charset"), Word),
    "hostname": (("webmail", "host_name"), HostName),
    "ispelldict": (("webmail", "dictionary"), Word),
    "webadmin/restartcmd": (("webadmin", "restart_command"), Line),
    "webadmin/restartauthcmd": (("webadmin", "auth_restart_command"), Line),
}
_NUMBERS: Final[dict[str, tuple[SitePath, Any]]] = {
    "sizelimit": (("host", "max_message_size"), Count),
    "dsnlimit": (("bounces", "return_whole_below"), Count),
    **{name: (("queue", field), Count if field.startswith(("retries", "series")) else Positive)
       for name, field in _QUEUE.items() if name in {"retrybeta", "retrymaxdelta", "batchsize", "queuelo", "queuehi"}},
}  # fmt: skip


_FILTERS: Final[dict[str, tuple[tuple[str, str, Any], ...]]] = {
    "perlfilter": (("script", "", Path), ("processes", "-numprocs", Positive)),
    "dupfilter": (
        ("remembered", "-hashsize", Positive), ("tolerated", "-duplevel", Positive), ("threads", "-nthreads", Positive),
    ),
    "ratefilter": (
        ("interval", "-interval", Positive), ("max_recipients", "-maxrcpts", Positive), ("min_uid", "-minuid", Count),
    ),
    "verifyfilter": (("log", "-logmode", Identifier), ("threads", "-nthreads", Positive)),
}  # fmt: skip
LEAST_QUEUELO: Final = 20
"""What lower values of queuelo count as."""
_FILTER_FILES: Final = {"MAILDIRFILTER": "filter_file", "MAILDIR": "filter_maildir"}


def take_control(draft: Draft, installation: Installation) -> None:
    """Say the identity of the server and every control file that is there."""
    _take_identity(draft, installation)
    _take_filters(draft, installation)
    for name, row in rows_by_name(Control).items():
        if (
            name in draft.taken
            or name in {"me", "defaultdomain", "locallowercase"}
            or installation.content(name) is None
        ):
            continue
        draft.taken.add(name)
        draft.last = ()
        _take(draft, installation, name, row)
        draft.places[name, ""] = draft.last
    draft.taken |= {"me", "defaultdomain", "locallowercase"} & installation.files.keys()


def _take_identity(draft: Draft, installation: Installation) -> None:
    me = installation.me.strip()
    locality = installation.locality
    default = locality.default_domain.strip()
    if not fits(HostName, me):
        mark = Mark(installation.where("me"), 1)
        draft.note(f"the name of the server is {draft.quoted(me, mark.file)}, which is none", mark, is_open=True)
        me = installation.host_name
    if not fits(Domain, default):
        mark = Mark(installation.where("defaultdomain"), 1)
        draft.note(f"the default domain is {draft.quoted(default, mark.file)}, which is none", mark, is_open=True)
        default = me
    draft.say(("site",), default)
    draft.say(("host", "name"), me)
    draft.say(("host", "fold_case"), locality.lowercase)


def _take(draft: Draft, installation: Installation, name: str, row: Row) -> None:
    content = installation.files[name].content
    text = first_line(content).strip("\r")
    if name == "esmtpgreeting":
        whole = content.decode(errors="replace")
        if is_printable(whole):
            draft.say(("host", "greeting"), whole.removesuffix("\n"))
            return
    if name == "webadmin/password":
        draft.say(("webadmin", "password"), draft.secret("webadmin-password", text))
    elif name == "webadmin/unsecureok":
        addresses = text.split()
        draft.say(("webadmin", "plain_http"), addresses if addresses and fits(list[IpAddress], addresses) else True)
    elif (name == "maildirfilterconfig" and _take_pairs(draft, content)) or (
        name == "autoresponsesquota" and _take_autoreplies(draft, text)
    ):
        return
    elif name == "calendarmode" and text in {"local", "net"}:
        draft.say(("webmail", "calendar"), text)
    elif name == "uucprewriteheaders":
        draft.say(("uucp", "rewrite_headers"), True)
    elif name == "enablefiltering":
        _take_filtering(draft, text)
    elif isinstance(row.codec, PresenceCodec):
        draft.say(("settings", "control", name), True)
    elif name == "backuprelay":
        _take_backup_relay(draft, text)
    elif isinstance(row.codec, DurationCodec):
        _take_duration(draft, installation, name, text)
    elif isinstance(row.codec, NumberCodec):
        _take_number(draft, installation, name, row, text)
    elif name in _TEXTS and fits(_TEXTS[name][1], text):
        draft.say(_TEXTS[name][0], text)
    else:
        _take_under_own_name(draft, installation, name, row, content.decode(errors="surrogateescape"))


def _take_filters(draft: Draft, installation: Installation) -> None:
    """Settings of the filters that come with Courier."""
    for name, fields in _FILTERS.items():
        found: dict[str, Any] = {}
        for field, ending, word in fields:
            file = f"filters/{name}{ending}"
            text = installation.one_line(file)
            value: Any = number(text) if text is not None and word in (Positive, Count) else text
            if value is not None and fits(word, value):
                found[field] = value
                draft.taken.add(file)
        mode = installation.one_line(f"filters/{name}-mode")
        if found and (name != "perlfilter" or "script" in found):
            draft.taken.add(f"filters/{name}-mode")
            found["mode"] = "all" if mode == "all" else "selective"
            draft.say(("filters", name), found)
        else:
            draft.taken -= {f"filters/{name}{ending}" for _, ending, _ in fields}


def _take_pairs(draft: Draft, content: bytes) -> bool:
    """The filter file of webmail, as NAME=path lines."""
    pairs: dict[str, str] = {}
    for line in content.decode(errors="replace").splitlines():
        name, equals, value = line.partition("=")
        if equals:
            pairs[name] = value
    if not pairs.keys() <= _FILTER_FILES.keys() or not all(fits(RelativePath, value) for value in pairs.values()):
        return False
    for name, value in pairs.items():
        draft.say(("webmail", _FILTER_FILES[name]), value)
    return bool(pairs)


def _take_autoreplies(draft: Draft, text: str) -> bool:
    found = re.fullmatch(r"(?:C([0-9]+))?(?:S([0-9]+))?", text)
    if found is None or not text:
        return False
    limits = {"count": found[1], "size": found[2]}
    draft.say(("webmail", "autoreplies"), {key: int(value) for key, value in limits.items() if value})
    return True


def _take_filtering(draft: Draft, text: str) -> None:
    words = [word for word in text.split() if word in {"esmtp", "local", "uucp"}]
    draft.say(("filters", "apply_to"), words)


def _take_backup_relay(draft: Draft, text: str) -> None:
    host, _, module = text.partition(" ")
    relay: dict[str, str] = {"host": host}
    if module.strip():
        relay["module"] = module.strip()
    if fits(HostName, host):
        draft.say(("backup_relay",), relay if len(relay) > 1 else host)


def duration(text: str) -> str:
    """A duration as Courier's reader understands it: up to the first thing that is none."""
    match = re.match(r"((?:[0-9]+[smhdwSMHDW])*)([0-9]*)", text)
    assert match is not None
    if match[2] and match[1]:
        total = sum(int(n) * _UNITS[u.lower()] for n, u in re.findall(r"([0-9]+)([a-zA-Z])", match[1]))
        return str(total + int(match[2]))
    return match[1] or match[2] or "0"


def number(text: str) -> int:
    """A number as C's atoi reads it."""
    match = re.match(r"\s*([-+]?[0-9]+)", text)
    return int(match[1]) if match else 0


def _take_duration(draft: Draft, installation: Installation, name: str, text: str) -> None:
    value = duration(text)
    value = f"{value}s" if value.isdecimal() and value != "0" else value
    if value not in {text, f"{text}s"}:
        mark = Mark(installation.where(name), 1)
        draft.note(f"Courier reads {draft.quoted(text, mark.file)} in {name} as {value}", mark)
    if name in _TIMEOUTS:
        draft.say(("queue", "timeouts", _TIMEOUTS[name]), value)
    else:
        draft.say(("queue", _QUEUE[name]), value)


def _take_number(draft: Draft, installation: Installation, name: str, row: Row, text: str) -> None:
    value = number(text)
    mark = Mark(installation.where(name), 1)
    if str(value) != text:
        draft.note(f"Courier reads {draft.quoted(text, mark.file)} in {name} as {value}", mark)
    if name == "batchsize" and value == 0:
        return
    if name == "queuelo":
        value = max(value, LEAST_QUEUELO)
    path, word = _NUMBERS.get(name, ((), None))
    if path and fits(word, value):
        draft.say(path, value)
        return
    try:
        row.codec.accept(value)
    except ValueError as error:
        shown, why = draft.quoted(text, mark.file), draft.reason(error, mark.file)
        draft.note(f"{name} is {shown}, which the site cannot say: {why}", mark, is_open=True)
        return
    draft.say(("settings", "control", name), value)


def _take_under_own_name(draft: Draft, installation: Installation, name: str, row: Row, content: str) -> None:
    value: Any = content if row.codec.kind == "pairs" else first_line(content.encode(errors="surrogateescape"))
    try:
        row.codec.accept(value)
    except ValueError:
        draft.carry(installation, name)
        return
    if isinstance(value, str):
        value = value.removesuffix("\n")
    draft.say(("settings", "control", name), value)
