"""What an import makes of odd files, and what it says of them: of each only what is true, at its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from compiler.old_installations import HOST_NAME, write
from courier_compiler import pipeline
from courier_compiler.cli import import_, main
from courier_compiler.importing.policy import header_limit
from courier_compiler.importing.write import write as write_site
from courier_schema.legacy.formats import gdbm

AGREED = {"me": "here.example\n"}


def imported(tmp_path: Path, files: dict[str, str], *options: str) -> int:
    old = write(tmp_path / "old", {**AGREED, **files})
    return main(["import", str(old), "-o", str(tmp_path / "site.yaml"), "--host-name", HOST_NAME, *options])


def tree_of(tmp_path: Path) -> dict[str, Any]:
    (reading,) = pipeline.read(tmp_path / "site.yaml")
    assert reading.resolved is not None
    return dict(reading.document.tree)


def losses(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line.endswith("[import-loss]")]


def test_a_site_that_cannot_be_read_is_said_to_be_uncompared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_damaged(draft: Any, site: Path) -> None:
        draft.say(("host", "colour"), "blue")
        write_site(draft, site)

    monkeypatch.setattr(import_, "write", write_damaged)
    assert imported(tmp_path, {}) == 1
    told = capsys.readouterr().out
    assert "not compared: the site has to be corrected first; 1 error keeps the site from being built\n" in told
    assert "nothing is lost" not in told


@pytest.mark.parametrize("domain", ["c.example ", "*", "c example", "-", "a@b.example"])
def test_a_route_that_never_counts_is_no_loss(domain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(tmp_path, {"esmtproutes": f"{domain}:relay.example\n"}) == 0
    assert "names no host or domain and never counts" in capsys.readouterr().out
    assert "routes" not in tree_of(tmp_path)
    assert "smarthost" not in tree_of(tmp_path)


ROUTES = "a.example:relay.example/IPV4ONLY\nb.example:/IPV6ONLY\n:out.example/SECURITY=REQUIRED,IPV6ONLY\n"


def test_an_address_family_that_the_target_ignores_is_dropped_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(tmp_path, {"esmtproutes": ROUTES}) == 0
    told = capsys.readouterr().out
    assert re.findall(r":(\d):1: note: Courier 1.0.16 ignores the address family", told) == ["1", "2", "3"]
    tree = tree_of(tmp_path)
    assert tree["routes"] == {"a.example": "relay.example", "b.example": {}}
    assert tree["smarthost"] == {"host": "out.example", "security": "required"}
    assert main(["build", str(tmp_path / "site.yaml"), "-o", str(tmp_path / "out")]) == 0


def test_an_address_family_that_the_target_knows_is_said(tmp_path: Path) -> None:
    assert imported(tmp_path, {"esmtproutes": ROUTES}, "--profile", "upstream-2.0") == 0
    everything = {"via": "out.example", "security": "required", "family": "ipv6"}
    limited = {"a.example": {"via": "relay.example", "family": "ipv4"}, "b.example": {"family": "ipv6"}}
    assert tree_of(tmp_path)["routes"] == {**limited, "*": everything}


def test_a_secret_that_is_not_carried_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(tmp_path, {"ldapaliasrc": "LDAP_BINDPW geheim\n"}) == 1
    told = losses(capsys)
    assert any("LDAP_BINDPW of ldapaliasrc is not in the site" in line for line in told), told
    assert not any("***" in line for line in told)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ('robot: "| /usr/local/bin/robot -q"\nx: anna\n', "1:8", "it contains a blank or a control character"),
        ("x: anna\nsales: anna,\n# and\n bert\n", "4:2", "this is not a definition: it has no colon"),
    ],
)
def test_a_source_that_makealiases_refuses_is_told_once_at_its_place(
    text: str, place: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert imported(tmp_path, {"aliases/a": text}) == 1
    (told,) = losses(capsys)
    assert told.startswith(f"{tmp_path}/old/aliases/a:{place}: error: makealiases refuses this: ")
    assert says in told
    assert tree_of(tmp_path)["aliases"]["x"] == "anna", "what can be understood is in the site"


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("1500", 1500),
        ("999", 1000),
        ("3", 1000),
        ("-5", 1000),
        ("abc", 1000),
        ("", 1000),
        ("+1500", 1500),
        ("1500abc", 1500),
        ("0x600", 1000),
        ("2147483647", 2**31 - 1),
        ("2147483648", 1000),
        ("4294968796", 1500),
        ("99999999999", 1215752191),
        ("9" * 5000, 1000),
        ("0" * 5000 + "1500", 1500),
    ],
)
def test_a_limit_of_headers_becomes_what_courier_reads_in_it(
    text: str, bytes_: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert header_limit(text) == bytes_
    assert imported(tmp_path, {"bofh": f"opt BOFHHEADERLIMIT={text}\n"}) == 0
    assert tree_of(tmp_path)["policy"] == {"max_header_size": bytes_}
    is_told = f"in BOFHHEADERLIMIT of bofh as {bytes_}" in capsys.readouterr().out
    assert is_told is (text != str(bytes_))


def test_an_alias_whose_name_is_longer_than_a_line_of_keys_is_imported(tmp_path: Path) -> None:
    name = "a" * 1100
    assert imported(tmp_path, {"aliases/a": f"{name}: anna\n"}) == 0
    assert tree_of(tmp_path)["aliases"] == {name: "anna"}
    assert main(["build", str(tmp_path / "site.yaml"), "-o", str(tmp_path / "out")]) == 0
    records = dict(gdbm.Reader((tmp_path / "out/etc/courier/aliases.dat").read_bytes()).items())
    assert records[f"{name}@here.example".encode()] == b"anna@here.example\n"
