"""One mail server in a private corner of the machine, for as long as standard input is open: Courier, Postfix, or ours.

All serve the same five accounts from one file system, on port 25 of a network that nobody else sees. Needs root. Of
Postfix, which cannot be installed beside Courier, the package is unpacked over a view of this machine's files.

    python tests/bench/mail_corner.py courier|postfix|ours TREE SCRATCH
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from real import namespace
from real.courier_host import ETC, HOMES, STATE, CourierHost, Syslog

USERS: Final = tuple(f"b{number}" for number in range(1, 6))
UID: Final = 5000
LOG: Final = "server.log"
POSTFIX: Final = Path("/usr/sbin/postfix")

POSTFIX_SETTINGS: Final = """\
compatibility_level = 3.6
myhostname = mx.example.com
mydestination = localhost, example.com
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
disable_dns_lookups = yes
alias_maps =
home_mailbox = Maildir/
smtpd_tls_security_level = none
in_flow_delay = 0
"""
"""As quick as its documents allow: no look-ups, and no pause while mail arrives faster than it is delivered."""


class NoLog(Syslog):
    """Nobody listens to what the daemons say: that costs them nothing."""

    def __init__(self) -> None:
        self.lines = []

    def close(self) -> None:
        """Nothing is open."""


def make_homes(homes: Path) -> None:
    """A maildir for each account, below a directory that is shown where accounts live."""
    for user in USERS:
        for name in ("tmp", "new", "cur"):
            (homes / user / "Maildir" / name).mkdir(parents=True, exist_ok=True)
    for path in homes.rglob("*"):
        if path.is_dir():
            os.chown(path, UID, UID)
    namespace.bind(homes, HOMES)


class Courier(CourierHost):
    """The real one, with its queue on the disk where the maildirs are."""

    def empty_state(self) -> None:
        """A queue as the packages leave it, but not in memory."""
        super().empty_state()
        queue = self.tree.parent / "courier-queue"
        subprocess.run(["cp", "-a", str(STATE), str(queue)], check=True)
        namespace.bind(queue, STATE)


def courier(tree: Path, scratch: Path) -> Callable[[], None]:
    host = Courier(tree, NoLog())
    host.install(scratch)
    make_homes(scratch / "homes")
    host.start("authdaemond", "courier", "esmtpd")
    host.wait_for(25)
    return host.stop


def ours(tree: Path, scratch: Path) -> Callable[[], None]:
    """As a service manager starts it: as root, so that a helper delivers with the rights of each account."""
    Courier(tree, NoLog()).install(scratch)
    make_homes(scratch / "homes")
    command = [str(Path(sys.executable).with_name("courier-run")), str(ETC), "--state", str(scratch / "state")]
    with (scratch / LOG).open("w") as log:
        process = subprocess.Popen([*command, "--log", "plain"], stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", (scratch / LOG).read_text()

    def stop() -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(60)

    return stop


def unpack_postfix(scratch: Path) -> None:
    """The package's files, and those that its installation would make. Raises CalledProcessError without a network."""
    upper = scratch / "upper"
    (scratch / "debs").mkdir()
    subprocess.run(["apt-get", "download", "-qq", "postfix"], cwd=scratch / "debs", check=True, capture_output=True)
    for package in (scratch / "debs").iterdir():
        subprocess.run(["dpkg-deb", "-x", str(package), str(upper)], check=True)
    shutil.rmtree(upper / "lib", ignore_errors=True)  # units of a service manager, where this machine has a link
    etc = upper / "etc"
    users = "".join(f"{user}:x:{UID}:{UID}::{HOMES}/{user}:/bin/sh\n" for user in USERS)
    _extend(etc / "passwd", f"postfix:x:4901:4901::/var/spool/postfix:/usr/sbin/nologin\n{users}")
    _extend(etc / "group", "postfix:x:4901:\npostdrop:x:4902:\n")
    (etc / "postfix/main.cf").write_text(POSTFIX_SETTINGS)
    shutil.copy(upper / "usr/share/postfix/dynamicmaps.cf", etc / "postfix")
    services = (upper / "usr/share/postfix/master.cf.dist").read_text().splitlines()
    (etc / "postfix/master.cf").write_text("\n".join(map(_unconfined, services)) + "\n")


def _extend(file: Path, lines: str) -> None:
    file.write_text((Path("/") / file.relative_to(file.parents[1])).read_text() + lines)


def _unconfined(line: str) -> str:
    """A line of master.cf whose service is not put into a chroot: it would miss the resolver's files there."""
    words = line.split()
    is_service = len(words) > 7 and not line.startswith(("#", " "))
    return " ".join([*words[:4], "n", *words[5:]]) if is_service else line


def postfix(tree: Path, scratch: Path) -> Callable[[], None]:
    make_homes(scratch / "homes")
    (scratch / "work").mkdir()
    root = scratch / "root"
    root.mkdir()
    layers = f"lowerdir=/,upperdir={scratch / 'upper'},workdir={scratch / 'work'}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(root)], check=True)
    queue = scratch / "postfix-queue"
    queue.mkdir()
    (root / "var/spool/postfix").mkdir(parents=True, exist_ok=True)
    (root / "var/lib/postfix").mkdir(parents=True, exist_ok=True)
    os.chown(root / "var/lib/postfix", 4901, 4901)
    for source, target in ((queue, "var/spool/postfix"), (scratch / "homes", "srv"), (Path("/proc"), "proc")):
        namespace.bind(source, root / target)
    subprocess.run(["mount", "--rbind", "/dev", str(root / "dev")], check=True)

    def run(*words: str) -> None:
        subprocess.run(["chroot", str(root), str(POSTFIX), *words], check=True, stdout=subprocess.DEVNULL)

    run("start")
    return lambda: run("stop")


STAGES: Final[Mapping[str, Callable[[Path, Path], Callable[[], None]]]] = {
    "courier": courier,
    "postfix": postfix,
    "ours": ours,
}


def main() -> None:
    kind, tree, scratch = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if kind == "postfix":
        unpack_postfix(scratch)  # while there is a network
    namespace.enter()
    stop = STAGES[kind](tree, scratch)
    try:
        print("ready", flush=True)
        sys.stdin.read()
    finally:
        stop()


if __name__ == "__main__":
    main()
