"""Exim 4.96: maildirs with suffixes, opportunistic TLS both ways, no DSN extension (its default)."""

from __future__ import annotations

from real.peers.peer import CERTIFICATE, TRUSTED, Packaged


class Exim(Packaged):
    """A peer."""

    name = "exim"
    system_users = ("Debian-exim",)

    def configure(self) -> None:
        self.write(
            "/etc/exim4/exim4.conf",
            f"""
primary_hostname = {self.host}
domainlist local_domains = {self.domain}
daemon_smtp_ports = 25
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts = *
tls_certificate = {CERTIFICATE}
tls_privatekey = {CERTIFICATE}
message_size_limit = 0
smtp_accept_queue_per_connection = 0
recipients_max = 0
keep_environment =
queue_run_max = 10
acl_smtp_rcpt = check
acl_smtp_data = accept
begin acl
check:
  accept domains = +local_domains
         verify = recipient
  accept hosts = {TRUSTED}
  deny message = relay not permitted
begin routers
local:
  driver = accept
  domains = +local_domains
  check_local_user
  local_part_suffix = +*
  local_part_suffix_optional
  transport = maildir
remote:
  driver = dnslookup
  domains = ! +local_domains
  transport = smtp
  ignore_target_hosts = 0.0.0.0
  no_more
begin transports
smtp:
  driver = smtp
maildir:
  driver = appendfile
  directory = /home/$local_part_data/Maildir
  maildir_format
  user = $local_part_data
  batch_max = 1
begin retry
* * F,1m,5s
""",
        )
        self.machine.do("mkdir", "-p", "/var/spool/exim4", "/var/log/exim4", "/run/exim4")
        self.machine.do("chown", "Debian-exim:", "/var/spool/exim4", "/var/log/exim4", "/run/exim4", CERTIFICATE)
        self.machine.do("/usr/sbin/exim4", "-bd", "-q10m")
