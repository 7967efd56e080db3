"""esmtproutes and esmtpauthclient: where mail leaves to, and with which login."""

from __future__ import annotations

from compiler.built_sites import HEAD, built_site

SECRETS = {"pw": "s3cret"}


def test_site_without_routes_leaves_everything_to_dns() -> None:
    built = built_site(HEAD)
    assert not built.has("esmtproutes")
    assert built.text("esmtpauthclient") == ""


def test_most_particular_route_stands_first() -> None:
    routes = "routes: {'*': c, .example: a, z.example: d, .deep.example: b, a.example: d}\n"
    assert built_site(HEAD + routes).lines("esmtproutes") == [
        "a.example:d",
        "z.example:d",
        ".deep.example:b",
        ".example:a",
        ":c",
    ]


def test_route_is_spelt_with_its_port_and_flags() -> None:
    routes = """
routes:
  a.example: {via: relay.example.net, port: 2525, security: required}
  b.example: {via: "[192.0.2.1]", security: starttls}
  c.example: {via: relay.example.net, security: smtps}
  d.example: {security: required}
  e.example: {}
"""
    assert built_site(HEAD + routes).lines("esmtproutes") == [
        "a.example:relay.example.net,2525/SECURITY=REQUIRED",
        "b.example:[192.0.2.1]/SECURITY=STARTTLS",
        "c.example:relay.example.net,465/SECURITY=SMTPS",
        "d.example:/SECURITY=REQUIRED",
        "e.example:",
    ]


def test_address_family_is_a_flag_of_newer_releases() -> None:
    route = "routes: {a.example: {via: r.example, security: required, family: ipv4}}\n"
    newer = built_site(HEAD + "profile: upstream-2.0\n" + route)
    files = {path.rpartition("/")[2]: artefact for path, artefact in newer.files.items()}
    assert files["esmtproutes"].content == b"a.example:r.example/SECURITY=REQUIRED,IPV4ONLY\n"
    older = built_site(HEAD + route)
    assert older.finds("route-family-unknown")
    assert older.finds("route-family-unknown")[0].path == ("routes", "a.example", "family")


def test_smarthost_is_the_route_for_everything_with_its_login() -> None:
    smarthost = "smarthost: {host: out.example, port: 587, login: {user: me, password: {from_file: pw}}}\n"
    built = built_site(HEAD + smarthost, SECRETS)
    assert built.lines("esmtproutes") == [":out.example,587"]
    assert built.lines("esmtpauthclient") == ["out.example,587 me s3cret"]
    login = built.files["etc/courier/esmtpauthclient"]
    assert (login.secret, login.mode, login.group) == (True, 0o640, "courier")
    assert login.origins["out.example,587"].path == ("smarthost", "login")


def test_smarthost_beside_a_route_for_everything_is_a_problem() -> None:
    built = built_site(HEAD + "smarthost: out.example\nroutes: {'*': other.example}\n")
    assert built.finds("route-twice")
    assert built.finds("route-twice")[0].path == ("smarthost",)


def test_further_login_stands_under_every_spelling_of_its_relay() -> None:
    text = """
routes: {a.example: {via: Relay.example, port: 2525}, b.example: relay.example}
credentials:
  relay.example: {user: me, password: {from_file: pw}}
  direct.example: {user: you, password: {from_file: pw}}
"""
    assert built_site(HEAD + text, SECRETS).lines("esmtpauthclient") == [
        "direct.example you s3cret",
        "relay.example me s3cret",
        "relay.example,2525 me s3cret",
    ]


def test_two_logins_for_one_relay_are_a_problem() -> None:
    text = """
routes:
  a.example: {via: r.example, login: {user: a, password: {from_file: pw}}}
  b.example: {via: r.example, login: {user: b, password: {from_file: pw}}}
"""
    built = built_site(HEAD + text, SECRETS)
    assert built.finds("login-twice")
    assert built.finds("login-twice")[0].path == ("routes", "b.example", "login")


def test_password_with_a_blank_cannot_be_written() -> None:
    text = "smarthost: {host: out.example, login: {user: me, password: {from_file: pw}}}\n"
    built = built_site(HEAD + text, {"pw": "two words"})
    assert built.ids == ["login-password"]
    assert built.text("esmtpauthclient") == ""
    assert "two words" not in built.problems[0].says


def test_login_longer_than_a_line_cannot_be_written() -> None:
    text = "smarthost: {host: out.example, login: {user: me, password: {from_file: pw}}}\n"
    assert built_site(HEAD + text, {"pw": "x" * 250}).ids == ["login-too-long"]


def test_relay_that_courier_would_not_understand_is_a_problem() -> None:
    assert built_site(HEAD + "routes: {a.example: '[2001:db8::1]'}\n").finds("route-ipv6-literal")


def test_tls_from_the_first_byte_needs_a_relay() -> None:
    assert built_site(HEAD + "routes: {a.example: {security: smtps}}\n").finds("route-smtps-without-relay")
