"""control: the files of one value, and the files whose existence is the message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy, said, translate
from courier_compiler.resolved import Concealed, ResolvedSite
from courier_schema.legacy.table import Table
from courier_schema.legacy.tables.control import Control
from courier_schema.report import SitePath
from courier_schema.site.base import Section
from courier_schema.site.filters import DupFilter, Filters, PerlFilter, RateFilter, VerifyFilter
from courier_schema.site.routing import BackupRelay
from courier_schema.site.web import Autoreplies, Webadmin, Webmail
from courier_schema.words import octets

_HOST: Final = {
    "name": "me",
    "message_id_domain": "msgidhost",
    "helo": "esmtphelo",
    "greeting": "esmtpgreeting",
    "source_ipv4": "ipout",
    "source_ipv6": "ip6out",
    "dot_extension": "dotextension",
    "separators": "defaultsep",
}
_DELIVERY: Final = {
    "maildrop": "maildrop",
    "recipient_filter": "maildropfilter",
    "alias_filter_home": "aliasfilteracct",
}
_QUEUE: Final = {
    "lifetime": "queuetime",
    "fax_lifetime": "faxqueuetime",
    "warn_after": "warntime",
    "first_delay": "submitdelay",
    "retry_pause": "retryalpha",
    "retries_per_series": "retrybeta",
    "series_pause": "retrygamma",
    "series_doublings": "retrymaxdelta",
    "host_pause": "esmtpdelay",
    "recipients_per_copy": "batchsize",
    "memory_low": "queuelo",
    "memory_high": "queuehi",
    "refill": "queuefill",
    "respawn_idle": "respawnlo",
    "respawn_busy": "respawnhi",
}
_TIMEOUTS: Final = {
    "command": "esmtptimeout",
    "connect": "esmtptimeoutconnect",
    "helo": "esmtptimeouthelo",
    "data": "esmtptimeoutdata",
    "quit": "esmtptimeoutquit",
    "keep_alive": "esmtptimeoutkeepalive",
    "keep_alive_probe": "esmtptimeoutkeepaliveping",
    "local_delivery": "localtimeout",
}
_FILTERS: Final = {
    "perlfilter": {"script": "filters_perlfilter", "processes": "filters_perlfilter_numprocs"},
    "dupfilter": {
        "remembered": "filters_dupfilter_hashsize",
        "tolerated": "filters_dupfilter_duplevel",
        "threads": "filters_dupfilter_nthreads",
    },
    "ratefilter": {
        "interval": "filters_ratefilter_interval",
        "max_recipients": "filters_ratefilter_maxrcpts",
        "min_uid": "filters_ratefilter_minuid",
    },
    "verifyfilter": {"log": "filters_verifyfilter_logmode", "threads": "filters_verifyfilter_nthreads"},
}
_WEBMAIL: Final = {"name_charset": "authcharset", "host_name": "hostname", "dictionary": "ispelldict"}
_WEBADMIN: Final = {"restart_command": "webadmin_restartcmd", "auth_restart_command": "webadmin_restartauthcmd"}


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says in one line a file."""
    site = resolved.site
    yield from _host(resolved)
    yield from copy(Control, site.delivery, ("delivery",), _DELIVERY)
    yield from copy(Control, site.queue, ("queue",), _QUEUE)
    yield from copy(Control, site.queue.timeouts, ("queue", "timeouts"), _TIMEOUTS)
    yield from _backup_relay(site.backup_relay)
    yield from copy(Control, site.bounces, ("bounces",), {"sender": "dsnfrom"})
    yield from _size(site.bounces, ("bounces",), "return_whole_below", "dsnlimit")
    yield from copy(Control, site.uucp, ("uucp",), {"node": "uucpme", "rewrite_headers": "uucprewriteheaders"})
    yield from _filters(site.filters)
    yield from _webmail(site.webmail)
    yield from _webadmin(site.webadmin)


def _host(resolved: ResolvedSite) -> Iterator[Intent]:
    host, path = resolved.site.host, ("host",)
    yield from copy(Control, host, path, _HOST)
    source = (*path, "default_domain") if host.default_domain else ("site",)
    yield Intent(Control(defaultdomain=resolved.default_domain), source)
    yield Intent(Control(locallowercase=host.fold_case), (*path, "fold_case"), "unless the site says otherwise")
    yield from _size(host, path, "max_message_size", "sizelimit")


def _size(section: Section, path: SitePath, field: str, attribute: str) -> Iterator[Intent]:
    return translate(Control, section, path, {field: attribute}, octets, "in bytes")


def _backup_relay(relay: BackupRelay | None) -> Iterator[Intent]:
    if relay is not None:
        line = f"{relay.host} {relay.module}" if relay.module else relay.host
        yield Intent(Control(backuprelay=line), ("backup_relay",), "host and module")


def _filters(filters: Filters | None) -> Iterator[Intent]:
    """Global filters; where some are active and the site does not say for which mail, it is mail by SMTP."""
    if filters is None:
        return
    path = ("filters",)
    if filters.active and filters.apply_to is None:
        yield Intent(Control(enablefiltering=("esmtp",)), (*path, "active"), "for mail that comes by SMTP")
    yield from copy(Control, filters, path, {"apply_to": "enablefiltering"})
    for name, fields in _FILTERS.items():
        section = getattr(filters, name)
        yield from copy(Control, section, (*path, name), fields)
        yield from _mode(Control, section, name)
    if filters.perlfilter and filters.perlfilter.rate_limit:
        numbers = tuple((name, str(value)) for name, value in filters.perlfilter.rate_limit.items())
        yield Intent(Control(filters_perlfilter_ratelimit=numbers), (*path, "perlfilter", "rate_limit"))


def _mode(
    table: type[Table], section: PerlFilter | DupFilter | RateFilter | VerifyFilter | None, name: str
) -> Iterator[Intent]:
    """The file that makes a filter see all mail; selective filtering is the absence of one."""
    if section is not None and section.mode == "all":
        yield Intent(table(**{f"filters_{name}_mode": "all"}), ("filters", name, "mode"))


def _webmail(webmail: Webmail | None) -> Iterator[Intent]:
    if webmail is None:
        return
    path = ("webmail",)
    if webmail.calendar != "off":
        yield Intent(Control(calendarmode=webmail.calendar), (*path, "calendar"))
    yield from copy(Control, webmail, path, _WEBMAIL)
    files = {"MAILDIRFILTER": webmail.filter_file, "MAILDIR": webmail.filter_maildir}
    pairs = tuple((name, value) for name, value in files.items() if value is not None)
    if pairs:
        field = "filter_file" if webmail.filter_file is not None else "filter_maildir"
        yield Intent(Control(maildirfilterconfig=pairs), (*path, field), "as NAME=path")
    yield from _autoreplies(webmail.autoreplies)


def _autoreplies(limits: Autoreplies | None) -> Iterator[Intent]:
    if limits is not None:
        count = f"C{limits.count}" if limits.count is not None else ""
        size = f"S{octets(limits.size)}" if limits.size is not None else ""
        yield Intent(Control(autoresponsesquota=count + size), ("webmail", "autoreplies"), "count and bytes")


def _webadmin(webadmin: Webadmin | None) -> Iterator[Intent]:
    if webadmin is None:
        return
    path = ("webadmin",)
    if webadmin.password is not None:
        secret = {"webadmin_password": Concealed(webadmin.password)}
        yield Intent(Control(), (*path, "password"), concealed=secret)
    for field, allowed in said(webadmin, ("plain_http",)):
        if allowed is not False:
            addresses = tuple(allowed) if isinstance(allowed, list) else ()
            yield Intent(Control(webadmin_unsecureok=addresses), (*path, field), "all addresses where none is listed")
    yield from copy(Control, webadmin, path, _WEBADMIN)


DERIVATIONS = (Derivation("control", derive),)
