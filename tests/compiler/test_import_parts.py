"""The small decisions of an import: what a list, a number, a network or a route of an old file comes to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.old_installations import HOST_NAME, write
from courier_compiler.importing.access import network_of
from courier_compiler.importing.aliases import take_aliases
from courier_compiler.importing.control import duration, number
from courier_compiler.importing.domains import take_domains
from courier_compiler.importing.draft import Draft
from courier_compiler.importing.installation import Installation, read_installation
from courier_compiler.importing.intents import account_options
from courier_compiler.importing.policy import take_policy
from courier_compiler.importing.routes import family, read_routes, security
from courier_compiler.importing.settings import moved, with_todays_programs
from courier_compiler.importing.settings_files import is_of_the_build, is_same
from courier_compiler.importing.tables import is_left_over
from courier_compiler.profile import load_profile
from courier_schema.legacy.formats.netblocks import key_for_network

DEBIAN = load_profile("debian-12")
UPSTREAM = load_profile("upstream-2.0")


def installation(directory: Path, **files: str) -> Installation:
    write(directory, {name.replace("__", "/"): content for name, content in files.items()})
    return read_installation(directory, None, HOST_NAME, "/etc/courier")


def draft(site: str = "a.example") -> Draft:
    made = Draft(DEBIAN)
    made.say(("site",), site)
    made.say(("host", "name"), f"mx.{site}")
    return made


@pytest.mark.parametrize(
    ("text", "means"),
    [("5m", "5m"), ("1w2d", "1w2d"), ("10 min", "10"), ("90", "90"), ("", "0"), ("soon", "0"), ("1h30", "3630")],
)
def test_a_duration_is_what_couriers_lenient_reader_understands(text: str, means: str) -> None:
    assert duration(text) == means


@pytest.mark.parametrize(("text", "means"), [("7", 7), (" 7 x", 7), ("", 0), ("many", 0), ("-1", -1)])
def test_a_number_is_what_atoi_reads(text: str, means: int) -> None:
    assert number(text) == means


@pytest.mark.parametrize(
    ("key", "network"),
    [
        ("10", "10.0.0.0/8"),
        ("192.168", "192.168.0.0/16"),
        ("192.0.2.1", "192.0.2.1"),
        ("*", "*"),
        (":2001:0db8", "2001:db8::/32"),
        (":0000:0000:0000:0000:0000:0000:0000:0001", "::1"),
        ("192.0.2.0/25", "192.0.2.0/25"),
        ("192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
        ("010.1", None),
        ("10.", None),
        ("300", None),
        (":2001:db8", None),
        ("host.example", None),
    ],
)
def test_a_key_of_an_access_table_is_the_network_that_it_matches(key: str, network: str | None) -> None:
    assert network_of(key) == network


_PREFIXES = st.lists(st.integers(0, 255), min_size=1, max_size=4).map(lambda octets: ".".join(map(str, octets)))
_GROUPS = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=8).map(
    lambda groups: "".join(f":{group:04x}" for group in groups)
)


@given(_PREFIXES | _GROUPS.filter(lambda key: not key.startswith(":0000:0000:0000:0000:0000:ffff")))
def test_the_network_of_a_key_gives_the_key_back(key: str) -> None:
    network = network_of(key)
    assert network is not None
    assert key_for_network(network) == [key.encode()]


def test_a_route_behind_a_broader_one_is_dead(tmp_path: Path) -> None:
    text = ".b.example:relay1\nx.b.example:relay2\na.example:relay3\n:smart\nc.example:relay4\n"
    alive, dead = read_routes(installation(tmp_path, esmtproutes=text))
    assert [route.domain for route in alive] == [".b.example", "a.example", ""]
    assert [route.domain for route in dead] == ["x.b.example", "c.example"]


def test_flags_of_a_route_are_read_in_any_case(tmp_path: Path) -> None:
    found = installation(tmp_path, esmtproutes="a.example:relay,2525 /security=required,IPV4ONLY # why\n")
    (route,) = read_routes(found)[0]
    assert (route.relay, route.port, security(route), family(route, UPSTREAM)) == ("relay", 2525, "required", "ipv4")


def test_a_domain_that_is_only_accepted_is_relayed(tmp_path: Path) -> None:
    made = draft()
    take_domains(made, installation(tmp_path, locals="a.example\n", esmtpacceptmailfor="a.example\nb.example\n"))
    assert made.tree["domains"] == {"b.example": {"kind": "relay"}, "mx.a.example": {"kind": "relay", "accept": False}}


def test_a_domain_and_its_wildcard_are_said_once(tmp_path: Path) -> None:
    made = draft()
    hosted = "b.example\n.b.example\tb.example\n.c.example\n"
    accepted = "a.example\nmx.a.example\nb.example\n.b.example\n.c.example\n"
    found = installation(
        tmp_path, locals="a.example\nmx.a.example\n", hosteddomains=hosted, esmtpacceptmailfor=accepted
    )
    take_domains(made, found)
    assert made.tree["domains"] == {
        "b.example": {"kind": "hosted", "subdomains": True},
        ".c.example": {"kind": "hosted"},
    }


def test_the_host_name_of_the_system_is_filled_in(tmp_path: Path) -> None:
    made = draft()
    take_domains(made, installation(tmp_path, locals="*\na.example\nmx.a.example\n"))
    assert HOST_NAME in made.tree["domains"]


def test_definitions_of_one_alias_are_joined(tmp_path: Path) -> None:
    made = draft()
    text = "x: anna,\n   bert\nx: |/bin/run\n# a word\ny: :include:/etc/courier/lists/y\n"
    take_aliases(made, installation(tmp_path, aliases=text))
    assert made.tree["aliases"] == {
        "x": {"to": ["anna", "bert"], "program": "/bin/run"},
        "y": {"include": "/etc/courier/lists/y"},
    }
    assert made.comments == {("aliases", "y"): ["a word"]}


def test_options_of_bofh_are_said_in_words(tmp_path: Path) -> None:
    made = draft()
    text = "badfrom @spam.example\nopt BOFHCHECKHELO=2\nopt BOFHSPFFROM=pass,mailfromok\nopt BOFHBADMIME=accept\n"
    take_policy(made, installation(tmp_path, bofh=text))
    assert made.tree["policy"] == {
        "deny_senders": ["@spam.example"],
        "check_helo": "soft",
        "spf": {"header_from": ["pass", "mailfromok"]},
    }
    assert [note.says for note in made.notes] == ["no program reads the option BOFHBADMIME of bofh, so it is left out"]


def test_options_of_an_account_are_said_or_refused_as_a_whole() -> None:
    assert account_options("disableimap=1,group=a,group=b,mailhost=h.example") == {
        "disable": ["imap"],
        "groups": ["a", "b"],
        "mailhost": "h.example",
    }
    assert account_options("disableimap=1,unheard=of") is None


@pytest.mark.parametrize(
    ("file", "name", "one", "other"),
    [
        ("esmtpd", "ESMTPDSTART", "yes", "YES"),
        ("esmtpd", "PORT", "smtp,587", "25,submission"),
        ("esmtpd", "ESMTPAUTH", "", None),
        ("esmtpd", "ESMTPAUTH", "LOGIN  PLAIN", "LOGIN PLAIN"),
        ("authdaemonrc", "DEFAULTOPTIONS", "disableimap=1,group=x", "group=x,disableimap=1"),
        ("esmtpd", "UNHEARD", "x", "x"),
    ],
)
def test_values_are_the_same_when_the_programs_see_no_difference(
    file: str, name: str, one: str | None, other: str | None
) -> None:
    assert is_same(file, name, one, other)


def test_other_values_are_not_the_same() -> None:
    assert not is_same("esmtpd", "MAXDAEMONS", "40", "41")
    assert not is_same("imapd", "IMAP_ID_FIELDS", "0", None)
    assert not is_same("esmtpd", "UNHEARD", "", None)


def test_places_of_a_build_are_known() -> None:
    assert is_of_the_build("esmtpd", "PIDFILE", "/opt/mail/var/tmp/esmtpd.pid", ("/opt/mail",))
    assert is_of_the_build("esmtpd", "TLS_CERTFILE", "/usr/lib/courier/share/esmtpd.pem", ())
    assert not is_of_the_build("esmtpd", "TLS_CERTFILE", "/etc/ssl/mine.pem", ("/opt/mail",))
    assert not is_of_the_build("esmtpd", "MAXDAEMONS", "40", ("/opt/mail",))


def test_the_configuration_directory_moves_with_its_files() -> None:
    old = "/usr/lib/courier/etc"
    assert moved(f"{old}/x:{old}", old, "/etc/courier") == "/etc/courier/x:/etc/courier"
    assert moved(f"{old}2/x /mnt{old}", old, "/etc/courier") == f"{old}2/x /mnt{old}"


def test_only_programs_of_a_build_of_its_own_are_replaced() -> None:
    prefixes = ("/usr/lib/courier", "/usr")
    assert with_todays_programs("| /usr/lib/courier/bin/maildrop -d", prefixes, DEBIAN) == "| /usr/bin/maildrop -d"
    assert with_todays_programs("/usr/lib/courier/bin/mytool", prefixes, DEBIAN) == "/usr/lib/courier/bin/mytool"
    assert with_todays_programs("/usr/local/bin/maildrop", prefixes, DEBIAN) == "/usr/local/bin/maildrop"


@pytest.mark.parametrize("name", ["esmtpd.bak", "aliases/x~", "imapd.rpmsave", "x.dpkg-old", "#x#", "pop3d.dist"])
def test_copies_that_tools_leave_are_known(name: str) -> None:
    assert is_left_over(name)


@pytest.mark.parametrize("name", ["esmtpd", "backup.conf", "notes.txt", "new"])
def test_other_files_are_not_taken_for_copies(name: str) -> None:
    assert not is_left_over(name)
