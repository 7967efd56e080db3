"""How one client is treated: the variables of its session, decoded once.

A session's variables are those of the listener's settings files, overlaid with those of the client's access record;
options of the file bofh count where neither says anything. Everything here is a value, so clients of one
access record share it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self

from courier_runtime.mail.envelope import Notify, Return
from courier_schema.legacy.formats.bofh import Bofh

_NUMBER: Final = re.compile(r"\s*([0-9]+)")
_WORDS: Final = re.compile(r"[,\s]+")

Recoding = Literal["", "7bit", "8bit"]
_RECODINGS: Final[Mapping[str, Recoding]] = {"7bit": "7bit", "8bit": "8bit"}
_RETURNS: Final[Mapping[str, Return]] = {"F": "full", "H": "headers"}

LEAST_HEADER_LIMIT: Final = 1000
DEFAULT_HEADER_LIMIT: Final = 100_000
DEFAULT_SOURCES: Final = "smtp"


@dataclass(frozen=True, slots=True)
class SpfRules:
    """What the Sender Policy Framework is asked about, and which of its results are accepted (mta.md 2.9)."""

    helo: frozenset[str] = frozenset()
    """Accepted results for the name that the client gives itself; empty for not asking."""
    mail_from: frozenset[str] = frozenset()
    header_from: frozenset[str] = frozenset()
    hard: frozenset[str] = frozenset({"fail", "softfail"})
    """Results that are refused for good."""
    trusts_relays: bool = False
    is_quiet: bool = False
    """Whether refusals keep the domain's own explanation to themselves."""

    @classmethod
    def of(cls, said: Mapping[str, str]) -> Self | None:
        """Decode; None where nothing is asked."""
        helo, sender, author = map(_results, (said.get(f"BOFHSPF{name}", "") for name in ("HELO", "MAILFROM", "FROM")))
        if not (helo or sender or author):
            return None
        return cls(
            helo,
            sender,
            author,
            _words(said["BOFHSPFHARDERROR"]) if "BOFHSPFHARDERROR" in said else cls().hard,
            bool(_number(said.get("BOFHSPFTRUSTME", ""))),
            bool(_number(said.get("BOFHSPFNOVERBOSE", ""))),
        )


@dataclass(frozen=True, slots=True)
class Conduct:
    """What a session grants, demands and does to mail. Names follow Courier's variables."""

    variables: Mapping[str, str]
    """All that is set, for those who pass it on."""
    relay: str | None = None
    """RELAYCLIENT: may send anywhere; its text is appended to every recipient."""
    fax: bool = False
    """FAXRELAYCLIENT: may send faxes."""
    auth_relay: str = ""
    """What RELAYCLIENT becomes once the client has authenticated."""
    block: str | None = None
    """Refuses every recipient with this text unless empty; empty also stops further DNS lists."""
    size_limit: int | None = None
    """Bytes over the control file's; 0 for any size."""
    checks_dns: bool = False
    checks_helo: int = 0
    """0 not, 1 for good, 2 for now."""
    spf: SpfRules | None = None
    no_expn: bool = False
    no_vrfy: bool = False
    header_limit: int = DEFAULT_HEADER_LIMIT
    suppresses: frozenset[str] = frozenset()
    """Sources whose failures are remembered."""
    tarpit: bool = False
    adds_date: bool = True
    adds_id: bool = True
    recoding: Recoding = ""
    """MIME: which bytes texts are to be written in; empty for leaving them alone."""
    no_rewriting: int = 0
    """0 rewrites addresses in headers, 1 does not, above 1 not below a DKIM signature."""
    needs_tls: bool = False
    needs_auth: bool = False
    logs_dialogue: bool = False
    is_allow_exclusive: bool = False
    notify: Notify = Notify.UNSAID
    returns: Return = ""
    envelope_id: str = ""
    max_per_address: int | None = None
    program: str = "courieresmtpd"
    """Name in log lines."""
    mechanisms: tuple[str, ...] = ()
    mechanisms_under_tls: tuple[str, ...] = ()

    @classmethod
    def of(cls, variables: Mapping[str, str], bofh: Bofh) -> Self:
        """Decode; numbers are read as C's atoi does, so words count as 0."""
        said = {**bofh.options, **variables}
        in_clear = tuple(said.get("ESMTPAUTH", "").split())
        return cls(
            variables=said,
            relay=said.get("RELAYCLIENT"),
            fax="FAXRELAYCLIENT" in said,
            auth_relay=said.get("AUTHRELAYCLIENT", ""),
            block=said.get("BLOCK"),
            size_limit=_number(said["SIZELIMIT"]) if said.get("SIZELIMIT") else None,
            checks_dns=bool(_number(said.get("BOFHCHECKDNS", ""))),
            checks_helo=_number(said.get("BOFHCHECKHELO", "")),
            spf=SpfRules.of(said),
            no_expn=bool(_number(variables.get("BOFHNOEXPN", ""))),
            no_vrfy=bool(_number(variables.get("BOFHNOVRFY", ""))),
            header_limit=_header_limit(said.get("BOFHHEADERLIMIT")),
            suppresses=_sources(said.get("BOFHSUPPRESSBACKSCATTER", DEFAULT_SOURCES)),
            tarpit=bool(_number(variables.get("TARPIT", ""))),
            adds_date=not _number(said.get("NOADDDATE", "")),
            adds_id=not _number(said.get("NOADDMSGID", "")),
            recoding=_RECODINGS.get(said.get("MIME", ""), ""),
            no_rewriting=_number(said.get("NOADDRREWRITE", "")),
            needs_tls=bool(_number(variables.get("ESMTP_TLS_REQUIRED", ""))),
            needs_auth=bool(_number(variables.get("AUTH_REQUIRED", ""))),
            logs_dialogue=bool(_number(variables.get("ESMTP_LOG_DIALOG", ""))),
            is_allow_exclusive=bool(_number(said.get("ALLOW_EXCLUSIVE", ""))),
            notify=Notify.of_letters("".join(word[0] for word in _WORDS.split(said.get("DSNNOTIFY", "")) if word)),
            returns=return_word(said.get("DSNRET", "")),
            envelope_id=said.get("DSNENVID", ""),
            max_per_address=_number(said["MAXCPERIP"]) if said.get("MAXCPERIP") else None,
            program=said.get("SYSLOGNAME") or "courieresmtpd",
            mechanisms=in_clear,
            mechanisms_under_tls=tuple(said.get("ESMTPAUTH_TLS", "").split()) or in_clear,
        )


def return_word(text: str) -> Return:
    """How much of a message a failure notice brings back: the first letter decides."""
    return _RETURNS.get(text[:1].upper(), "")


def _number(text: str) -> int:
    found = _NUMBER.match(text)
    return int(found[1]) if found else 0


def _header_limit(text: str | None) -> int:
    return DEFAULT_HEADER_LIMIT if text is None else max(_number(text), LEAST_HEADER_LIMIT)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORDS.split(text)) - {""}


def _results(text: str) -> frozenset[str]:
    words = _words(text.lower())
    return frozenset() if "off" in words else words


def _sources(text: str) -> frozenset[str]:
    return _words(text) - {"none"}
