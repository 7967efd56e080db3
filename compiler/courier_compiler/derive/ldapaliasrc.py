"""ldapaliasrc: aliases in a directory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy
from courier_compiler.resolved import Concealed, ResolvedSite
from courier_schema.legacy.tables.ldapalias import Ldapaliasrc

_PATH: Final = ("ldap_aliases",)
_FIELDS: Final = {
    "uri": "ldap_uri",
    "base": "ldap_basedn",
    "bind_dn": "ldap_binddn",
    "mail": "ldap_mail",
    "maildrop": "ldap_maildrop",
    "virtual_domain": "ldap_vdomain",
    "virtual_user": "ldap_vuser",
    "processes": "ldap_numprocs",
}


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about aliases in a directory; the shipped examples of names are not kept."""
    section = resolved.site.ldap_aliases
    if section is None:
        return
    yield Intent(Ldapaliasrc(ldap_alias=True), _PATH, "the look-up is on")
    yield Intent(Ldapaliasrc(ldap_binddn=None, ldap_bindpw=None), _PATH, "no shipped example")
    yield from copy(Ldapaliasrc, section, _PATH, _FIELDS)
    if section.bind_password is not None:
        secret = {"ldap_bindpw": Concealed(section.bind_password)}
        yield Intent(Ldapaliasrc(), (*_PATH, "bind_password"), concealed=secret)


DERIVATIONS = (Derivation("ldapaliasrc", derive, lambda resolved: resolved.site.ldap_aliases is not None),)
