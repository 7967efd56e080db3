"""Edits while mail comes in, one upon the other: nobody is dropped, and no message is judged by two configurations.

Every edit changes two aliases and the size limit together. A message to both aliases shows under which generation each
of its recipients was judged, and a longer one whether the limit was of the same.
"""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from courier_runtime.snapshot.own_certificate import own_certificate
from runtime.running import Running, eventually, running
from runtime.wires import Wire, memory

SITE: Final = """\
site: example.com
host: {name: mx.example.com, postmaster: anna, max_message_size: LIMIT}
tls: {certificate: /etc/courier/esmtpd.pem}
listeners: {smtp: {max_per_address: 200, max_connections: 200, max_per_network: 200}}
account_defaults: {home: "/home/{user}", uid: 5000, gid: 5000}
accounts: {anna: {}, boris: {}}
aliases: {left: USER, right: USER, number: NUMBER@example.org}
settings:
  esmtpd: {BOFHCHECKDNS: false, TARPIT: false, TCPDOPTS: [-nodnslookup]}
"""
EDITS: Final = (30, 1_000)
MESSAGES: Final = (600, 20_000)
"""At least, in CI and in the soak."""
SETTLING: Final = 10
"""Edits after which the server has grown to its size."""
CLIENTS: Final = 6
SHORT: Final = b"x" * 500
LONG: Final = b"x" * 4_200
_MARK: Final = re.compile(rb"^X-Mark: (\S+)$", re.MULTILINE)


def edited(number: int) -> str:
    """The site after so many edits: under even numbers anna has the aliases, and messages must be short."""
    user, limit = (("anna", 2000), ("boris", 100_000))[number % 2]
    return SITE.replace("USER", user).replace("LIMIT", str(limit)).replace("NUMBER", f"n{number}")


@dataclass
class Load:
    """Clients that send through the same connections and through new ones, until they are told to stop."""

    port: int
    taken: set[bytes] = field(default_factory=set)
    troubles: list[BaseException] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def send(self, number: int) -> None:
        try:
            session = 0
            while not self.is_over.is_set():
                with Wire.greeted(self.port) as wire:
                    for turn in range(4):
                        self._transaction(wire, b"%d.%d.%d" % (number, session, turn), SHORT if turn % 2 else LONG)
                    assert wire.say(b"QUIT") == b"221 Bye."
                session += 1
        except (OSError, AssertionError) as error:
            self.troubles.append(error)

    def _transaction(self, wire: Wire, mark: bytes, text: bytes) -> None:
        assert wire.say(b"MAIL FROM:<>") == b"250 Ok."
        for alias in (b"left", b"right"):
            assert wire.say(b"RCPT TO:<%b@example.com>" % alias) == b"250 Ok."
        assert wire.say(b"DATA") == b"354 Ok."
        reply = wire.say(b"X-Mark: %b\r\nX-Size: %d\r\n\r\n%b\r\n." % (mark, len(text), text))
        if reply.startswith(b"250 "):
            self.taken.add(mark)
        else:
            assert text is LONG, "a short message fits under every generation"
            assert reply.startswith((b"523", b"534", b"552")), reply


@contextmanager
def loaded(server: Running) -> Iterator[Load]:
    """While clients send."""
    load = Load(server.port())
    threads = [threading.Thread(target=load.send, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.is_over.set()
        for thread in threads:
            thread.join()


def test_edits_drop_nobody_and_never_mix(tmp_path: Path, is_soak: bool) -> None:
    edits, messages = EDITS[is_soak], MESSAGES[is_soak]
    with running(tmp_path, edited(0)) as server:
        generations = [server.ask("status")["generation"]]
        settled = 0
        with loaded(server) as load:
            number = 0
            while number < edits or len(load.taken) < messages:
                number += 1
                assert not load.troubles, load.troubles
                server.site.write_text(edited(number))
                eventually(lambda: server.ask("status")["generation"] != generations[-1])
                generations.append(server.ask("status")["generation"])
                if number == SETTLING:
                    settled = memory(server.processes)
        assert not load.troubles, load.troubles
        eventually(lambda: server.ask("status")["queue"]["messages"] == 0, within=60)
        grown = memory(server.processes) - settled
        assert grown < (16 << 20), f"{grown} bytes more after {number} edits"
        _nothing_is_mixed(server, load.taken)
        assert len(set(generations)) == number + 1
        log = server.log()
        assert all(f"generation {one} is in force" in log for one in generations)
        assert "Traceback" not in log


def _nothing_is_mixed(server: Running, taken: set[bytes]) -> None:
    got: dict[bytes, set[str]] = {}
    for user in ("anna", "boris"):
        for path in server.inbox(user):
            text = path.read_bytes()
            mark = _MARK.search(text)
            assert mark is not None
            got.setdefault(mark[1], set()).add(user)
            assert user == "boris" or b"X-Size: %d" % len(LONG) not in text, "anna's generation takes no long message"
    assert got.keys() == taken
    assert {len(users) for users in got.values()} == {1}, "both aliases always stand for the same account"
    sessions: dict[bytes, set[str]] = {}
    for mark_of_one, users in got.items():
        sessions.setdefault(mark_of_one.rpartition(b".")[0], set()).update(users)
    assert {len(users) for users in sessions.values()} == {1}, "a session ends under the generation it began with"
    assert {user for users in got.values() for user in users} == {"anna", "boris"}


def test_a_replaced_certificate_is_shown_to_new_sessions_and_leaves_old_ones_alone(tmp_path: Path) -> None:
    with running(tmp_path, edited(0)) as server, loaded(server) as load:
        port = server.port()
        with _secured(port) as old:
            first = _certificate(old)
            shown = [first]
            for number in range(3):
                made = own_certificate(tmp_path / f"new{number}", "mx.example.com")
                place = server.state / "tree/etc/courier/esmtpd.pem"
                draft = place.with_suffix(".new")
                draft.write_bytes(made.read_bytes())
                draft.replace(place)
                expected = ssl.PEM_cert_to_DER_cert(made.read_text().partition("-----BEGIN PRIVATE")[0])
                eventually(lambda expected=expected: _shown(port) == expected, within=5)  # type: ignore[misc]
                shown.append(expected)
            assert len(set(shown)) == 4
            assert old.say(b"NOOP") == b"250 Ok"
        time.sleep(0.1)
        assert not load.troubles
        assert load.taken


def _secured(port: int) -> Wire:
    wire = Wire.greeted(port)
    assert wire.say(b"STARTTLS") == b"220 Ok"
    wire.secure()
    assert wire.say(b"EHLO cli.example").startswith(b"250 ")
    return wire


def _certificate(wire: Wire) -> bytes:
    assert isinstance(wire.socket, ssl.SSLSocket)
    found = wire.socket.getpeercert(binary_form=True)
    assert found is not None
    return found


def _shown(port: int) -> bytes:
    with _secured(port) as wire:
        return _certificate(wire)
