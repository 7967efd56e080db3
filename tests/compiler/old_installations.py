"""Old installations for the tests of `import`: the composed ones on disk, and those that are made when needed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from courier_schema.legacy.formats import gdbm
from courier_schema.legacy.formats.access import Allow, Deny, format_value

COMPOSED: Final = Path(__file__).parent / "installations"
SYSCONFDIR: Final = {"hand-edited-1.0": "/etc/courier", "patched-0.60": "/usr/local/courier/etc"}
"""What an installation's files call their directory, where that is not the one of a build from source."""
HOST_NAME: Final = "oldhost.example"
DES: Final = "abJnggxhB/yWI"
MD5: Final = "$1$abcdefgh$ZtyqLvFJYVuyVp0N9uYBa1"


def names() -> list[str]:
    return sorted(path.name for path in COMPOSED.iterdir())


def sysconfdir(name: str) -> str:
    return SYSCONFDIR.get(name, "/usr/lib/courier/etc")


def copied(name: str, target: Path) -> Path:
    """A composed installation in a place of its own, with permissions as Courier wants them."""
    shutil.copytree(COMPOSED / name, target, symlinks=True)
    for secret in ("userdb", "esmtpauthclient", "authmysqlrc", "authldaprc", "ldapaliasrc"):
        for path in [target / secret, *(target / secret).rglob("*")]:
            if path.exists():
                path.chmod(0o700 if path.is_dir() else 0o600)
    return target


def write(directory: Path, files: dict[str, str | bytes], modes: dict[str, int] | None = None) -> Path:
    """An installation of these files."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod((modes or {}).get(name, 0o644))
    return directory


def databases_only(directory: Path) -> Path:
    """What is left when somebody has kept the databases and lost their sources."""
    tables: dict[str, dict[bytes, bytes]] = {
        "hosteddomains.dat": {b"shop.example": b"1", b"store.example": b"shop.example"},
        "esmtpacceptmailfor.dat": {b"shop.example": b"1", b"store.example": b"1", b".friends.example": b"1"},
        "aliases.dat": {
            b"sales@shop.example": b"anna@shop.example\nbert@shop.example\n",
            b"postmaster@here.example": b"olga@elsewhere.example\n",
            b"root@here.example": b"olga@elsewhere.example\n",
            b"robot@here.example": b'".xalias/robot@here+2eexample"@here.example\n',
        },
        "smtpaccess.dat": {
            b"192.0.2": format_value(Allow(((b"RELAYCLIENT", b""),))),
            b"203.0.113.7": format_value(Deny()),
        },
        "uucpneighbors.dat": {b"branch": b"FR"},
        "userdb.dat": {b"anna@shop.example": b"uid=500|gid=500|home=/srv/anna"},
        "userdbshadow.dat": {b"anna@shop.example": f"systempw={DES}".encode()},
    }
    files: dict[str, str | bytes] = {name: gdbm.dumps(records) for name, records in tables.items()}
    files |= {"me": "here.example\n", "locals": "here.example\n", "esmtpacceptmailfor": "here.example\n"}
    files["aliasdir/.courier-:xalias/robot@here+2eexample"] = "|/usr/local/bin/robot --quiet\n"
    return write(directory, files)


def provider(directory: Path, accounts: int = 5000, aliases: int = 20000) -> Path:
    """An Internet provider: hosted domains, all accounts in userdb, and a great many aliases."""
    domains = [f"customer{number}.example" for number in range(accounts // 50)]
    users = [f"user{number}@{domains[number % len(domains)]}" for number in range(accounts)]
    userdb = "".join(
        f"{user}\tuid=5000|gid=5000|home=/srv/mail/{user.split('@')[1]}/{user.split('@')[0]}|systempw={MD5}\n"
        for user in users
    )
    names = (
        f"alias{number}@{domains[number % len(domains)]}: {users[number % accounts]}, {users[number * 7 % accounts]}\n"
        for number in range(aliases)
    )
    listed = "".join(f"{domain}\n" for domain in domains)
    files: dict[str, str | bytes] = {
        "me": "mx.isp.example\n",
        "defaultdomain": "isp.example\n",
        "locals": "isp.example\nmx.isp.example\n",
        "locallowercase": "",
        "hosteddomains/customers": listed,
        "esmtpacceptmailfor": "isp.example\nmx.isp.example\n",
        "esmtpacceptmailfor.dir/customers": listed,
        "aliases/system": "postmaster: user1@customer1.example\nroot: postmaster\n",
        "aliases/customers": "".join(names),
        "userdb": userdb,
        "smtpaccess/default": "127.0.0.1\tallow,RELAYCLIENT\n",
    }
    return write(directory, files, {"userdb": 0o600})
