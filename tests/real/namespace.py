"""A private corner of the machine: own mounts and own network, so that the real Courier can be configured and started
from a compiled tree without touching the machine's /etc/courier, queue or ports. Everything vanishes with the process.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_MS_REC_PRIVATE = (1 << 14) | (1 << 18)
_MS_BIND = 1 << 12
_MS_RDONLY = 1
_MS_REMOUNT = 1 << 5
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x41

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def enter() -> None:
    """Give this process, and what it starts, mounts and a network of its own."""
    _call("unshare", _CLONE_NEWNS | _CLONE_NEWNET)
    _call("mount", b"none", b"/", None, _MS_REC_PRIVATE, None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP_RUNNING))


def bind(source: Path, target: Path) -> None:
    """Show `source` at `target`."""
    _call("mount", os.fsencode(source), os.fsencode(target), None, _MS_BIND, None)


def empty(target: Path, mode: str = "0755") -> None:
    """Show an empty, writable directory at `target`."""
    _call("mount", b"tmpfs", os.fsencode(target), b"tmpfs", 0, f"mode={mode}".encode())


def disk(target: Path, mebibytes: int, files: int = 0) -> None:
    """Mount an empty disk of this size at `target`, with room for so many files, or any number."""
    _call(
        "mount", b"tmpfs", os.fsencode(target), b"tmpfs", 0, f"size={mebibytes}m,nr_inodes={files},mode=0755".encode()
    )


def write_protect(target: Path, is_protected: bool) -> None:
    """Let nobody write to what is mounted at `target`, or let everybody again."""
    flags = _MS_REMOUNT | (_MS_RDONLY if is_protected else 0)
    _call("mount", b"none", os.fsencode(target), None, flags, None)


def release(target: Path) -> None:
    """Take away what was shown at `target`, even while files there are open."""
    _call("umount2", os.fsencode(target), 2)
