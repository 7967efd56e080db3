"""Site: the whole description of a mail host, as it was said."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from courier_schema.site.accounts import AccountDefaults, Accounts
from courier_schema.site.aliases import Aliases
from courier_schema.site.auth import Auth
from courier_schema.site.backscatter import Backscatter
from courier_schema.site.base import Section
from courier_schema.site.delivery import Delivery
from courier_schema.site.domains import Domains
from courier_schema.site.dsn import Bounces
from courier_schema.site.files import LiteralFiles, VirtualHosts
from courier_schema.site.filters import Filters
from courier_schema.site.gateways import Fax, LdapAliases, Socks, Uucp
from courier_schema.site.host import Host
from courier_schema.site.listeners import Listeners
from courier_schema.site.lists import MailingLists
from courier_schema.site.policy import DnsLists, Policy
from courier_schema.site.profile import Target
from courier_schema.site.queue import Queue
from courier_schema.site.relay import Access
from courier_schema.site.routing import BackupRelay, Credentials, PercentRelay, Routes, Smarthost
from courier_schema.site.settings import Settings
from courier_schema.site.tests import Tests
from courier_schema.site.tls import SendingTls, Tls
from courier_schema.site.web import Webadmin, Webmail
from courier_schema.words import Domain, Identifier, Line, Name


def _whole(said: object) -> object:
    """1.0 and true are equal to 1 without being it."""
    if isinstance(said, bool | float):
        raise PydanticCustomError("wrong-value", "{value} is no version", {"value": repr(said), "remedy": "write 1"})
    return said


class Site(Section):
    """One mail host. Includes are merged and a host of several is chosen before it comes to this."""

    version: Annotated[Literal[1], BeforeValidator(_whole)] = 1
    """Version of the site language."""
    site: Domain
    """The site's main mail domain."""
    profile: Target = Target.unsaid()
    """The Courier installation that the files are made for."""
    host: Host
    """Identity of the server."""
    tls: Tls = Tls.unsaid()
    """Certificates and rules of encryption."""
    sending_tls: SendingTls = SendingTls.unsaid()
    """Encryption when sending."""
    listeners: Listeners = Listeners.unsaid()
    """Services on ports."""
    domains: Domains = Field(default={})
    """Domains that this server answers for."""
    accounts: Accounts = Field(default={})
    """Mailboxes without a domain of their own; they exist in every local domain."""
    account_defaults: AccountDefaults = AccountDefaults.unsaid()
    """What accounts get that do not say otherwise."""
    aliases: Aliases = Field(default={})
    """Names that are delivered elsewhere."""
    protocol_aliases: dict[Literal["esmtp", "local", "uucp", "dsn", "fax"], Aliases] = Field(default={})
    """Aliases for mail that arrives in one way only: by SMTP, from this host, by UUCP, as a bounce, or by fax."""
    access: Access = Field(default={})
    """What SMTP clients may do by address."""
    submission_access: Access | None = None
    """A table of its own for the submission service; `access` when absent."""
    mailbox_access: Access = Field(default={})
    """What IMAP clients may do by address."""
    percent_relay: PercentRelay | None = None
    """Domains that may appear behind a percent sign."""
    routes: Routes = Field(default={})
    """Fixed relays by destination; the longest match wins, '*' is everything else."""
    smarthost: Smarthost | None = None
    """Host that takes all outgoing mail."""
    credentials: Credentials = Field(default={})
    """Further logins at other servers, by the name of the relay."""
    backup_relay: BackupRelay | None = None
    """Host that takes over what cannot be delivered in time."""
    backscatter: Backscatter = Backscatter.unsaid()
    """What happens to bounces."""
    queue: Queue = Queue.unsaid()
    """Retries and life time."""
    delivery: Delivery = Delivery.unsaid()
    """Local delivery."""
    filters: Filters | None = None
    """Global filters."""
    policy: Policy = Policy.unsaid()
    """Restrictions on senders and recipients."""
    dns_lists: DnsLists = DnsLists.unsaid()
    """DNS lists of client addresses."""
    auth: Auth = Auth.unsaid()
    """Where logins are looked up."""
    bounces: Bounces = Bounces.unsaid()
    """Delivery status notifications."""
    mailing_lists: MailingLists | None = None
    """couriermlm mailing lists."""
    webmail: Webmail | None = None
    """Webmail."""
    webadmin: Webadmin | None = None
    """Web administration."""
    ldap_aliases: LdapAliases | None = None
    """Aliases in a directory."""
    uucp: Uucp | None = None
    """UUCP gateway."""
    fax: Fax | None = None
    """Fax gateway."""
    socks: Socks | None = None
    """SOCKS 5 proxies for outgoing connections."""
    virtual_hosts: VirtualHosts = Field(default={})
    """What differs for single addresses or login domains."""
    settings: Settings = Field(default={})
    """Courier's own settings under their own names, by file; they win over everything above."""
    environment: dict[Identifier, dict[Name, Line]] = Field(default={})
    """Further variables for the daemons that read a file, by file."""
    files: LiteralFiles = Field(default={})
    """Files carried as they are, relative to the configuration directory."""
    tests: Tests = Tests.unsaid()
    """What is expected of the finished host; `courier-compile test` tries it."""
