"""The session: what has to be encrypted, who has to log in, and what a login changes."""

from __future__ import annotations

from courier_compiler.tracing.host import CompiledHost, Value, Variables
from courier_compiler.tracing.values import Reply, Stage, Why
from courier_compiler.tracing.walk import Walk, flag

_STAGE = Stage.SESSION
SERVICE = "esmtp"
"""The name by which the account library knows SMTP."""


def authenticate(walk: Walk, variables: Variables) -> Variables | Reply:
    """The variables once the client has said what it has to before MAIL, or the refusal."""
    envelope = walk.envelope
    encrypted = envelope.tls or envelope.service == "smtps"
    if flag(variables, "ESMTP_TLS_REQUIRED"):
        why = variables["ESMTP_TLS_REQUIRED"].why
        if not encrypted:
            walk.note(_STAGE, "nothing is served before STARTTLS", why)
            return Reply("AUTH" if envelope.login else "MAIL", 400, "STARTTLS is required first.")
        walk.note(_STAGE, "the session has to be encrypted, and is", why)
    if envelope.login is None:
        return _anonymous(walk, variables)
    refusal = _refused(walk, variables, encrypted)
    return refusal or _logged_in(walk, variables)


def _anonymous(walk: Walk, variables: Variables) -> Variables | Reply:
    if flag(variables, "AUTH_REQUIRED"):
        walk.note(_STAGE, "no mail is taken without a login", variables["AUTH_REQUIRED"].why)
        return Reply("MAIL", 535, "Authentication required.")
    return variables


def mechanisms(variables: Variables, encrypted: bool) -> Value:
    """What AUTH offers: under TLS a list of its own, where there is one."""
    clear = variables.get("ESMTPAUTH", Value(""))
    over_tls = variables.get("ESMTPAUTH_TLS", Value(""))
    return over_tls if encrypted and over_tls.text else clear


def _refused(walk: Walk, variables: Variables, encrypted: bool) -> Reply | None:
    offered, login = mechanisms(variables, encrypted), walk.envelope.login or ""
    if not offered.text:
        walk.note(_STAGE, f"no login is offered {'over TLS' if encrypted else 'without TLS'}", offered.why)
        return Reply("AUTH", 535, "Authentication rejected")
    walk.note(_STAGE, f"AUTH offers {offered.text}", offered.why)
    if can_log_in(walk.host, login):
        walk.note(_STAGE, f"userdb has {login} with a password", walk.host.why("userdb.dat", login))
        return None
    if walk.host.backends:
        walk.assume(_STAGE, f"would ask {', '.join(walk.host.backends)} for the login {login}", _order(walk.host))
        return None
    walk.note(_STAGE, f"userdb has no login {login}", walk.host.why("userdb.dat", login))
    return Reply("AUTH", 535, "Authentication failed.")


def _order(host: CompiledHost) -> Why | None:
    return host.why("authdaemonrc", "authmodulelist")


def can_log_in(host: CompiledHost, login: str) -> bool:
    """Whether an account of userdb has a password for SMTP."""
    found = host.account(login, SERVICE)
    return found is not None and (found.password is not None or bool(found.secrets))


def _logged_in(walk: Walk, variables: Variables) -> Variables:
    login = walk.envelope.login or ""
    granted = variables.get("AUTHRELAYCLIENT", Value("")).text
    why = walk.host.why("userdb.dat", login)
    walk.note(_STAGE, f"{login} is logged in: may relay, and is not blocked", why)
    session = {"BLOCK": "", "RELAYCLIENT": granted, "FAXRELAYCLIENT": ""}
    return {**variables, **{name: Value(text, why) for name, text in session.items()}}
