"""How people and programs speak to a running server: a control socket, a way in for mail, and a page of metrics."""

from __future__ import annotations

CONTROL = "control"
SUBMIT = "submit"
SMTP = "smtp"
"""The sockets in the server's state directory. Everybody may open them; the server asks the kernel who calls."""


class Unreachable(Exception):
    """No server answers at the socket, or it does not obey this user."""
