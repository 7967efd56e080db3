"""Intents: which place of a site says a setting, for settings that the site language has words for.

Each entry is tried where a rebuilt installation would differ from the old one. An entry that does not fit is
passed over, and the setting is said under Courier's own name instead.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Final

from courier_compiler.importing.draft import Draft, fits
from courier_compiler.importing.settings_files import SERVICES
from courier_schema.report import SitePath
from courier_schema.site.listeners import Mechanism
from courier_schema.words import (
    Command,
    Domain,
    Endpoint,
    HostName,
    IpAddress,
    Line,
    Name,
    Path,
    Positive,
    RelativePath,
    Word,
)

Values = Mapping[str, str]
"""All settings of a file, by name."""
Intent = Callable[[Draft, str, Values], bool]
"""Says a value in the site; False where it cannot."""

_YES: Final = {"1": True, "0": False, "yes": True, "no": False, "y": True, "n": False, "": False}
BACKENDS: Final = {
    "authuserdb": "userdb", "authpam": "pam", "authpwd": "pwd", "authshadow": "shadow", "authldap": "ldap",
    "authmysql": "mysql", "authpgsql": "postgresql", "authsqlite": "sqlite", "authpipe": "pipe",
    "authcustom": "custom",
}  # fmt: skip
_LIST: Final = re.compile(r"-(block|allow)=([^=,]+)(?:=([^,]+))?(?:,([A-Za-z_]\w*)?(?:/([^,]+))?(?:,(.*))?)?")
_DOTFORWARD: Final = "|| dotforward\n"
_SERVICES: Final = {
    "disableimap": "imap",
    "disablepop3": "pop3",
    "disablewebmail": "webmail",
    "disableshared": "shared",
}
_INSECURE: Final = {"disableinsecureimap": "imap", "disableinsecurepop3": "pop3"}
_WEBMAIL: Final = {
    "wbnochangingfrom": "fixed-from", "wbnochangepass": "fixed-password", "wbusexsender": "x-sender",
    "wbnoimages": "no-images", "wbnodsn": "no-receipts",
}  # fmt: skip


SERVER_TLS: Final = {
    "TLS_CERTFILE": ("certificate", Path),
    "TLS_PRIVATE_KEYFILE": ("key", Path),
    "TLS_DHPARAMS": ("dh_parameters", Path),
    "TLS_TRUSTCERTS": ("trust", Path),
    "TLS_PRIORITY": ("priority", Line),
    "TLS_CIPHER_LIST": ("ciphers", Line),
    "TLS_EXTERNAL": ("login_field", Word),
}
"""Settings that `tls` says for all listeners at once, where they agree."""


def _flag(path: SitePath, *, contrary: bool = False) -> Intent:
    def say(draft: Draft, text: str, values: Values) -> bool:
        value = _YES.get(text.strip().lower())
        if value is None or not _is_open(draft, path):
            return False
        draft.say(path, value != contrary)
        return True

    return say


def _number(path: SitePath) -> Intent:
    def say(draft: Draft, text: str, values: Values) -> bool:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not fits(Positive, int(text)) or not _is_open(draft, path):
            return False
        draft.say(path, int(text))
        return True

    return say


def _text(path: SitePath, word: object) -> Intent:
    def say(draft: Draft, text: str, values: Values) -> bool:
        if not text or not fits(word, text) or not _is_open(draft, path):
            return False
        draft.say(path, text)
        return True

    return say


def _mechanisms(path: SitePath, prefix: str = "") -> Intent:
    def say(draft: Draft, text: str, values: Values) -> bool:
        words = text.split()
        if not _is_open(draft, path) or not fits(list[Mechanism], words):
            return False
        draft.say(path, words)
        return True

    return say


def _is_open(draft: Draft, path: SitePath) -> bool:
    """Listeners and gateways have words only where the site names them."""
    section = path[:2] if path[0] == "listeners" else path[:1]
    return path[0] not in {"listeners", "uucp", "webmail"} or draft.said(section) is not None


def _endpoints(path: SitePath, address: str, port: str) -> Intent:
    def say(draft: Draft, text: str, values: Values) -> bool:
        host = values.get(address) or "0"
        ports = [_endpoint(word.strip(), host) for word in values.get(port, "").split(",")]
        if not _is_open(draft, path) or not fits(list[Endpoint], ports):
            return False
        draft.say(path, ports)
        return True

    return say


def _endpoint(word: str, host: str) -> str | None:
    """A port as couriertcpd takes it, with its address, as a site says it."""
    own, _, port = word.rpartition(".")
    port = SERVICES.get(port, port)
    address = own or host
    if not port.isdecimal():
        return None
    if address == "0":
        return f"*:{port}"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _block_lists(draft: Draft, text: str, values: Values) -> bool:
    """The options of couriertcpd that ask DNS lists."""
    try:
        words = shlex.split(text)
    except ValueError:
        return False
    entries = [_block_list(word) for word in words]
    if not entries or None in entries:
        return False
    draft.say(("dns_lists", "lists"), entries)
    return True


def _block_list(word: str) -> dict[str, object] | None:
    found = _LIST.fullmatch(word)
    if found is None:
        return None
    kind, zone, name, variable, answer, message = found.groups()
    entry: dict[str, object] = {"zone": zone}
    if kind == "allow":
        entry["kind"] = "allow"
    entry |= {key: value for key, value in {"name": name, "answer": answer, "message": message}.items() if value}
    if variable and (kind == "allow" or variable != "BLOCK"):
        entry["variable"] = variable
    # the words of a site always have a text for block lists: without one the old line means another text
    plain = kind == "allow" or message
    is_sound = fits(Domain, zone) and (answer is None or fits(IpAddress, answer))
    return entry if plain and is_sound else None


def _drop(draft: Draft, text: str, values: Values) -> bool:
    if text.strip() not in {"-drop", ""} and not re.fullmatch(r"-drop=\w+", text.strip()):
        return False
    draft.say(("dns_lists", "drop"), bool(text.strip()))
    return True


def _delivery(draft: Draft, text: str, values: Values) -> bool:
    """The default of local delivery in the plainest words that mean it."""
    layout = draft.profile.layout
    path = ("delivery", "default")
    if text.startswith(_DOTFORWARD):
        draft.say(("delivery", "forward_files"), True)
        return _delivery(draft, text.removeprefix(_DOTFORWARD), values)
    if text == f"| {layout.maildrop}" or text == "| maildrop":
        draft.say(path, {"filter": "maildrop"})
    elif text == f"| {layout.bindir}/preline {layout.procmail}":
        draft.say(path, {"filter": "procmail"})
    elif re.fullmatch(r"\./[^\s|&/][^|&\n]*", text) and fits(RelativePath, text):
        draft.say(path, {"maildir" if "maildir" in text.lower() else "mbox": text})
    elif text.startswith("| ") and fits(Command, text[2:]):
        draft.say(path, {"program": text[2:]})
    elif text.strip():
        draft.say(path, {"instructions": text + "\n" if "\n" in text else text})
    else:
        return False
    return True


def _backscatter(draft: Draft, text: str, values: Values) -> bool:
    kinds = [word for word in re.split(r"[,\s]+", text) if word]
    if not set(kinds) <= {"smtp/dsn", "authsmtp/dsn"}:
        return False
    draft.say(("backscatter", "discard_bounces"), [kind.removesuffix("/dsn") for kind in kinds])
    return True


def _order(draft: Draft, text: str, values: Values) -> bool:
    modules = text.split()
    if not modules or not set(modules) <= BACKENDS.keys():
        return False
    draft.say(("auth", "order"), [BACKENDS[module] for module in modules])
    return True


def account_options(text: str) -> dict[str, object] | None:
    """Rights of an account as a site says them; None where it has no words for all of them."""
    said: dict[str, object] = {}
    lists: dict[str, list[str]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = part.partition("=")
        where = next(
            (
                (key, words[name])
                for key, words in (("disable", _SERVICES), ("require_tls", _INSECURE), ("webmail", _WEBMAIL))
                if name in words
            ),
            None,
        )
        if where and value == "1":
            lists.setdefault(where[0], []).append(where[1])
        elif name == "group" and value:
            lists.setdefault("groups", []).append(value)
        elif name in {"sharedgroup", "mailhost"} and value:
            said["shared_group" if name == "sharedgroup" else name] = value
        else:
            return None
    return {**lists, **said}


def _default_options(draft: Draft, text: str, values: Values) -> bool:
    options = account_options(text)
    if not options:
        return False
    draft.say(("account_defaults", "options"), options)
    return True


def _ldap_tls(name: str) -> Intent:
    def say(draft: Draft, text: str, values: Values) -> bool:
        if not fits(Line, text) or not fits(Name, name):
            return False
        draft.say(("auth", "ldap_tls", name), text)
        return True

    return say


def _debug(draft: Draft, text: str, values: Values) -> bool:
    if text not in {"0", "1", "2"}:
        return False
    draft.say(("auth", "debug"), int(text))
    return True


def _tls(*keys: str) -> dict[str, Intent]:
    """TLS of the first listener that the site names."""

    def of(field: str, word: object) -> Intent:
        says = [_text(("listeners", key, "tls", field), word) for key in keys]
        return lambda draft, text, values: any(say(draft, text, values) for say in says)

    return {name: of(*where) for name, where in SERVER_TLS.items()} | {"TLS_PRIVATE_KEYFILE": _key(*keys)}


def _key(*keys: str) -> Intent:
    """A key, and its certificate with it: a site wants both in one place, even where one is what the target ships."""

    def say(draft: Draft, text: str, values: Values) -> bool:
        key = next((key for key in keys if draft.said(("listeners", key)) is not None), None)
        if not text or key is None or not fits(Path, text):
            return False
        path, certificate = ("listeners", key, "tls"), values.get("TLS_CERTFILE", "")
        if certificate and draft.said((*path, "certificate")) is None and fits(Path, certificate):
            draft.say((*path, "certificate"), certificate)
        draft.say((*path, "key"), text)
        return True

    return say


def _smtp(key: str) -> dict[str, Intent]:
    path = ("listeners", key)
    return {
        **_tls(key),
        "MAXDAEMONS": _number((*path, "max_connections")),
        "MAXPERIP": _number((*path, "max_per_address")),
        "MAXPERC": _number((*path, "max_per_network")),
        "ESMTP_TLS_REQUIRED": _flag((*path, "require_tls")),
        "AUTH_REQUIRED": _flag((*path, "require_auth")),
        "ESMTPAUTH": _mechanisms((*path, "auth")),
        "ESMTPAUTH_TLS": _mechanisms((*path, "auth_tls")),
        "BOFHCHECKDNS": _flag((*path, "check_sender_domain")),
        "TARPIT": _flag((*path, "tarpit")),
        "ESMTP_LOG_DIALOG": _flag((*path, "log_dialog")),
        "BOFHNOVRFY": _flag((*path, "vrfy"), contrary=True),
        "BOFHNOEXPN": _flag((*path, "expn"), contrary=True),
        "NOADDMSGID": _flag((*path, "add_message_id"), contrary=True),
        "NOADDDATE": _flag((*path, "add_date"), contrary=True),
    }


def _mailbox(key: str, proxy: str) -> dict[str, Intent]:
    path = ("listeners", key)
    on = _endpoints((*path, "on"), "ADDRESS", "PORT")
    return {
        "ADDRESS": on,
        "PORT": on,
        "MAXDAEMONS": _number((*path, "max_connections")),
        "MAXPERIP": _number((*path, "max_per_address")),
        "DEFDOMAIN": _text((*path, "default_domain"), Line),
        "PROXY_HOSTNAME": _text((*path, "proxy_name"), HostName),
        proxy: _flag((*path, "proxy")),
    }


def _mailbox_tls(key: str, starttls: str, required: str) -> dict[str, Intent]:
    on = _endpoints(("listeners", f"{key}s", "on"), "SSLADDRESS", "SSLPORT")
    return {
        **_tls(f"{key}s", key),
        "SSLADDRESS": on,
        "SSLPORT": on,
        "MAXDAEMONS": _number(("listeners", f"{key}s", "max_connections")),
        "MAXPERIP": _number(("listeners", f"{key}s", "max_per_address")),
        starttls: _flag(("listeners", key, "starttls")),
        required: _flag(("listeners", key, "require_tls")),
    }


def _listening(key: str, address: str, port: str) -> dict[str, Intent]:
    on = _endpoints(("listeners", key, "on"), address, port)
    return {address: on, port: on}


INTENTS: Final[Mapping[str, Mapping[str, Intent]]] = {
    "courierd": {
        "DEFAULTDELIVERY": _delivery,
        "DYNAMICDELIVERIES": _flag(("delivery", "dynamic")),
        "ESMTP_USE_STARTTLS": _flag(("sending_tls", "enabled")),
        "ESMTP_TLS_VERIFY_DOMAIN": _flag(("sending_tls", "verify")),
        "TLS_TRUSTCERTS": _text(("sending_tls", "trust"), Path),
        "TLS_TRUSTSECURITYCERTS": _text(("sending_tls", "security_trust"), Path),
        "TLS_CERTFILE": _text(("sending_tls", "certificate"), Path),
        "TLS_PRIVATE_KEYFILE": _text(("sending_tls", "key"), Path),
        "TLS_PRIORITY": _text(("sending_tls", "priority"), Line),
        "ESMTP_BLOCKBACKSCATTER": _backscatter,
        "DSNTOAUTHADDR": _flag(("backscatter", "bounce_to_login")),
        "ARCHIVEDIR": _text(("host", "archive"), Path),
        "UUXFLAGS": _text(("uucp", "uux_options"), Line),
    },
    "esmtpd": {
        **_smtp("smtp"),
        **_listening("smtp", "ADDRESS", "PORT"),
        "BLACKLISTS": _block_lists,
        "DROP": _drop,
        "ALLOW_EXCLUSIVE": _flag(("dns_lists", "exclusive")),
    },
    "esmtpd-msa": {**_smtp("submission"), **_listening("submission", "ADDRESS", "PORT")},
    "esmtpd-ssl": {**_smtp("smtps"), **_listening("smtps", "SSLADDRESS", "SSLPORT")},
    "imapd": _mailbox("imap", "IMAP_PROXY"),
    "imapd-ssl": _mailbox_tls("imap", "IMAPDSTARTTLS", "IMAP_TLS_REQUIRED"),
    "pop3d": {
        **_mailbox("pop3", "POP3_PROXY"),
        "POP3AUTH": _mechanisms(("listeners", "pop3", "auth")),
        "POP3AUTH_TLS": _mechanisms(("listeners", "pop3", "auth_tls")),
    },
    "pop3d-ssl": _mailbox_tls("pop3", "POP3_STARTTLS", "POP3_TLS_REQUIRED"),
    "authdaemonrc": {
        "authmodulelist": _order,
        "daemons": _number(("auth", "workers")),
        "DEBUG_LOGIN": _debug,
        "DEFAULTOPTIONS": _default_options,
        **{name: _ldap_tls(name) for name in ("LDAPTLS_CACERT", "LDAPTLS_REQCERT", "LDAPTLS_CERT", "LDAPTLS_KEY")},
    },
    "sqwebmaild": {"SQWEBMAIL_PREFORK": _number(("webmail", "processes"))},
    **{
        f"module.{name}": {
            "MAXDELS": _number(("queue", "modules", name, "deliveries")),
            "MAXHOST": _number(("queue", "modules", name, "per_host")),
            "MAXRCPT": _number(("queue", "modules", name, "recipients")),
        }
        for name in ("local", "esmtp", "dsn", "uucp", "fax")
    },
}
"""File to name to the place of the site."""
