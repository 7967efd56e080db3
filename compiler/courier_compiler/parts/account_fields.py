"""Account fields: what userdb says about an account besides its owner and its passwords."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.derive.authdaemonrc import account_options
from courier_compiler.resolved import Mailbox
from courier_schema.site.accounts import AccountDefaults, Quota
from courier_schema.words import octets


def account_fields(mailbox: Mailbox, defaults: AccountDefaults) -> Iterator[tuple[str, str]]:
    """Name and text of each field."""
    account = mailbox.account
    options = account_options(account.options) if account.options else ()
    texts = {
        "home": mailbox.home,
        "mail": mailbox.maildir,
        "shell": account.shell,
        "gecos": account.name,
        "quota": _quota(account.quota or defaults.quota),
        "options": ",".join(f"{name}={value}" for name, value in options),
    }
    return ((name, text) for name, text in texts.items() if text)


def _quota(quota: Quota | None) -> str:
    if quota is None:
        return ""
    size = [f"{octets(quota.size)}S"] if quota.size is not None else []
    return ",".join((*size, *([f"{quota.messages}C"] if quota.messages is not None else [])))
