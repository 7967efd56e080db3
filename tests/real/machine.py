"""Machines beside this one: its files, but a copy of their own of all that they change; mounts, network, processes and
host name of their own; and a wire to this process. Everything vanishes with the process that made them.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from dialogue.zone import Zone

HERE: Final = "198.18.1.1"
"""This process on the wire: where tests connect from, and where names are looked up."""

_PREFIX: Final = 24
_BRIDGE: Final = "exchange"
_STAMP: Final = re.compile(r"<[0-9]+>(?:[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} )?")
"""What a program puts before its line for the system log."""

_OURS: Final = dict.fromkeys((Path(__file__).parents[2], Path(sys.prefix), Path(sys.base_prefix)))
"""This project and its Python, which every machine sees wherever they lie: below /tmp, or on a disk of their own."""

_BOOT: Final = r"""
scratch=$1 name=$2; shift 2
mount -t tmpfs -o mode=755 machine "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$scratch/root"
cd "$scratch/root"
mount -t proc proc proc
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 dev dev
for device in null zero full random urandom tty; do cp -a "/dev/$device" "dev/$device"; chmod 666 "dev/$device"; done
ln -s /proc/self/fd dev/fd; ln -s /proc/self/fd/0 dev/stdin; ln -s /proc/self/fd/1 dev/stdout
mkdir -m 1777 dev/shm
while [ $# -gt 0 ]; do mkdir -p ".$2"; mount --bind "$1" ".$2"; shift 2; done
hostname "$name"
ip link set lo up
echo ready
exec chroot . sleep infinity
"""


class Exchange:
    """The wire that all machines hang on, and the name server of their world, at HERE."""

    def __init__(self, zone: Zone, addresses: Sequence[str] = ()) -> None:
        """Lay it; `addresses` are further ones of this process."""
        _ip("link", "add", _BRIDGE, "type", "bridge")
        for address in (HERE, *addresses):
            _ip("address", "add", f"{address}/{_PREFIX}", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HERE, 53))
        self._socket.settimeout(0.2)  # a close frees the port only when nobody waits for a question any more
        self._zone = zone
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()

    def _serve(self) -> None:
        while True:
            try:
                query, client = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            self._socket.sendto(self._zone.answer(query), client)

    def close(self) -> None:
        self._socket.close()
        self._server.join()
        _ip("link", "delete", _BRIDGE)


class Machine:
    """A running machine with a system log."""

    def __init__(self, name: str, address: str, scratch: Path, shown: Mapping[Path, str] | None = None) -> None:
        """Boot it; `shown` are directories of this machine, on whatever file system, and where that one sees them."""
        self.name, self.address = name, address
        self._port = f"port{address.rpartition('.')[2]}"
        scratch.mkdir(parents=True)
        command = [
            "unshare",
            "--mount",
            "--net",
            "--uts",
            "--pid",
            "--fork",
            "--kill-child",
            "--propagation",
            "private",
        ]
        command += ["sh", "-ec", _BOOT, "sh", str(scratch), name]
        seen = {**{path: str(path) for path in _OURS}, **(shown or {})}
        command += [word for source, target in seen.items() for word in (str(source), target)]
        self._holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n", f"{name} does not boot"
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text()
        self._pid = int(children)
        self._connect()
        self.path("/etc/resolv.conf").unlink(missing_ok=True)
        self.path("/etc/resolv.conf").write_text(f"nameserver {HERE}\noptions timeout:1 attempts:1\n")
        self.path("/etc/hosts").write_text(f"127.0.0.1 localhost\n{address} {name}\n")
        self._log = _Log(self.path("/dev/log"))

    def _connect(self) -> None:
        _ip("link", "add", self._port, "type", "veth", "peer", "name", "wire", "netns", str(self._pid))
        _ip("link", "set", self._port, "master", _BRIDGE, "up")
        self.do("ip", "address", "add", f"{self.address}/{_PREFIX}", "dev", "wire")
        self.do("ip", "link", "set", "wire", "up")

    def path(self, path: str | Path) -> Path:
        """Where this process finds a file of that machine."""
        return Path(f"/proc/{self._pid}/root/{str(path).lstrip('/')}")

    @property
    def log(self) -> Sequence[str]:
        """What its programs have said to the system log, `PROGRAM: TEXT`."""
        return tuple(self._log.lines)

    def command(
        self, *words: str | Path, uid: int = 0, environment: Mapping[str, str] | None = None, directory: str = "/"
    ) -> list[str]:
        """The command that runs a command there: as this user, in this environment (None: root's usual one)."""
        entered = ["nsenter", "--target", str(self._pid), "--mount", "--net", "--uts", "--pid"]
        entered += [f"--root=/proc/{self._pid}/root", f"--wd=/proc/{self._pid}/root{directory}"]
        cleared = ["env", "-i", *(f"{name}={value}" for name, value in (environment or {}).items())]
        person = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
        return [*entered, *person, *(cleared if environment is not None else []), *map(str, words)]

    def run(
        self,
        *words: str | Path,
        uid: int = 0,
        environment: Mapping[str, str] | None = None,
        directory: str = "/",
        stdin: bytes = b"",
        seconds: float = 60,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end."""
        command = self.command(*words, uid=uid, environment=environment, directory=directory)
        return subprocess.run(command, input=stdin, capture_output=True, timeout=seconds, check=False)

    def do(self, *words: str | Path, **how: object) -> bytes:
        """Run a command that must succeed; what it prints."""
        done = self.run(*words, **how)  # type: ignore[arg-type] # the same keywords as `run`
        assert done.returncode == 0, f"{self.name}: {' '.join(map(str, words))}: {done.stdout!r}{done.stderr!r}"
        return done.stdout

    def close(self) -> None:
        """Switch it off."""
        _ip("link", "delete", self._port)  # the kernel takes its time to remove the wires of a machine that is gone
        self._holder.kill()
        self._holder.wait()
        self._log.close()


class _Log:
    def __init__(self, path: Path) -> None:
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
        self._socket.settimeout(0.2)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        while True:
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            self.lines.append(_STAMP.sub("", data.decode(errors="replace"), count=1).rstrip("\0\n"))

    def close(self) -> None:
        self._socket.close()
        self._listener.join()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def make_maildir(machine: Machine, path: str, uid: int) -> Path:
    """A maildir there, and a home around it, as an administrator would make them; where this process finds it."""
    top = machine.path(path)
    for part in ("tmp", "new", "cur"):
        (top / part).mkdir(parents=True, exist_ok=True)
    for each in (top.parent, top, *top.iterdir()):
        os.chown(each, uid, uid)
        each.chmod(0o711 if each == top.parent else 0o700)
    return top
