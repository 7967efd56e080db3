"""userdb and its two databases, in the directory of the account library: the accounts that the site describes.

Passwords stand in the source and in `userdbshadow.dat`, which only root reads; everything else is public. A service
with a password of its own has that one only. The SMTP service is called esmtp. Catch-alls of hosted domains are
accounts without a password.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.artefact import Artefact, ArtefactSpec
from courier_compiler.context import Context, Guard
from courier_compiler.origin import Origin, derived
from courier_compiler.parts.account_fields import account_fields
from courier_compiler.parts.catchall import hosted_catch_alls
from courier_compiler.parts.passwords import hash_password, is_hash
from courier_compiler.resolved import Mailbox
from courier_schema.legacy.formats.cram import cram_secrets
from courier_schema.legacy.formats.source import Source
from courier_schema.legacy.formats.userdb import DEFAULT_BASE, Field, compile_userdb, format_account
from courier_schema.report import SitePath
from courier_schema.site.accounts import Password
from courier_schema.source.secrets import MASK

_SERVICES: Final = {"smtp": "esmtp"}
"""Services of the site that the account library knows by another name."""


def build(context: Context) -> Iterator[Artefact]:
    lines: list[bytes] = []
    origins: dict[str, Origin] = {}
    for login, fields, path in _accounts(context):
        try:
            line = format_account(login.encode(), fields)
        except ValueError:
            continue  # the checks refuse it, and the second of two accounts with one login
        if login not in origins:
            lines.append(line)
            origins[login] = derived(*path)
    if not lines:
        return
    content = b"".join(lines)
    made = compile_userdb([Source(DEFAULT_BASE, content)])
    context.adopt(made.problems, {DEFAULT_BASE: list(origins.values())})
    name = context.auth_name
    yield context.text(name("userdb"), content, origins, Guard.ROOT, secret=True)
    yield context.database(name("userdb.dat"), made.public, origins, Guard.WORLD)
    yield context.database(name("userdbshadow.dat"), made.shadow, origins, Guard.ROOT, secret=True)


def _accounts(context: Context) -> Iterator[tuple[str, list[Field], SitePath]]:
    """Login, fields and place of every account that has an owner."""
    defaults = context.site.account_defaults
    for mailbox in sorted(context.resolved.mailboxes, key=lambda mailbox: mailbox.login):
        if mailbox.uid is None or mailbox.gid is None:
            continue
        owner = [(b"uid", b"%d" % mailbox.uid), (b"gid", b"%d" % mailbox.gid)]
        fields = [(name.encode(), text.encode()) for name, text in account_fields(mailbox, defaults)]
        yield mailbox.login, [*owner, *fields, *_passwords(context, mailbox)], mailbox.path
    for found in hosted_catch_alls(context.names, context.profile.layout.sysconfdir):
        if defaults.uid is None or defaults.gid is None:
            continue
        owner = [(b"uid", b"%d" % defaults.uid), (b"gid", b"%d" % defaults.gid)]
        yield found.login, [*owner, (b"home", found.home.encode())], found.path


def _passwords(context: Context, mailbox: Mailbox) -> Iterator[Field]:
    account = mailbox.account
    said: list[tuple[str, Password, SitePath]] = [
        (_SERVICES.get(service, service), password, ("passwords", service))
        for service, password in account.passwords.items()
    ]
    if account.password is not None:
        said.insert(0, ("", account.password, ("password",)))
    for service, password, key in said:
        text = password.hash if password.hash is not None else context.reveal(password)
        yield (f"{service or 'system'}pw".encode(), _stored(context, text, mailbox).encode())
        if account.cram and password.hash is None:
            prefix = f"{service}-" if service else ""
            yield from _cram(context, text, prefix, (*mailbox.path, *key))


def _stored(context: Context, text: str, mailbox: Mailbox) -> str:
    if text == MASK or is_hash(text):
        return text
    login = mailbox.login
    return hash_password(text, login if "@" in login else f"{login}@{context.names.default}")


def _cram(context: Context, text: str, prefix: str, path: SitePath) -> Iterator[Field]:
    if is_hash(text):
        context.problem(
            "cram-needs-password",
            "the secrets of CRAM methods are made of a clear password, and this one is hashed",
            "give the clear password as a secret, or remove cram",
            path,
        )
        return
    for function, secret in cram_secrets(text).items():
        yield (f"{prefix}hmac-{function}pw".encode(), (MASK if text == MASK else secret).encode())


ARTEFACT = ArtefactSpec("userdb", build)
