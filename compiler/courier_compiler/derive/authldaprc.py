"""authldaprc: accounts in a directory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy
from courier_compiler.resolved import Concealed, ResolvedSite
from courier_schema.legacy.tables.authldap import Authldaprc

_PATH: Final = ("auth", "ldap")
_FIELDS: Final = {
    "uri": "ldap_uri",
    "base": "ldap_basedn",
    "bind_dn": "ldap_binddn",
    "bind_to_login": "ldap_authbind",
    "start_tls": "ldap_tls",
    "mail": "ldap_mail",
    "filter": "ldap_filter",
    "home": "ldap_homedir",
    "maildir": "ldap_maildir",
    "crypt_password": "ldap_cryptpw",
    "clear_password": "ldap_clearpw",
    "uid": "ldap_uid",
    "gid": "ldap_gid",
    "owner": "ldap_glob_uid",
    "owner_group": "ldap_glob_gid",
    "default_domain": "ldap_domain",
    "timeout": "ldap_timeout",
}


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about accounts in a directory; the shipped examples of names are not kept."""
    ldap = resolved.site.auth.ldap
    if ldap is None:
        return
    anonymous = Authldaprc(ldap_binddn=None, ldap_bindpw=None)
    yield Intent(anonymous, _PATH, "no name to bind as")
    yield Intent(Authldaprc(ldap_initbind=ldap.bind_dn is not None), _PATH, "whether there is a name to bind as")
    yield from copy(Authldaprc, ldap, _PATH, _FIELDS)
    if ldap.bind_password is not None:
        secret = {"ldap_bindpw": Concealed(ldap.bind_password)}
        yield Intent(Authldaprc(), (*_PATH, "bind_password"), concealed=secret)


DERIVATIONS = (Derivation("authldaprc", derive, lambda resolved: resolved.site.auth.ldap is not None),)
