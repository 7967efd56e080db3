"""Postfix 3.7: local(8) with extensions, opportunistic TLS both ways, DSN."""

from __future__ import annotations

from real.peers.peer import CERTIFICATE, TRUSTED, Packaged


class Postfix(Packaged):
    """A peer."""

    name = "postfix"
    system_users = ("postfix", "postdrop")

    def configure(self) -> None:
        self.write(
            "/etc/postfix/main.cf",
            f"""
compatibility_level = 3.6
myhostname = {self.host}
mydomain = {self.domain}
mydestination = {self.domain}
mynetworks = 127.0.0.0/8, {TRUSTED}/32
inet_protocols = ipv4
home_mailbox = Maildir/
alias_maps =
recipient_delimiter = +
message_size_limit = 0
mailbox_size_limit = 0
smtpd_tls_security_level = may
smtpd_tls_chain_files = {CERTIFICATE}
smtpd_tls_received_header = yes
smtp_tls_security_level = may
in_flow_delay = 0
""",
        )
        script = r"sed 's/^\([a-z0-9-]* *\(unix\|inet\) *[-ny] *[-ny] *\)y/\1n/' /usr/share/postfix/master.cf.dist"
        self.machine.do("sh", "-ec", f"{script} >/etc/postfix/master.cf; mkdir -p /var/lib/postfix /var/spool/postfix")
        self.machine.do("chown", "postfix:", "/var/lib/postfix")
        self.machine.do("postfix", "start")

    def stop(self) -> None:
        self.machine.run("postfix", "stop")
        super().stop()
