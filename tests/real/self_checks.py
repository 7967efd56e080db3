"""The site of the self checks, and both servers that serve it at the same time, each on a machine of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from real.machine import Machine
from real.mail_host import KINDS, MailHost, build, home

USERS: Final = {"tester": 3101, "probe": 3102, "anna": 3103}
"""Accounts of the site, which are users of the machine as well."""
_PASSWORD: Final = (
    "$6$exampleSalt000$Q6OzQfHAROARBZc.ltEtwHV2CRri3Yg8yT0aS2y.V/dl6BZHCk5F2KLWB4oaFsV6UBWi/5kRgz/wyy1dCkzNP."
)
_SITE: Final = """
site: example.org
profile: debian-12
host: {{name: mx.example.org, postmaster: anna}}
tls: {{certificate: /etc/courier/esmtpd.pem}}
listeners:
  smtp: {{auth: [], tarpit: false, check_sender_domain: false, max_per_address: 20, max_per_network: 20}}
accounts:
  tester: {{uid: 3101, gid: 3101, password: '{password}'}}
  probe: {{uid: 3102, gid: 3102, password: '{password}'}}
  anna: {{uid: 3103, gid: 3103, password: '{password}'}}
domains:
  example.org: {{}}
backscatter: {{discard_bounces: [{discarded}], refuse_failing: []}}
delivery:
  dotfiles:
    gone: "|echo No such person; exit 67\\n"
"""


def site(discarded: str, more: str = "") -> str:
    """The site of the self checks; `discarded` are the sources whose notices are not sent."""
    return _SITE.format(password=_PASSWORD, discarded=discarded) + more


def add_users(machine: Machine) -> None:
    """The accounts as users of a machine, each in a group of his own."""
    for name, uid in USERS.items():
        with machine.path("/etc/passwd").open("a") as file:
            file.write(f"{name}:x:{uid}:{uid}:Some Body,,,:/srv/mail/example.org/{name}:/bin/sh\n")
        with machine.path("/etc/group").open("a") as file:
            file.write(f"{name}:x:{uid}:\n")


@contextmanager
def both_running(text: str, addresses: Sequence[str], scratch: Path) -> Iterator[Mapping[str, MailHost]]:
    """Both servers, by their names, with homes for all accounts."""
    tree = build(text, scratch)
    hosts: dict[str, MailHost] = {}
    with ExitStack() as running:
        for (name, kind), address in zip(KINDS.items(), addresses, strict=True):
            hosts[name] = kind("mx.example.org", address, tree, scratch / name)
            running.callback(hosts[name].stop)
            add_users(hosts[name].machine)
            for user, uid in USERS.items():
                home(hosts[name], user, uid)
        yield hosts


def inbox(host: MailHost, user: str) -> Path:
    """A user's maildir."""
    return host.machine.path(f"/srv/mail/example.org/{user}/Maildir")
