"""etc/pam.d: one PAM service file for each of Courier's services, where accounts are looked up through PAM.

On Debian they include the common files of the distribution, so that what an administrator sets up there holds for
mail, too; elsewhere they ask the system's password file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, Guard
from courier_compiler.origin import derived

_COMMON: Final = "@include common-auth\n@include common-account\n@include common-session\n"
_UNIX: Final = "auth     required pam_unix.so\naccount  required pam_unix.so\nsession  required pam_permit.so\n"
_SERVICES: Final = ("esmtp", "imap", "pop3", "webmail")


def build(context: Context) -> Iterator[Artefact]:
    auth = context.site.auth
    ordered = "pam" in (auth.order or ())
    if not (auth.pam or ordered):
        return
    origin = derived("auth", "order" if ordered and not auth.pam else "pam")
    webmail = context.site.webmail
    calendar = ("calendar",) if webmail is not None and webmail.calendar == "net" else ()
    for service in (*_SERVICES, *calendar):
        yield context.text(f"/etc/pam.d/{service}", _COMMON if context.is_debian else _UNIX, origin, Guard.WORLD)


ARTEFACT = ArtefactSpec("pam", build)
