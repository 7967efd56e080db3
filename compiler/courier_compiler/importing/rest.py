"""The rest: files that no other part of a site makes are carried as they are, unless they are no configuration."""

from __future__ import annotations

import re
from typing import Final

from courier_compiler.artefacts.aliasdir import NOTE, README
from courier_compiler.importing.draft import Draft
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.shipped import is_shipped
from courier_compiler.importing.tables import is_left_over, unreadable_databases
from courier_schema.legacy.manifest import NAME
from courier_schema.report import Mark

_GENERATED: Final = re.compile(
    r"aliasdir/\.courier-:xalias.*|shared\.tmp/.*|userdb\.lock|.*\.tmp|.*\.lock|(aliases|hosteddomains|esmtpacceptmailfor|"
    r"esmtppercentrelay|smtpaccess|imapaccess|uucpneighbors|userdb|userdbshadow|esmtproutes)(-[\w]+)?\.dat(\..*)?|esmtproutes\.dat"
)
_PEM: Final = re.compile(rb"-----BEGIN [A-Z ]*(CERTIFICATE|PRIVATE KEY|DH PARAMETERS)-----")


def why_not_carried(installation: Installation, name: str) -> str:
    """Why a file is no part of the site; empty where it is to be carried."""
    content = installation.files[name].content
    if _GENERATED.fullmatch(name):
        return "made by Courier's own commands"
    if name == NAME:
        return "the record of a former build"
    if name == README and content == NOTE.encode():
        return "the note of a former build"
    if is_left_over(name):
        return "a copy that an editor, package manager or upgrade left, which nothing reads"
    if is_shipped(content) and content:
        return "as Courier ships it"
    if name.startswith("webadmin/") and name.split("/")[1] in {
        "added",
        "removed",
        "changed",
        "changed.new",
        "subdirs-added",
        "subdirs-removed",
    }:
        return "a change that the web administration has not applied yet"
    if _PEM.search(content):
        return "a certificate, key or parameter file, which stays where it is and is no part of a site"
    return ""


def take_rest(draft: Draft, installation: Installation) -> None:
    """Carry what is left, and tell what cannot be."""
    for name in unreadable_databases(installation):
        says = f"{name} has no source and cannot be read here, so what it holds is not in the site"
        draft.note(f"{says}; for a Berkeley database install courier-compile[berkeley]", is_open=True)
    for name in sorted(installation.files):
        if draft.is_taken(name):
            continue
        reason = why_not_carried(installation, name)
        if not reason:
            draft.carry(installation, name)
            place = draft.said(("files", name))
            if isinstance(place, dict) and "from_file" in place:
                draft.note(
                    f"{name} is carried as a file beside the site: {place['from_file']}",
                    Mark(installation.where(name), 1),
                )
        elif reason.startswith(("a certificate", "a change", "a copy")):
            draft.note(f"{installation.where(name)} is not in the site: it is {reason}")
