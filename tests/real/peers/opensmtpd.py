"""OpenSMTPD 6.8: maildirs with tags, opportunistic TLS both ways, DSN."""

from __future__ import annotations

from real.peers.peer import CERTIFICATE, TRUSTED, Packaged


class OpenSmtpd(Packaged):
    """A peer."""

    name = "opensmtpd"
    system_users = ("opensmtpd", "opensmtpq")

    def configure(self) -> None:
        self.write(
            "/etc/smtpd.conf",
            f"""
pki peer cert "{CERTIFICATE}"
pki peer key "{CERTIFICATE}"
smtp max-message-size 100M
listen on {self.machine.address} port 25 tls pki peer hostname {self.host}
action "local" maildir
action "out" relay helo {self.host}
match from any for domain "{self.domain}" action "local"
match from src {TRUSTED} for any action "out"
match from local for any action "out"
""",
        )
        self.write("/etc/mailname", f"{self.host}\n")
        self.machine.do("mkdir", "-p", "/var/spool/smtpd", "/var/lib/opensmtpd/empty")
        self.machine.do("chmod", "711", "/var/spool/smtpd")
        self.machine.do("/usr/sbin/smtpd")
