"""Small configuration trees for tests of the runtime: a few files over defaults that make a server complete."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from courier_runtime.snapshot.load import Found, load_snapshot
from courier_runtime.snapshot.model import Ground, Snapshot
from courier_schema.legacy.formats.gdbm import dumps

Table = Mapping[str, str]

DEFAULTS: Mapping[str, str] = {
    "me": "mx.example.com\n",
    "defaultdomain": "example.com\n",
    "locals": "localhost\nmx.example.com\nexample.com\n",
    "esmtpacceptmailfor": "example.com\nmx.example.com\n",
    "courierd": "DEFAULTDELIVERY=./Maildir\nESMTP_USE_STARTTLS=1\nCOURIERTLS=/usr/bin/couriertls\n",
    "esmtpd": "ESMTPDSTART=YES\nPORT=smtp\nMAXDAEMONS=40\nMAXPERC=40\nMAXPERIP=40\n"
    "ACCESSFILE=/etc/courier/smtpaccess\n",
    "dsnheader.txt": "Content-Type: text/plain; charset=utf-8\n\nFrom [#ME#] at [#FROMTIME#].\n",
    "dsndelivered.txt": "\nDelivered:\n",
    "dsnrelayed.txt": "\nRelayed:\n",
    "dsnfailed.txt": "\nFailed:\n",
    "dsndelayed.txt": "\nDelayed:\n",
    "dsnfooter.txt": "\nEnd.\n",
    "dsnsubjectnotice.txt": "NOTICE: mail delivery status.\n",
    "dsnsubjectwarn.txt": "WARNING: delayed mail.\n",
}


def write_tree(directory: Path, files: Mapping[str, str] = {}, tables: Mapping[str, Table] = {}) -> Path:
    """A configuration directory with these files over the defaults, and databases of these records."""
    for name, text in {**DEFAULTS, **files}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(errors="surrogateescape"))
    for name, records in tables.items():
        (directory / name).write_bytes(dumps({key.encode(): value.encode() for key, value in records.items()}))
    return directory


def snapshot_of(directory: Path, files: Mapping[str, str] = {}, tables: Mapping[str, Table] = {}) -> Snapshot:
    """The snapshot of such a tree, accounts lying below `directory/root`."""
    tree = write_tree(directory / "etc", files, tables)
    ground = Ground(tree, directory / "state", directory / "root")
    return load_snapshot(Found(tree, "/etc/courier", None), ground, "mx.example.com")


def account(home: str, uid: int = 5000, **fields: str) -> str:
    """A record of userdb."""
    return "|".join((f"uid={uid}", f"gid={uid}", f"home={home}", *(f"{name}={text}" for name, text in fields.items())))
