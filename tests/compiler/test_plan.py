"""The plan: every file that changes, entry by entry, with its place in the site."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.planning_sites import (
    OWNED,
    applied,
    built,
    edited,
    file,
    installed,
    plan_between,
    says,
    without,
)
from courier_compiler.applying.installed import FileState, MemoryTree, compare, plan_checksum
from courier_compiler.planning.plan import Options
from courier_schema.legacy.formats import gdbm

HASH = '"$6$saltsalt$0123456789abcdef"'
NEW_HASH = '"$6$saltsalt$fedcba9876543210"'


def test_a_tree_that_is_as_wanted_needs_nothing() -> None:
    plan = plan_between("aliases: {info: eva@example.net}\n", "aliases: {info: eva@example.net}\n")
    assert plan.is_empty
    assert (plan.changes, plan.effects, plan.steps, plan.objections) == ((), (), (), ())


@pytest.mark.parametrize(
    ("before", "after", "name", "expected"),
    [
        ("settings: {esmtpd: {MAXPERIP: 4}}\n", "settings: {esmtpd: {MAXPERIP: 8}}\n", "esmtpd", ["MAXPERIP 4 -> 8"]),
        ("", "settings: {esmtpd: {DROP: [-drop]}}\n", "esmtpd", ["+ DROP=-drop"]),
        ("settings: {esmtpd: {DROP: [-drop]}}\n", "", "esmtpd", ["- DROP=-drop"]),
        ("", "host2", "sizelimit", ["+ sizelimit 1048576"]),
        ("", "aliases: {sales: eva@example.net}\n", "aliases.dat", ["+ sales@example.org -> eva@example.net"]),
        ("aliases: {sales: eva@example.net}\n", "", "aliases.dat", ["- sales@example.org -> eva@example.net"]),
        (
            "aliases: {sales: [eva@example.net, udo@example.net]}\n",
            "aliases: {sales: [udo@example.net, ida@example.net]}\n",
            "aliases.dat",
            ["sales@example.org: + ida@example.net, - eva@example.net"],
        ),
        ("", "access: {192.0.2.0/24: relay}\n", "smtpaccess.dat", ["+ 192.0.2 allow, RELAYCLIENT"]),
        (
            "access: {192.0.2.1: {action: allow, max_message_size: 1M}}\n",
            "access: {192.0.2.1: {action: allow, max_message_size: 2M}}\n",
            "smtpaccess.dat",
            ["192.0.2.1: SIZELIMIT 1048576 -> 2097152"],
        ),
        ("access: {192.0.2.1: relay}\n", "access: {192.0.2.1: deny}\n", "smtpaccess.dat",
         ["192.0.2.1: + deny, - allow, - RELAYCLIENT"]),
        ("", "domains: {shop.example: {kind: hosted}}\n", "hosteddomains.dat", ["+ shop.example"]),
        (
            "domains: {shop.example: {kind: hosted}, www.example: {kind: hosted}}\n",
            "domains: {shop.example: {kind: hosted}, www.example: {kind: hosted, alias_of: shop.example}}\n",
            "hosteddomains.dat",
            ["www.example empty -> shop.example"],
        ),
        ("", "domains: {example.com: {}}\n", "locals", ["+ example.com"]),
        ("routes: {a.example: {via: one.example}}\n", "routes: {a.example: {via: two.example}}\n", "esmtproutes",
         ["a.example :one.example -> :two.example"]),
        ("policy: {deny_senders: ['@a.example']}\n", "policy: {deny_senders: ['@b.example']}\n", "bofh",
         ["- badfrom @a.example", "+ badfrom @b.example"]),
        (
            'files: {note: {content: "one\\ntwo\\n"}}\n',
            'files: {note: {content: "one\\nthree\\n"}}\n',
            "note",
            ["- two", "+ three"],
        ),
        ("files: {here: {link: /a}}\n", "files: {here: {link: /b}}\n", "here", ["-> /a becomes -> /b"]),
        (
            OWNED + f"accounts: {{anna: {{password: {HASH}, quota: 1G}}}}\n",
            OWNED + f"accounts: {{anna: {{password: {HASH}, quota: 2G}}}}\n",
            "userdb.dat",
            ["anna: quota 1073741824S -> 2147483648S"],
        ),
    ],
)  # fmt: skip
def test_entries_are_told_in_the_words_of_their_file(before: str, after: str, name: str, expected: list[str]) -> None:
    if after == "host2":
        after = "settings: {control: {sizelimit: 1048576}}\n"
    assert says(plan_between(before, after), name) == expected


def test_every_entry_leads_to_its_line_in_the_site() -> None:
    plan = plan_between("", "settings:\n  esmtpd:\n    MAXPERIP: 8\naliases:\n  sales: eva@example.net\n")
    places = {
        one.key: str(plan.mark(one.path)) for change in plan.changes for one in change.differences if one.after != ""
    }
    assert places["MAXPERIP"] == "site.yaml:5:5"
    assert places["sales@example.org"] == "site.yaml:7:3"


def test_an_entry_that_goes_leads_to_where_the_site_would_say_it() -> None:
    plan = plan_between("aliases: {info: a@example.net, sales: b@example.net}\n", "aliases:\n  info: a@example.net\n")
    (gone,) = file(plan, "aliases.dat").differences
    assert gone.path == ("aliases", "sales")
    assert str(plan.mark(gone.path)) == "site.yaml:3:1"


def test_a_rule_of_the_compiler_has_no_line_but_says_why() -> None:
    plan = plan_between(MemoryTree({}), "")
    root = next(one for one in file(plan, "aliases.dat").differences if one.key == "root@example.org")
    assert (root.path, root.rule) == ((), "customary names go to postmaster")


def test_only_the_text_of_a_file_differs() -> None:
    tree = edited(installed(""), "esmtpd", b"MAXPERIP=5", b"MAXPERIP='5'")
    tree = edited(tree, "locals", b"mx.example.org\n", b"# ours\nmx.example.org\n")
    plan = plan_between(tree, "")
    for name in ("esmtpd", "locals"):
        assert file(plan, name).is_same
        assert file(plan, name).note == "edited by hand since the last apply; the same in meaning"
        assert file(plan, name).differences == ()
    assert (plan.effects, plan.steps) == ((), ())


def test_a_database_with_the_same_records_in_other_bytes_means_the_same() -> None:
    tree = installed("aliases: {info: eva@example.net}\n")
    path = "etc/courier/aliases.dat"
    found = tree.files[path]
    tree = replace(tree, files={**tree.files, path: replace(found, content=_with_an_idle_byte(found.content))})
    change = file(plan_between(tree, "aliases: {info: eva@example.net}\n"), "aliases.dat")
    assert change.is_same


def _with_an_idle_byte(database: bytes) -> bytes:
    """The database with another byte where no record lies."""
    assert database[-1] == 0
    changed = database[:-1] + b"x"
    assert dict(gdbm.Reader(changed).items()) == dict(gdbm.Reader(database).items())
    return changed


def test_a_change_by_hand_is_drift_and_says_what_the_apply_takes_back() -> None:
    plan = plan_between(edited(installed(""), "esmtpd", b"MAXPERIP=5", b"MAXPERIP=9"), "")
    (change,) = plan.changes
    assert (change.kind, change.note) == ("drift", "edited by hand since the last apply")
    assert says(plan, "esmtpd") == ["MAXPERIP 9 -> 5"]


def test_a_file_removed_by_hand_is_drift_and_comes_back() -> None:
    plan = plan_between(without(installed(""), "locals"), "")
    (change,) = plan.changes
    assert (change.kind, change.note) == ("drift", "removed by hand since the last apply")
    assert says(plan, "locals") == ["+ example.org", "+ mx.example.org"]


def test_a_mode_changed_by_hand_is_told() -> None:
    tree = installed("")
    path = "etc/courier/locals"
    tree = replace(tree, files={**tree.files, path: replace(tree.files[path], mode=0o600, owner="daemon")})
    (change,) = plan_between(tree, "").changes
    assert change.permissions == ("mode 0600 -> 0644", "owner daemon -> root")
    assert change.note == "given other permissions by hand since the last apply"


def test_owners_are_left_out_where_they_do_not_matter() -> None:
    tree = installed("")
    path = "etc/courier/locals"
    tree = replace(tree, files={**tree.files, path: replace(tree.files[path], owner="daemon")})
    assert plan_between(tree, "", Options(owners=False)).is_empty


def test_a_file_of_somebody_else_is_named_as_such() -> None:
    tree = MemoryTree({"etc/courier/locals": FileState(b"old.example\n")})
    change = file(plan_between(tree, ""), "locals")
    assert (change.kind, change.foreign) == ("update", True)
    assert [one.says for one in change.differences] == ["+ example.org", "+ mx.example.org", "- old.example"]


def test_lines_that_only_a_shell_understands_are_named() -> None:
    tree = edited(installed(""), "imapd", b"IMAP_KEYWORDS=1", b"IMAP_KEYWORDS=`date`")
    note = file(plan_between(tree, ""), "imapd").note
    assert "lines that only a shell understands: " in note


def test_a_damaged_database_is_named_and_replaced() -> None:
    tree = installed("")
    path = "etc/courier/aliases.dat"
    tree = replace(tree, files={**tree.files, path: replace(tree.files[path], content=b"broken")})
    change = file(plan_between(tree, ""), "aliases.dat")
    assert "cannot be read: malformed GDBM database" in change.note
    assert change.differences == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "note"),
    [
        ("authldaprc", b"##NAME: MARKER:", b"##NAME: OTHER:", "lacks its last group"),
        ("module.local", b"PROG=", b"# a comment\nPROG=", "lines that its reader cannot bear"),
        ("note", b"one\n", b"one\r\n", "only line ends differ"),
    ],
)
def test_a_file_of_the_same_entries_that_does_not_mean_the_same(name: str, old: bytes, new: bytes, note: str) -> None:
    site = "auth: {ldap: {uri: ['ldap://l.example'], base: o=x}}\nfiles: {note: {content: \"one\\n\"}}\n"
    change = file(plan_between(edited(installed(site), name, old, new), site), name)
    assert note in change.note
    assert not change.is_same
    assert change.differences == ()


def test_a_blank_behind_a_domain_is_a_part_of_it() -> None:
    plan = plan_between(edited(installed(""), "locals", b"example.org\n", b"example.org # ours\n"), "")
    assert says(plan, "locals") == ["+ example.org", "- example.org ", "+ mx.example.org", "- mx.example.org "]


def test_another_order_of_routes_is_no_change_of_entries() -> None:
    tree = installed("routes: {a.example: {via: x.example}, b.example: {via: x.example}}\n")
    path = "etc/courier/esmtproutes"
    lines = tree.files[path].content.splitlines(keepends=True)
    tree = replace(tree, files={**tree.files, path: replace(tree.files[path], content=b"".join(reversed(lines)))})
    change = file(
        plan_between(tree, "routes: {a.example: {via: x.example}, b.example: {via: x.example}}\n"), "esmtproutes"
    )
    assert "another order" in change.note
    assert not change.is_same


def test_a_source_points_at_its_database_where_that_tells_the_same() -> None:
    plan = plan_between("", "aliases: {info: eva@example.net}\n")
    assert file(plan, "aliases/site").source_of == "aliases.dat"


def test_a_file_of_a_directory_that_moved_is_one_that_changes_for_mail() -> None:
    tree = installed("aliases: {info: eva@example.net}\n")
    plan = plan_between(
        tree, "profile: {base: debian-12, sysconfdir: /srv/courier}\naliases: {info: eva@example.net}\n"
    )
    assert plan.counts["create"] > 20
    assert [effect.says for effect in plan.effects if effect.subject == "addresses"] == []


def test_the_checksum_is_that_of_the_changes() -> None:
    tree = installed("")
    _, artefacts = built("aliases: {info: eva@example.net}\n")
    expected = plan_checksum(compare(artefacts, tree))
    assert plan_between(tree, "aliases: {info: eva@example.net}\n").checksum == expected


def test_a_changed_alias_among_100_000_is_named_alone() -> None:
    lines = [f"  a{number:06d}: box{number:06d}@example.net\n" for number in range(100_000)]
    before = "aliases:\n" + "".join(lines)
    lines[54_321] = "  a054321: other@example.net\n"
    plan = plan_between(before, "aliases:\n" + "".join(lines))
    assert says(plan, "aliases.dat") == ["a054321@example.org: + other@example.net, - box054321@example.net"]
    assert [effect.says for effect in plan.effects] == [
        "a054321@example.org goes to other@example.net, no longer to box054321@example.net"
    ]
    assert str(plan.mark(plan.effects[0].path)) == "site.yaml:54325:3"


_NAMES = st.sampled_from(["info", "sales", "team", "help", "post"])
_SITES = st.builds(
    lambda aliases, size, domains, network: "".join(
        (
            "aliases: {", ", ".join(f"{one}: {to}@example.net" for one, to in sorted(aliases.items())), "}\n",
            f"settings: {{esmtpd: {{MAXPERIP: {size}}}}}\n",
            "domains: {", ", ".join(f"{one}.example: {{kind: hosted}}" for one in sorted(domains)), "}\n",
            f"access: {{'{network}': relay}}\n" if network else "",
        )
    ),
    st.dictionaries(_NAMES, _NAMES, max_size=4),
    st.integers(1, 9),
    st.sets(_NAMES, max_size=3),
    st.sampled_from(["", "192.0.2.0/24", "10.0.0.0/9", "2001:db8::/32"]),
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(before=_SITES, after=_SITES)
def test_after_all_changes_there_is_nothing_left_to_do(before: str, after: str) -> None:
    tree = installed(before)
    assert plan_between(tree, before).is_empty
    assert plan_between(tree, after).is_empty == (before == after)
    assert plan_between(applied(tree, after), after).is_empty
