"""The file ldapaliasrc: aliases in an LDAP directory, one keyword and its value a line."""

from typing import Annotated

from courier_schema.legacy.codecs import Flag, Positive, TextCodec
from courier_schema.legacy.table import Absent, Secret, Table
from courier_schema.legacy.tables.authldap import Attribute, Dn, Keyword, Uris

MaybeAttribute = Annotated[
    str, TextCodec(r"([A-Za-z][\w;.-]*)?", "write letters, digits and hyphens", noun="an LDAP attribute")
]


class Ldapaliasrc(Table, file="ldapaliasrc", format="rc"):
    """The daemon that looks aliases up."""

    ldap_alias: Annotated[Flag, Absent("off")] | None = False
    """Ask the directory for aliases, after the compiled ones."""
    ldap_uri: Uris = ("ldap://ldap.example.com:389",)
    """Directory servers."""
    ldap_numprocs: Annotated[Positive, Absent("5")] | None = 5
    """Processes that ask at a time."""
    ldap_basedn: Annotated[Dn, Absent("the whole directory")] | None = "organizationalUnit=maildrops, dc=example.com"
    """Entry under which aliases are searched."""
    ldap_binddn: Annotated[Dn, Absent("an error in the log")] | None = "cn=administrator, dc=example.com"
    """Name under which the daemon binds for its searches."""
    ldap_bindpw: Annotated[Keyword, Absent("no password"), Secret()] | None = "penguin"
    """Password that goes with LDAP_BINDDN."""
    ldap_timeout: Positive = 5
    """Seconds to wait for the directory."""
    ldap_mail: Annotated[Attribute, Absent("mail")] | None = "mail"
    """Attribute with the address that is an alias."""
    ldap_maildrop: Annotated[Attribute, Absent("maildrop")] | None = "maildrop"
    """Attribute with the addresses that the alias stands for."""
    ldap_source: Annotated[MaybeAttribute, Absent("aliases hold for all mail")] | None = ""
    """Attribute that limits an alias to mail from one source, such as esmtp or local."""
    ldap_vdomain: Annotated[MaybeAttribute, Absent("no virtual domains")] | None = ""
    """Attribute with a virtual domain; it goes with LDAP_VUSER."""
    ldap_vuser: Annotated[MaybeAttribute, Absent("no virtual domains")] | None = ""
    """Attribute with the account that gets a virtual domain's mail."""
