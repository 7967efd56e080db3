"""Programs of aliases under another extension than `.courier`: Courier finds them, and makealiases keeps them."""

from __future__ import annotations

import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from courier_compiler.cli import main
from real.courier_host import ETC, CourierHost, eventually, send

SITE: Final = """\
site: example.org
host: {name: mx.example.org, postmaster: admin@example.net, dot_extension: qmail}
profile: {base: debian-12}
listeners: {smtp: {}}
settings: {esmtpd: {BOFHCHECKDNS: false}}
aliases:
  tickets: {program: cat >/tmp/dot-extension/ticket}
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CourierHost]:
    scratch = tmp_path_factory.mktemp("extension")
    (scratch / "site.yaml").write_text(SITE)
    assert main(["build", str(scratch / "site.yaml"), "-o", str(scratch / "build")]) == 0
    host = CourierHost(scratch / "build")
    host.install(scratch)
    try:
        host.start("authdaemond", "courier", "esmtpd")
        host.wait_for(25)
        yield host
    finally:
        host.stop()


@pytest.fixture
def inbox() -> Iterator[Path]:
    """A place where the mail user may write."""
    place = Path("/tmp/dot-extension")
    place.mkdir()
    place.chmod(0o777)
    yield place
    for path in place.iterdir():
        path.unlink()
    place.rmdir()


def _reply(recipient: str) -> int:
    with smtplib.SMTP("127.0.0.1") as client:
        client.ehlo("[127.0.0.1]")
        client.docmd("MAIL FROM:<>")
        return client.docmd(f"RCPT TO:<{recipient}>")[0]


@pytest.mark.usefixtures("host")
def test_the_program_of_an_alias_gets_the_mail(inbox: Path) -> None:
    send("tickets@example.org", "a ticket")
    assert eventually(lambda: (inbox / "ticket").exists() and "a ticket" in (inbox / "ticket").read_text())


@pytest.mark.usefixtures("host")
def test_what_makealiases_makes_anew_is_found_as_well() -> None:
    assert _reply("robot@example.org") == 550
    (ETC / "aliases/robots").write_text("robot: |/bin/true\n")
    subprocess.run(["makealiases"], check=True)
    assert _reply("robot@example.org") == 250
    assert _reply("tickets@example.org") == 250
