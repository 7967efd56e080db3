"""The file authldaprc: accounts in an LDAP directory, one keyword and its value a line."""

from typing import Annotated, Literal

from courier_schema.legacy.codecs import Flag, PairsCodec, Path, Positive, TextCodec, WordsCodec
from courier_schema.legacy.table import Absent, Secret, Since, Table

Uris = Annotated[
    tuple[str, ...],
    WordsCodec(",", blanks=True, pattern=r"ldap[si]?://\S+", noun="an LDAP URI", remedy="begin it with ldap://"),
]
Dn = Annotated[
    str,
    TextCodec(r"[\w.-]+ *=.*\S|[\w.-]+=", "write attribute=value, with commas between", noun="a distinguished name"),
]
Keyword = Annotated[
    str,
    TextCodec(
        r"[^\s\\]|\S.*[^\s\\]",
        "the file takes no blank at either end and no backslash at the end",
        noun="a value for this file",
    ),
]
Attribute = Annotated[
    str, TextCodec(r"[A-Za-z][\w;.-]*", "write letters, digits and hyphens", noun="an LDAP attribute")
]
Filter = Annotated[
    str, TextCodec(r"\(.*\)", "put it in parentheses, as in (objectClass=person)", noun="an LDAP filter")
]
Domain = Annotated[str, TextCodec(r"[^\s@/]+", "write the part after the at sign, without it", noun="a domain")]
Id = Annotated[str, TextCodec(r"\d+|[A-Za-z_][\w.-]*\$?", "write a name or a number", noun="a user or group")]
OptionMap = Annotated[tuple[tuple[str, str], ...], PairsCodec(pattern=r"[A-Za-z]\w*")]


class Service(Table):
    """Where the directory is and how the module speaks to it."""

    ldap_uri: Annotated[Uris, Since("0.58")] = ("ldaps://ldap.example.com", "ldaps://backup.example.com")
    """Directory servers, asked in turn."""
    ldap_protocol_version: Annotated[Literal["2", "3"], Absent("the library's default")] | None = "3"
    """Version of the LDAP protocol."""
    ldap_basedn: Dn = "o=example, c=com"
    """Entry under which accounts are searched."""
    ldap_binddn: Annotated[Dn, Absent("an error while LDAP_INITBIND is on")] | None = (
        "cn=administrator, o=example, c=com"
    )
    """Name under which the module binds for its searches."""
    ldap_bindpw: Annotated[Keyword, Absent("an error while LDAP_INITBIND is on"), Secret()] | None = "toto"
    """Password that goes with LDAP_BINDDN."""
    ldap_timeout: Annotated[Positive, Absent("5")] | None = 5
    """Seconds to wait for the directory."""
    ldap_authbind: Annotated[Flag, Absent("off")] | None = None
    """Check a password by binding as the account, which rules the CRAM mechanisms out."""
    ldap_initbind: Annotated[Flag, Absent("off: anonymous searches"), Since("0.66")] | None = True
    """Bind as LDAP_BINDDN before searching."""
    ldap_deref: (
        Annotated[Literal["never", "searching", "finding", "always"], Absent("never"), Since("0.35.1")] | None
    ) = "never"
    """When entries that are aliases are followed."""
    ldap_tls: Annotated[Flag, Absent("off")] | None = False
    """Turn to TLS on ldap:// connections; ldaps:// has it already and does not bear this."""


class Attributes(Table):
    """What an account's attributes are called."""

    ldap_mail: Annotated[Attribute, Absent("mail")] | None = "mail"
    """Attribute that the login name is compared with."""
    ldap_homedir: Annotated[Attribute, Absent("homeDir")] | None = "homeDirectory"
    """Attribute with the home directory."""
    ldap_maildir: Annotated[Attribute, Absent("not asked for")] | None = "mailbox"
    """Attribute with the maildir."""
    ldap_defaultdelivery: Annotated[Attribute, Absent("not asked for"), Since("0.42.1")] | None = "defaultDelivery"
    """Attribute with the account's own default delivery instructions."""
    ldap_maildirquota: Annotated[Attribute, Absent("not asked for")] | None = None
    """Attribute with the quota."""
    ldap_fullname: Annotated[Attribute, Absent("not asked for")] | None = "cn"
    """Attribute with the person's name."""
    ldap_clearpw: Annotated[Attribute, Absent("not asked for")] | None = "clearPassword"
    """Attribute with the password in clear text, which the CRAM mechanisms need."""
    ldap_cryptpw: Annotated[Attribute, Absent("not asked for")] | None = "userPassword"
    """Attribute with the hashed password."""
    ldap_uid: Annotated[Attribute, Absent("LDAP_GLOB_UID is needed")] | None = None
    """Attribute with the numeric user id."""
    ldap_gid: Annotated[Attribute, Absent("LDAP_GLOB_GID is needed")] | None = None
    """Attribute with the numeric group id."""
    ldap_auxoptions: Annotated[OptionMap, Absent("none")] | None = None
    """Attributes that become account options, each with the option's name."""


class Authldaprc(Service, Attributes, file="authldaprc", format="rc", directory="authdir"):
    """The module authldap."""

    ldap_filter: Annotated[Filter, Absent("every entry qualifies")] | None = None
    """Filter that an account's entry has to pass as well."""
    ldap_domain: Annotated[Domain, Absent("nothing is appended")] | None = None
    """Domain that completes a login name without one; not together with LDAP_EMAILMAP."""
    ldap_glob_uid: Annotated[Id, Absent("LDAP_UID is needed")] | None = None
    """User that owns every account; a number is taken for the group as well."""
    ldap_glob_gid: Annotated[Id, Absent("LDAP_GID is needed")] | None = None
    """Group that owns every account, by name."""
    ldap_mailroot: Annotated[Path, Absent("none"), Since("0.39")] | None = None
    """Directory that relative home directories begin with."""
    ldap_enumerate_filter: Annotated[Filter, Absent("LDAP_FILTER"), Since("0.52")] | None = None
    """Filter that finds every account, for listings."""
    ldap_emailmap: Annotated[Filter, Absent("no lookup of that kind")] | None = None
    """Filter of a first lookup that turns an address, @user@ and @realm@, into a handle for the second."""
    ldap_emailmap_basedn: Annotated[Dn, Absent("an error while LDAP_EMAILMAP is set")] | None = None
    """Entry under which the first lookup searches."""
    ldap_emailmap_attribute: Annotated[Attribute, Absent("handle")] | None = None
    """Attribute with the handle that the first lookup finds."""
    ldap_emailmap_mail: Annotated[Attribute, Absent("LDAP_MAIL")] | None = None
    """Attribute that the handle is compared with in the second lookup."""
