"""The room in which a group of scripts is played: a process with mounts, network, host name and processes of its own,
which all end with it. Prints what came out as JSON; `--record` writes the answers to unknown lines into the scripts.

    cd tests && python -m real.dialogue_room courier envelope [--record] [SCRIPT...]
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from courier_compiler.cli import main as compile_site
from dialogue import differences
from dialogue.groups import HERE, Group
from dialogue.script import parse_script
from dialogue.stage import Stage
from dialogue.transcript import side_by_side
from dialogue.zone import parse_zone
from real import namespace
from real.courier_host import HOMES
from real.dialogue_servers import MAKERS
from real.dialogue_sink import Sink

HOST_NAME: Final = "mx.example.org"
_NETWORKS: Final = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
_EXPECTED: Final = {"courier": ((), {}), "ours": (differences.DIFFERENCES, differences.REWORDED)}
"""Where each server differs from the scripts on purpose: lines of one script, and words of all."""
_ENTER: Final = ("unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")


Troubles = Mapping[str, str | None]
"""By script: what went wrong with it, None if nothing did."""


def run(server: str, group: str, scripts: Sequence[str]) -> Troubles:
    """Play scripts of a group in a room of their own."""
    command = [sys.executable, "-m", "real.dialogue_room", server, group, *scripts]
    with tempfile.TemporaryDirectory(prefix="dialogue-") as scratch:
        environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "TMPDIR": scratch}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    try:
        troubles: Troubles = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        return dict.fromkeys(scripts, f"the room of {group} fell: {done.stdout}{done.stderr}")
    return troubles


def main(arguments: Sequence[str]) -> int:
    """Enter a room and play; the last line printed is an object of troubles by script."""
    if os.getpid() != 1:
        os.execvp(_ENTER[0], [*_ENTER, sys.executable, "-m", "real.dialogue_room", *arguments])
    record = "--record" in arguments
    server_name, group_name, *scripts = [word for word in arguments if word != "--record"]
    group = Group(HERE / group_name)
    _enter()
    server = MAKERS[server_name]()
    ports = server.start(_compiled(group), parse_zone(group.dns))
    _furnish(group)
    stage = Stage(server, ports, Sink(), *_EXPECTED[server_name])
    perform = _record if record else _judge
    print(json.dumps({script: perform(stage, group, script) for script in scripts or group.scripts}))
    server.stop()
    return 0


def _judge(stage: Stage, group: Group, name: str) -> str | None:
    return stage.trouble(f"{group.name}/{name}", parse_script(group.text(name)))


def _record(stage: Stage, group: Group, name: str) -> str | None:
    played = stage.play(parse_script(group.text(name)))
    _write_down(group.path(name), played.recorded)
    return side_by_side(name, played) if played.mismatch else None


def _enter() -> None:
    """Mounts and network of our own, with the documentation's networks on this host, and a private system log."""
    namespace.enter()
    socket.sethostname(HOST_NAME)
    for network in _NETWORKS:
        version = "-6" if ":" in network else "-4"
        subprocess.run(["ip", version, "route", "add", "local", network, "dev", "lo"], check=True)
    Path("/proc/sys/net/ipv6/ip_nonlocal_bind").write_text("1")
    _make_devices()


def _make_devices() -> None:
    """A /dev of our own, so that its `log` is nobody else's."""
    devices = {name: Path(f"/dev/{name}").stat() for name in _DEVICES}
    namespace.empty(Path("/dev"))
    for name, status in devices.items():
        os.mknod(f"/dev/{name}", status.st_mode, status.st_rdev)
        Path(f"/dev/{name}").chmod(0o666)
    Path("/dev/fd").symlink_to("/proc/self/fd")
    Path("/dev/shm").mkdir()
    Path("/dev/shm").chmod(0o1777)


def _compiled(group: Group) -> Path:
    """The tree of the group's site, built by the command that a user would run."""
    site = Path(tempfile.mkdtemp(prefix="dialogue-site-"))
    shutil.copytree(group.directory, site / "site")
    for secret in (site / "site").glob("secrets/*"):
        secret.chmod(0o600)
    status = compile_site(["build", str(site / "site"), "-o", str(site / "build")])
    assert status == 0, f"{group.name}/site.yaml does not compile"
    return site / "build"


def _furnish(group: Group) -> None:
    """Put the files that the group has for homes below /srv/mail, owned as the homes are."""
    for path in sorted((group.directory / "homes").rglob("*")):
        target = HOMES / "mail" / path.relative_to(group.directory / "homes")
        if path.is_file():
            shutil.copy(path, target)
            owner = target.parent.stat()
            os.chown(target, owner.st_uid, owner.st_gid)
            target.chmod(0o644)


def _write_down(path: Path, recorded: Mapping[int, Sequence[str]]) -> None:
    lines = path.read_bytes().decode().split("\n")
    for number in sorted(recorded, reverse=True):
        lines[number - 1 : number] = recorded[number]
    path.write_bytes("\n".join(lines).encode())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
