"""What a newcomer gets to read when a server without root begins to serve: how to send a first mail, and to read it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from courier_runtime.auth.chain import Chain
from courier_runtime.auth.userdb import Userdb
from courier_runtime.routing.addresses import canonical
from courier_runtime.routing.aliases import expand
from courier_runtime.routing.local import LocalHop
from courier_runtime.routing.router import Router
from courier_runtime.seams import Hop
from courier_runtime.snapshot.model import Snapshot


async def welcome(snapshot: Snapshot, places: Mapping[str, tuple[str, int]]) -> str:
    """The text; `places` are the addresses and ports of the listeners. Its commands are to be pasted as they stand."""
    lines = [
        "",
        f"{snapshot.me} takes mail at {', '.join(f'{name} {port}' for name, (_, port) in places.items())}. Try it:",
        "",
        *(f"    {command}" for command in await commands(snapshot, places)),
        "",
        "Edit the site while it runs, and see what happens. Ctrl-C ends it.",
        "",
    ]
    return "\n".join(lines)


async def commands(snapshot: Snapshot, places: Mapping[str, tuple[str, int]]) -> tuple[str, ...]:
    """Send a mail by the command, send one by SMTP, read both."""
    to, mailbox = await _somebody(f"postmaster@{snapshot.locality.default_domain}", snapshot)
    state = f"COURIER_RUN_STATE={_shown(snapshot.ground.state)}"
    found = [rf"printf 'Subject: first\n\nHello.\n' | {state} {_command()} sendmail {to}"]
    if places:
        host, port = places.get("esmtpd", next(iter(places.values())))
        reached = "127.0.0.1" if host in ("::", "0.0.0.0") else host
        said = rf"('', '{to}', 'Subject: second\n\nHello by SMTP.\n')"
        found.append(f"python3 -c \"import smtplib; smtplib.SMTP('{reached}', {port}).sendmail{said}\"")
    return (*found, f"sleep 1; cat {_shown(Path(mailbox))}/new/*")


async def _somebody(address: str, snapshot: Snapshot) -> tuple[str, str]:
    """An address that ends in a mailbox here, the postmaster's if possible, and where that mailbox lies."""
    router = Router(Chain({"authuserdb": Userdb()}), (0, 0))
    for target in expand(canonical(address, snapshot), "local", snapshot) or (address,):
        hop = await router.route(canonical(target, snapshot), snapshot)
        if isinstance(hop, Hop) and hop.module == "local":
            found = LocalHop.parse(hop.host)
            return target, f"{snapshot.ground.place(found.home)}/{found.maildir or 'Maildir'}"
    return address, f"{snapshot.ground.root}/*/Maildir"


def _command() -> str:
    """How this program can be called again from here: by its name where that leads to it, else by its path."""
    own = Path(sys.argv[0])
    found = shutil.which("courier-run")
    if found and own.exists() and Path(found).samefile(own):
        return "courier-run"
    if own.name == "courier-run":
        return _shown(own)
    return f"{sys.executable} -m courier_runtime.cli"


def _shown(path: Path) -> str:
    """A path as short as it may be, seen from here."""
    return os.path.relpath(path) if path.absolute().is_relative_to(Path.cwd()) else str(path.absolute())
