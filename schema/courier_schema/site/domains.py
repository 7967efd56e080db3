"""domains: for which domains this server answers, and who lives there."""

from typing import Literal, Self

from pydantic import Field, model_validator

from courier_schema.site.accounts import Accounts
from courier_schema.site.aliases import LocalAliases, Target
from courier_schema.site.base import Section
from courier_schema.words import Domain, DomainPattern

Kind = Literal["local", "hosted", "relay"]


class MailDomain(Section):
    """One domain, or with a leading dot all sub-domains of one."""

    kind: Kind = "local"
    """local: all local domains share one set of account names; hosted: accounts are full addresses; relay: accept
    the mail and pass it on to the domain's own servers (a backup MX). A host that only sends gives this kind to its own
    name and to its site's, and names a smarthost."""
    alias_of: Domain | None = None
    """The hosted domain under which the accounts of this one are known. Its aliases hold here, too."""
    accept: bool = True
    """Accept mail for the domain from everybody."""
    subdomains: bool = False
    """Treat all sub-domains alike."""
    excluding: list[DomainPattern] = Field(default=[])
    """Sub-domains that are not meant; with a leading dot those below one."""
    accounts: Accounts = Field(default={})
    """Mailboxes of the domain."""
    aliases: LocalAliases = Field(default={})
    """Aliases within the domain; names without a domain on the right side belong to it, too."""
    catch_all: Target | None = None
    """Who gets the mail for names that do not exist."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.kind == "relay" and (self.accounts or self.aliases or self.catch_all):
            raise ValueError("a relay domain has no accounts, aliases or catch_all here: use kind: hosted")
        if self.alias_of and self.accounts:
            raise ValueError(f"an alias domain has no accounts of its own: move them to {self.alias_of}")
        if self.alias_of and self.kind == "relay":
            raise ValueError("a relay domain cannot be an alias of a hosted one: write kind: hosted")
        if self.excluding and self.kind == "hosted":
            raise ValueError("Courier excludes nothing from a hosted domain: name its sub-domains one by one")
        return self


Domains = dict[DomainPattern, MailDomain]
