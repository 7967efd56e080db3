"""etc/courier/ldapaddressbook: LDAP address books that webmail offers to everybody.

Webmail reads the file as the user who is logged in, so it is readable by all.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, Guard
from courier_compiler.origin import derived


def build(context: Context) -> Iterator[Artefact]:
    webmail = context.site.webmail
    if webmail is None or not (webmail.enabled and webmail.address_books):
        return
    # the last two fields once held a name and password to bind with; webmail no longer reads them
    lines = {
        "\t".join((name, book.host, str(book.port), book.base, "", "")): derived("webmail", "address_books", name)
        for name, book in sorted(webmail.address_books.items())
    }
    yield context.lines("ldapaddressbook", lines, Guard.WORLD)


ARTEFACT = ArtefactSpec("ldapaddressbook", build)
