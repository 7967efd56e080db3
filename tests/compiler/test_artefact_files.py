"""Virtual hosts and files that the site carries as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.built_sites import HEAD, built_site
from courier_compiler.build import build
from courier_compiler.resolve import resolve
from courier_schema.site.validate import parse_site
from courier_schema.source.loader import load
from courier_schema.source.secrets import HostSecrets


def test_virtual_host_is_declared_and_replaces_files() -> None:
    host = "{name: mail.shop.example, greeting: mail.shop.example hi, source_ipv4: 192.0.2.9, max_message_size: 1K}"
    built = built_site(HEAD + f"virtual_hosts: {{192.0.2.9: {host}}}\n")
    assert built.text("vhost.192.0.2.9") == ""
    assert built.text("me.192.0.2.9") == "mail.shop.example\n"
    assert built.text("esmtpgreeting.192.0.2.9") == "mail.shop.example hi\n"
    assert built.text("ipout.192.0.2.9") == "192.0.2.9\n"
    assert built.text("sizelimit.192.0.2.9") == "1024\n"
    assert not built.has("aliases.dat.192.0.2.9")


@pytest.mark.parametrize(
    ("said", "looked_for"),
    [
        ("2001:DB8:0:0::0001", "2001:db8::1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("::FFFF:C000:209", "192.0.2.9"),
        ("Shop.example", "shop.example"),
    ],
)
def test_virtual_host_is_called_as_courier_spells_its_address(said: str, looked_for: str) -> None:
    built = built_site(HEAD + f"virtual_hosts: {{'{said}': {{name: mail.shop.example, files: {{dsnfrom: x}}}}}}\n")
    assert {name for name in built.files if "vhost." in name} == {f"etc/courier/vhost.{looked_for}"}
    assert built.text(f"me.{looked_for}") == "mail.shop.example\n"
    assert built.text(f"dsnfrom.{looked_for}") == "x\n"


def test_two_spellings_of_one_virtual_host_are_a_problem_at_the_second() -> None:
    hosts = "{'2001:db8:0::1': {name: a.example}, '2001:DB8::1': {name: b.example}, 192.0.2.9: {}}"
    built = built_site(HEAD + f"virtual_hosts: {hosts}\n")
    (problem,) = built.finds("virtual-host-twice")
    assert problem.path == ("virtual_hosts", "2001:DB8::1")
    assert problem.says == "2001:DB8::1 is 2001:db8:0::1 in another spelling"
    assert built.text("me.2001:db8::1") == "a.example\n"


def test_virtual_host_that_accepts_other_domains_does_not_see_the_common_database() -> None:
    built = built_site(HEAD + "virtual_hosts: {Shop.example: {accept: [Shop.example, a.example], local_domains: []}}\n")
    assert built.lines("esmtpacceptmailfor.shop.example") == ["a.example", "shop.example"]
    assert built.records("esmtpacceptmailfor.dat.shop.example") == {}
    assert built.text("locals.shop.example") == ""


def test_virtual_host_with_a_default_domain_finds_the_local_aliases_under_it() -> None:
    hosts = "virtual_hosts: {branch.example: {default_domain: branch.example, local_domains: [branch.example]}}\n"
    built = built_site(HEAD + "aliases: {info: anna, x@else.example: anna}\n" + hosts)
    records = built.records("aliases.dat.branch.example")
    assert records["info@branch.example"] == "anna@branch.example\n"
    assert records["x@else.example"] == "anna@branch.example\n"
    assert built.records("aliases.dat")["info@example.org"] == "anna@example.org\n"


def test_other_files_of_a_virtual_host_are_carried() -> None:
    built = built_site(HEAD + "virtual_hosts: {a.example: {files: {dsnfrom: x}}}\n")
    assert built.text("dsnfrom.a.example") == "x\n"


def test_file_of_a_virtual_host_that_is_made_anyway_is_a_problem() -> None:
    built = built_site(HEAD + "virtual_hosts: {a.example: {name: b.example, files: {me: x}}}\n")
    assert built.finds("file-twice")
    assert built.text("me.a.example") == "b.example\n"


def test_literal_file_has_the_content_and_permissions_that_are_said() -> None:
    built = built_site(HEAD + "files: {motd: {content: hello, mode: '0600', owner: daemon, group: mail}}\n")
    motd = built.files["etc/courier/motd"]
    assert (motd.content, motd.mode, motd.owner, motd.group) == (b"hello", 0o600, "daemon", "mail")
    assert motd.origins[""].path == ("files", "motd")


def test_literal_secret_is_kept_from_others() -> None:
    built = built_site(HEAD + "files: {token: {secret: {from_file: t}}}\n", {"t": "abc"})
    token = built.files["etc/courier/token"]
    assert (token.content, token.mode, token.group, token.secret) == (b"abc\n", 0o640, "courier", True)


def test_literal_link_points_to_its_target() -> None:
    link = built_site(HEAD + "files: {sub/l: {link: /etc/motd}}\n").files["etc/courier/sub/l"]
    assert (link.link, link.content) == (True, b"/etc/motd")


@pytest.mark.parametrize("name", ["../passwd", "/etc/passwd", "a/../b", "a//b", "a/", "./a"])
def test_literal_file_stays_below_the_configuration_directory(name: str) -> None:
    built = built_site(HEAD + f"files: {{{name}: {{content: x}}}}\n")
    assert built.finds("file-place")


def test_file_of_a_virtual_host_stays_there_too() -> None:
    assert built_site(HEAD + "virtual_hosts: {a.example: {files: {../x: y}}}\n").finds("file-place")


def test_literal_file_does_not_replace_a_compiled_one() -> None:
    built = built_site(HEAD + "files: {locals: {content: x}}\n")
    assert built.finds("file-twice")
    assert built.finds("file-twice")[0].path == ("files", "locals")


def test_carried_file_is_taken_from_beside_the_site_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/blob").write_bytes(b"\x00\xff")
    (tmp_path / "site.yaml").write_text(HEAD + "files: {blob: {from_file: files/blob}, gone: {from_file: nowhere}}\n")
    document = load(tmp_path)
    site, _ = parse_site(document)
    assert site is not None
    resolved, _ = resolve(site, document)
    assert resolved is not None
    built = build(resolved, HostSecrets(tmp_path), "site.yaml")
    assert next(file for file in built.artefacts if file.path == "etc/courier/blob").content == b"\x00\xff"
    assert [problem.id for problem in built.problems] == ["file-unreadable"]
    assert built.problems[0].path == ("files", "gone", "from_file")
