"""A site that root serves, edited while it is: root's compiler works, the mail user only hears of it."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from real.root_server import ROOM, RootServer, room
from runtime.running import SITE, eventually

SECRET = ROOM / "secrets/anna"
"""What only root may read: the hash of anna's password."""
ANNA, BORIS = (line.split(": ")[1] for line in SITE.splitlines() if "password: " in line)
SITE_OF_ROOT = SITE.replace("/home/{user}", "/srv/home/{user}").replace(ANNA, f"{{from_command: [cat, {SECRET}]}}")
TREE = ROOM / "state/tree"


class SiteServer(RootServer):
    """Serves a site, not a tree that was made of it before."""

    def __init__(self, *options: str) -> None:
        SECRET.parent.mkdir()
        self.tell_secret(ANNA)
        super().__init__(SITE_OF_ROOT, ("anna", "boris"), ("--sessions", "1", *options))
        self.served = self.site

    def tell_secret(self, text: str) -> None:
        SECRET.write_text(text)
        SECRET.chmod(0o600)

    def edit(self, old: str, new: str) -> None:
        text = self.site.read_text()
        assert old in text
        self.site.write_text(text.replace(old, new))

    @property
    def generation(self) -> str:
        generation: str = self.ask("status")["generation"]
        return generation

    @property
    def compilers(self) -> list[int]:
        return [pid for pid in self.descendants if _words(pid)[3:5] == ["courier_compiler.cli", "watch"]]

    def status(self) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "courier_runtime.cli", "status", "--state", str(self.state))
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def login(self, password: str) -> None:
        with smtplib.SMTP("127.0.0.1", 587, timeout=10) as client:
            client.login("anna", password)


def _words(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


@pytest.fixture
def server() -> Iterator[SiteServer]:
    with room():
        made = SiteServer()
        try:
            made.start()
            yield made
        finally:
            if made.is_running():
                made.kill()


def test_an_edit_takes_effect_with_secrets_that_only_root_may_read(server: SiteServer) -> None:
    first = server.generation
    server.edit("sales: [anna, boris]", "sales: [anna, boris]\n  news: boris")
    eventually(lambda: server.generation != first)
    server.send("news@example.com")
    eventually(lambda: server.inbox("boris"))
    server.login("secret-of-anna")
    facts = (TREE / "etc/courier/userdbshadow.dat").stat()
    assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o777) == (0, 0, 0o600)


def test_a_broken_edit_leaves_the_old_one_in_force_and_says_why_until_it_is_mended(server: SiteServer) -> None:
    first = server.generation
    assert server.status().returncode == 0
    server.edit("accounts:", "acounts:")
    eventually(lambda: server.status().returncode == 1)
    assert "site.yaml:8:1: error: the site has no key 'acounts'" in server.status().stdout
    assert f"generation {first} stays in force: {server.site}:8:1: error" in server.log()
    server.login("secret-of-anna")
    server.edit("acounts:", "accounts:")
    eventually(lambda: server.status().returncode == 0)
    assert server.generation == first


def test_a_hangup_compiles_what_no_watch_can_see(server: SiteServer) -> None:
    first = server.generation
    server.tell_secret(BORIS)
    os.kill(server.pid, signal.SIGHUP)
    eventually(lambda: server.generation != first)
    server.login("secret-of-boris")
    server.edit("accounts:", "acounts:")
    assert "acounts" in server.ask("reload")["trouble"]


def test_the_compiler_alone_has_roots_rights_besides_the_helper_whose_child_it_is(server: SiteServer) -> None:
    eventually(lambda: server.compilers)
    (compiler,) = server.compilers
    roots = [pid for pid in server.descendants if Path(f"/proc/{pid}").stat().st_uid == 0]
    assert len(roots) == 2
    (helper,) = set(roots) - {compiler}
    assert "courier_runtime.steward.helper" in _words(helper)
    assert f"\nPPid:\t{helper}\n" in Path(f"/proc/{compiler}/status").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_compiler_ends_with_the_server_whatever_ends_that(server: SiteServer, number: signal.Signals) -> None:
    eventually(lambda: server.compilers)
    children = server.descendants
    os.kill(server.pid, number)
    server.wait()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


def test_a_compiler_that_was_killed_is_missed_and_one_that_is_told_to_works_again(server: SiteServer) -> None:
    eventually(lambda: server.compilers)
    (compiler,) = server.compilers
    os.kill(compiler, signal.SIGKILL)
    eventually(lambda: "the compiler has ended" in server.status().stdout)
    assert server.ask("reload")["trouble"] == ""
    assert server.status().returncode == 0
    assert len(server.compilers) == 1


def test_the_mail_user_cannot_put_another_tree_where_root_writes(server: SiteServer) -> None:
    def succeeds(*command: str | Path) -> bool:
        setpriv = ("setpriv", "--reuid=courier", "--regid=courier", "--clear-groups", "--")
        return subprocess.run([*setpriv, *command], check=False, capture_output=True).returncode == 0

    assert succeeds("mkdir", ROOM / "state/own")
    assert not succeeds("mv", TREE, ROOM / "state/other")
    assert not succeeds("mkdir", TREE / "other")
    assert not succeeds("mkdir", TREE / "etc/courier/other")
    assert not succeeds("mkdir", TREE / "etc/courier/.courier-site/stage")


def test_a_tree_that_was_put_there_is_not_written_into() -> None:
    with room():
        made = SiteServer()
        made.state.mkdir()
        victim = ROOM / "victim"
        victim.mkdir()
        TREE.symlink_to(victim)
        with pytest.raises(AssertionError, match="is not root's own directory: remove it"):
            made.start()
        assert made.wait() == 1
        assert not list(victim.iterdir())


def test_edits_of_a_site_that_others_can_write_wait_for_a_new_start() -> None:
    with room():
        made = SiteServer()
        made.site.chmod(0o666)
        made.start()
        try:
            first = made.generation
            assert f"others than root can write {made.site}" in made.log()
            assert made.status().returncode == 0
            made.edit("sales:", "sale:")
            assert f"others than root can write {made.site}" in made.ask("reload")["trouble"]
            assert (made.generation, made.compilers) == (first, [])
        finally:
            made.kill()


def test_without_a_watch_an_edit_counts_at_a_reload() -> None:
    with room():
        made = SiteServer("--no-watch")
        made.start()
        try:
            first = made.generation
            made.edit("sales:", "sale:")
            assert made.compilers == []
            assert made.ask("reload") == {"generation": made.generation, "trouble": ""}
            assert made.generation != first
            eventually(lambda: made.compilers == [])
        finally:
            made.kill()
