"""userdb: what the account library finds of the accounts of a site."""

from __future__ import annotations

import pytest

from compiler.built_sites import HEAD, OWNED, BuiltSite, built_site
from courier_compiler.parts.passwords import hash_password
from courier_schema.legacy.formats import gdbm
from courier_schema.legacy.formats.userdb import Account, lookup_userdb
from courier_schema.source.secrets import MASK

HASH = "$6$salt$VeryHashed"


def _account(built: BuiltSite, login: str, service: str = "login") -> Account:
    tables = (gdbm.Reader(built.files[f"etc/courier/{name}.dat"].content) for name in ("userdb", "userdbshadow"))
    public, shadow = (table.get for table in tables)
    found = lookup_userdb(login, service, public, shadow)
    assert found is not None
    return found


def test_account_has_the_fields_that_the_site_says() -> None:
    account = (
        "{name: Anna Berg, home: /home/anna, maildir: Mail, uid: 1001, gid: 1002, shell: /bin/sh, password: "
        f"'{HASH}', quota: {{size: 2K, messages: 30}}, "
        "options: {disable: [webmail], require_tls: [imap], groups: [staff, boss], webmail: [x-sender]}}"
    )
    found = _account(built_site(HEAD + f"accounts: {{anna: {account}}}\n"), "anna")
    assert (found.uid, found.gid, found.home, found.mail) == (1001, 1002, b"/home/anna", b"Mail")
    assert (found.gecos, found.shell, found.quota) == (b"Anna Berg", b"/bin/sh", b"2048S,30C")
    assert found.options == b"disablewebmail=1,disableinsecureimap=1,group=staff,group=boss,wbusexsender=1"
    assert found.password == HASH.encode()


def test_defaults_complete_an_account() -> None:
    defaults = "account_defaults: {uid: 7, gid: 8, home: '/m/{domain}/{user}', quota: 1M, maildir: Mail}\n"
    domains = "domains: {shop.example: {kind: hosted, accounts: {orders: {}}}}\n"
    record = built_site(HEAD + defaults + domains).records("userdb.dat")["orders@shop.example"]
    assert record == "uid=7|gid=8|home=/m/shop.example/orders|mail=Mail|quota=1048576S|_="


@pytest.mark.parametrize("defaults", ["", "account_defaults: {uid: 5000}\n"])
def test_account_without_an_owner_is_a_problem(defaults: str) -> None:
    built = built_site(HEAD + defaults + "accounts: {anna: {}}\n")
    assert built.finds("account-without-owner")
    assert built.finds("account-without-owner")[0].path == ("accounts", "anna")
    assert ("gid" if defaults else "uid") in built.finds("account-without-owner")[0].says


def test_clear_password_is_stored_as_a_hash() -> None:
    built = built_site(HEAD + OWNED + "accounts: {anna: {password: {from_file: pw}}}\n", {"pw": "s3cret"})
    assert _account(built, "anna").password == hash_password("s3cret", "anna@example.org").encode()
    assert b"s3cret" not in built.files["etc/courier/userdb"].content


def test_secret_that_is_a_hash_already_is_passed_on() -> None:
    built = built_site(HEAD + OWNED + "accounts: {anna: {password: {from_file: pw}}}\n", {"pw": HASH})
    assert _account(built, "anna").password == HASH.encode()


def test_service_has_its_own_password_under_the_librarys_name() -> None:
    passwords = f"{{password: '{HASH}', passwords: {{smtp: '{HASH}s', imap: '{HASH}i'}}}}"
    built = built_site(HEAD + OWNED + f"accounts: {{anna: {passwords}}}\n")
    assert _account(built, "anna", "esmtp").password == f"{HASH}s".encode()
    assert _account(built, "anna", "imap").password == f"{HASH}i".encode()
    assert _account(built, "anna", "pop3").password == HASH.encode()


def test_cram_secrets_are_stored_for_all_services_and_for_single_ones() -> None:
    account = "{cram: true, password: {from_file: all}, passwords: {imap: {from_file: imap}}}"
    built = built_site(HEAD + OWNED + f"accounts: {{anna: {account}}}\n", {"all": "secret", "imap": "other"})
    everywhere, imap = _account(built, "anna").secrets, _account(built, "anna", "imap").secrets
    assert everywhere["md5"] == b"cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56"
    assert everywhere.keys() == imap.keys() == {"md5", "sha1", "sha256"}
    assert everywhere["sha256"] != imap["sha256"]


def test_cram_secrets_cannot_be_made_of_a_hash() -> None:
    built = built_site(HEAD + OWNED + f"accounts: {{anna: {{cram: true, password: '{HASH}'}}}}\n")
    assert built.finds("cram-needs-password")
    assert built.finds("cram-needs-password")[0].path == ("accounts", "anna", "cram")


def test_masked_secrets_stay_masks_and_cost_nothing() -> None:
    account = "{cram: true, password: {from_file: pw}}"
    built = built_site(HEAD + OWNED + f"accounts: {{anna: {account}}}\n", {"pw": MASK})
    assert _account(built, "anna").password == MASK.encode()


def test_passwords_are_in_no_public_file() -> None:
    built = built_site(HEAD + OWNED + f"accounts: {{anna: {{password: '{HASH}'}}}}\n")
    assert HASH not in str(built.records("userdb.dat"))
    shadow, source = (built.files[f"etc/courier/{name}"] for name in ("userdbshadow.dat", "userdb"))
    assert (shadow.mode, source.mode, shadow.secret, source.secret) == (0o600, 0o600, True, True)
    assert built.files["etc/courier/userdb.dat"].mode == 0o644


def test_text_that_would_begin_another_field_is_a_problem() -> None:
    built = built_site(HEAD + OWNED + "accounts: {anna: {name: 'Anna|uid=0'}}\n")
    assert built.finds("account-text")
    assert not built.has("userdb")


def test_account_of_one_name_in_two_local_domains_is_a_problem() -> None:
    text = HEAD + OWNED + "accounts: {anna: {}}\ndomains: {branch.example: {accounts: {anna: {}}}}\n"
    assert built_site(text).finds("account-twice")


def test_site_without_accounts_has_no_account_database() -> None:
    assert not built_site(HEAD).has("userdb.dat")


def test_accounts_stand_in_the_directory_of_the_account_library() -> None:
    text = HEAD + OWNED + "profile: {base: debian-12, authdir: /etc/authlib}\naccounts: {anna: {}}\n"
    assert built_site(text).files["etc/authlib/userdb.dat"].mode == 0o644
