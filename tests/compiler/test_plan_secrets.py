"""Secrets: no form of a plan shows one, whichever side of the plan it is on and however somebody has misplaced it."""

from __future__ import annotations

import pytest

from compiler.planning_sites import (
    OWNED,
    edited,
    file,
    installed,
    plan_between,
    rendered,
    says,
)
from courier_compiler.applying.installed import MemoryTree
from courier_compiler.planning.plan import Plan

OLD, NEW = "0ld-s3cret-text", "n3w-s3cret-text"

SECRET_SITES = {
    "account": OWNED + "accounts: {anna: {password: {from_file: one}, cram: true}}\n",
    "service": OWNED + "accounts: {anna: {passwords: {imap: {from_file: one}}}}\n",
    "route": "routes: {a.example: {via: b.example, login: {user: me, password: {from_file: one}}}}\n",
    "file": "files: {token: {secret: {from_file: one}}}\n",
    "socks": "socks: {proxies: {'*': {servers: ['p.example:1080'], user: me, password: {from_file: one}}}}\n",
    "ldap": "auth: {ldap: {uri: ['ldap://l.example'], base: o=x, bind_dn: cn=x, bind_password: {from_file: one}}}\n",
    "mysql": "auth: {mysql: {server: db, database: mail, user: me, password: {from_file: one}, table: t}}\n",
    "postgresql": "auth: {postgresql: {connection: host=db, password: {from_file: one}, table: t}}\n",
    "webadmin": "webadmin: {password: {from_file: one}}\n",
}


def from_old_to_new(site: str) -> list[tuple[str, Plan]]:
    """A plan that changes the secret, one that brings it, and one that takes it away."""
    old, new = {"one": OLD}, {"one": NEW}
    return [
        ("changed", plan_between(installed(site, old), site, secrets=new)),
        ("brought", plan_between("", site, secrets=new)),
        ("taken", plan_between(installed(site, old), "")),
        ("first", plan_between(MemoryTree({}), site, secrets=new)),
    ]


def assert_discreet(plan: Plan, *secrets: str) -> None:
    texts = {**rendered(plan), "repr": repr(plan)}
    for form, text in texts.items():
        for secret in secrets:
            assert secret not in text, form


@pytest.mark.parametrize("site", SECRET_SITES.values(), ids=SECRET_SITES)
def test_no_form_shows_a_secret(site: str) -> None:
    for _, plan in from_old_to_new(site):
        assert plan.changes
        assert_discreet(plan, OLD, NEW)


def test_hashes_of_passwords_are_secrets_too() -> None:
    site = OWNED + "accounts: {anna: {password: '$6$saltsalt$%s'}}\n"
    plan = plan_between(site % "0123456789abcdef", site % "fedcba9876543210")
    assert_discreet(plan, "0123456789abcdef", "fedcba9876543210", "saltsalt")
    assert says(plan, "userdbshadow.dat") == ["anna: systempw changed"]
    assert says(plan, "userdb") == ["anna: systempw changed"]


@pytest.mark.parametrize(
    ("site", "name", "expected"),
    [
        ("route", "esmtpauthclient", ["b.example: password changed"]),
        ("file", "token", ["secret content changed"]),
        ("mysql", "authmysqlrc", ["MYSQL_PASSWORD changed"]),
        ("webadmin", "webadmin/password", ["webadmin/password changed"]),
    ],
)
def test_a_plan_says_that_a_secret_changes(site: str, name: str, expected: list[str]) -> None:
    (_, plan), *_ = from_old_to_new(SECRET_SITES[site])
    assert says(plan, name) == expected


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("userdb", b"anna\t", b"anna "),  # a line without its tab is one long name
        ("userdb", b"systempw=", b"s3crpw="),
        ("userdbshadow.dat", b"systempw", b"imapxxpw"),
    ],
)
def test_a_secret_that_a_hand_has_misplaced_is_not_shown(name: str, old: bytes, new: bytes) -> None:
    site = OWNED + "accounts: {anna: {password: '$6$saltsalt$0123456789abcdef'}}\n"
    tree = edited(installed(site), name, old, new)
    assert_discreet(plan_between(tree, site), "saltsalt", "0123456789abcdef")
    assert_discreet(plan_between(tree, ""), "saltsalt", "0123456789abcdef")


def test_a_password_under_a_name_of_its_own_is_not_shown() -> None:
    tree = edited(installed(""), "esmtpd", b"MAXPERIP=5", b"MAXPERIP=5\nMY_PASSWORD=" + OLD.encode())
    plan = plan_between(tree, "")
    assert_discreet(plan, OLD)
    assert says(plan, "esmtpd") == ["- MY_PASSWORD"]


def test_an_unknown_name_in_a_file_of_secrets_is_not_shown() -> None:
    site = SECRET_SITES["mysql"]
    tree = edited(
        installed(site, {"one": OLD}),
        "authmysqlrc",
        b"MYSQL_SERVER\tdb",
        b"MYSQL_KEY\t" + NEW.encode() + b"\nMYSQL_SERVER\tdb",
    )
    plan = plan_between(tree, site, secrets={"one": OLD})
    assert_discreet(plan, OLD, NEW)
    assert says(plan, "authmysqlrc") == ["- MYSQL_KEY"]


def test_a_login_without_user_is_taken_for_a_password() -> None:
    site = SECRET_SITES["route"]
    tree = edited(installed(site, {"one": OLD}), "esmtpauthclient", b" me " + OLD.encode(), b" " + NEW.encode())
    assert_discreet(plan_between(tree, site, secrets={"one": OLD}), OLD, NEW)


def test_a_file_that_goes_keeps_its_secret() -> None:
    tree = installed(SECRET_SITES["file"], {"one": OLD})
    plan = plan_between(tree, "")
    assert (file(plan, "token").kind, file(plan, "token").secret) == ("remove", True)
    assert_discreet(plan, OLD)
