"""Mistakes in local delivery: mail that lands where nobody reads it, programs that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import (
    FILES,
    backends,
    decided,
    in_force,
    mailbox_listeners,
    several,
    shown,
    value_in_force,
)
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity, SitePath

_MAILBOX: Final = re.compile(r"(?:\./|/)[^|&\n]*")
"""Delivery instructions that are one mailbox or maildir."""


def _mbox(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    default = resolved.site.delivery.default
    served = [name for name, _ in mailbox_listeners(resolved)]
    is_overruled = decided(resolved, "courierd", "defaultdelivery")[1][:1] == ("settings",)
    if default is not None and default.mbox is not None and served and not is_overruled:
        yield Finding(
            ("delivery", "default", "mbox"),
            f"mail is put into the mailbox file {default.mbox}, but {several(served)} read maildirs only",
            "write maildir: Maildir",
        )


def _other_maildir(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    delivered, writer = _default_maildir(resolved)
    for name, _ in mailbox_listeners(resolved):
        found = in_force(resolved, FILES[name], "maildirpath")
        read, reader = (_plain(str(found[0])), found[1]) if found is not None and found[0] else (delivered, ())
        if delivered and read != delivered and (writer or reader):
            remedy = f"write maildir: {delivered} under account_defaults"
            if reader[:1] == ("settings",):
                remedy = f"remove {shown(reader)}, or write maildir: {read} under account_defaults"
            elif writer[:1] == ("settings",):
                remedy = f"remove {shown(writer)}, and {remedy}"
            yield Finding(writer or reader, f"mail is put into {delivered}, but {name} looks for it in {read}", remedy)
            return


def _default_maildir(resolved: ResolvedSite) -> tuple[str, SitePath]:
    """The maildir where mail goes by default, and the place that says so; empty where it goes somewhere else."""
    instructions, path = in_force(resolved, "courierd", "defaultdelivery") or ("", ())
    last = str(instructions or "").rpartition("\n")[2]  # behind the program that looks for .forward files
    if not _MAILBOX.fullmatch(last):
        return "", ()
    default = resolved.site.delivery.default
    if default is None or path[:1] != ("delivery",):
        return _plain(last), path
    if default.mbox is not None:
        return "", ()  # which has a check of its own
    return _plain(last), ("delivery", "default", "maildir" if default.maildir is not None else "instructions")


def _plain(maildir: str) -> str:
    return maildir.removeprefix("./").rstrip("/")


def _alias_filter(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    home, path = decided(resolved, "control", "aliasfilteracct")
    if home and not value_in_force(resolved, "control", "maildropfilter"):
        yield Finding(
            path,
            "aliases are to be filtered, but no recipient is: there is no program for it",
            "add recipient_filter with the path of maildrop",
        )


def _plain_maildrop(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    program, path = decided(resolved, "control", "maildropfilter")
    if resolved.profile.name.startswith("debian") and program == resolved.profile.layout.maildrop:
        yield Finding(
            path,
            f"{program} of {resolved.profile.title} was built without Courier and cannot filter while a client waits",
            f"give the path of a maildrop that was built with Courier, or remove {path[-1]}",
        )


def _archive(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    archive, path = decided(resolved, "courierd", "archivedir")
    queue = resolved.profile.layout.localstatedir
    if archive and not f"{archive}/".startswith(f"{queue}/"):
        yield Finding(
            path,
            f"messages are moved to {archive} by renaming, which only works on the file system of {queue}",
            f"choose a directory below {queue}, or make sure that both are on one file system",
        )


def _quota_warning(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    text = resolved.site.delivery.quota_warning
    if text is None:
        return
    head, gap, _ = text.partition("\n\n")
    if not gap or any(":" not in line and line[:1] not in " \t" for line in head.splitlines()):
        yield Finding(
            ("delivery", "quota_warning"),
            "the quota warning is put into maildirs as it is, and is no message: it does not begin with headers",
            "begin it with From:, Subject: and an empty line",
        )


def _programs(resolved: ResolvedSite) -> Iterator[tuple[SitePath, str]]:
    """Every program that the site names by its path."""
    site = resolved.site
    for attribute in ("maildrop", "maildropfilter", "filters_perlfilter"):
        program, path = decided(resolved, "control", attribute)
        if program:
            yield path, str(program)
    if site.filters is not None:
        yield from ((("filters", "active", name), program) for name, program in site.filters.active.items())
    if site.auth.pipe is not None and "pipe" in backends(resolved):
        yield ("auth", "pipe", "program"), site.auth.pipe.program
    if site.webmail is not None and site.webmail.banner_program is not None:
        yield ("webmail", "banner_program"), site.webmail.banner_program


def _program_missing(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not host.strict:
        return
    for path, program in _programs(resolved):
        if host.file(program) is None:
            yield Finding(path, f"there is no program {program}", "correct the path, or install the program")


def _instructions(resolved: ResolvedSite) -> Iterator[tuple[SitePath, str]]:
    """Places and names of addresses with delivery instructions."""
    for name in resolved.site.delivery.dotfiles:
        if name != "default":
            yield ("delivery", "dotfiles", name), name
    lists = resolved.site.mailing_lists
    for name, listed in lists.lists.items() if lists is not None else ():
        user, _, domain = listed.address.rpartition("@")
        yield ("mailing_lists", "lists", name, "address"), user or domain


def _taken_by_accounts(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    """An account of the same name, or of a beginning of it that ends at a hyphen, takes the mail."""
    logins: frozenset[str] | None = None
    for path, name in _instructions(resolved):
        if logins is None:
            logins = frozenset(mailbox.login for mailbox in resolved.mailboxes if "@" not in mailbox.login)
        ends = (at for at, letter in enumerate(f"{name}-") if letter == "-")
        for login in (name[:at] for at in ends if name[:at] in logins):
            yield Finding(
                path,
                f"mail for {name} goes to the account {login}, so nothing else is done for it",
                "choose another name, or rename the account",
            )


CHECKS: Final = (
    Check(
        "recipient-filter-not-courier",
        "A recipient filter that refuses everything",
        "Courier calls the recipient filter with arguments that only a maildrop built together with Courier "
        "understands. The one that Debian packages answers with a usage message, and Courier refuses every recipient "
        "with it.",
        _plain_maildrop,
    ),
    Check(
        "archive-elsewhere",
        "An archive outside of the queue",
        "A message goes to the archive by being renamed when its deliveries are done. That fails between two file "
        "systems: the log then complains for every message, and nothing is archived.",
        _archive,
        Severity.NOTE,
    ),
    Check(
        "delivery-mbox",
        "Mailbox files on a server for maildirs",
        "Courier can put mail into mailbox files, but its IMAP, POP3 and webmail servers read maildirs only. The mail "
        "arrives where nobody sees it.",
        _mbox,
        Severity.WARNING,
    ),
    Check(
        "delivery-maildir",
        "Mail in another maildir than the one that is read",
        "Where mail is put and where it is looked for are two settings. Where they differ mail arrives, and people "
        "find an empty mailbox.",
        _other_maildir,
        Severity.WARNING,
    ),
    Check(
        "address-is-account",
        "Instructions for an address that is an account",
        "Accounts come before instructions for other addresses, and an account also takes every address that "
        "begins with its name and a hyphen. The instructions are never followed.",
        _taken_by_accounts,
        Severity.WARNING,
    ),
    Check(
        "alias-filter-alone",
        "A filter for aliases without a filter",
        "The account for aliases takes part in the filtering of recipients, which recipient_filter switches on. "
        "Without it the setting does nothing.",
        _alias_filter,
        Severity.WARNING,
    ),
    Check(
        "quota-warning-malformed",
        "A quota warning that is no message",
        "The text is copied into the maildir as a complete message. Without headers and an empty line behind them mail "
        "programs show an empty message, or none.",
        _quota_warning,
        Severity.WARNING,
    ),
    Check(
        "program-missing",
        "A program that is not on the host",
        "The program is called by its path while mail is accepted or delivered. If it is not there the mail is put off "
        "for the time being, and a filter that does not run stops all mail.",
        _program_missing,
    ),
)
