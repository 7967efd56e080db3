"""Value types of the site language: the words that a person writes, each refused with a remedy when misspelt.

No section of a site holds a bare string; whatever reaches a Courier file has passed one of these types, so
nothing that a legacy parser would misread (a stray blank, a line break, a comment sign) can be smuggled in.
"""

import re
from typing import Annotated, LiteralString

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

_ODD = r"\s\x00-,./:-@\[-^`{-\x7f"
_LABEL = rf"[^{_ODD}-](?:[^{_ODD}]*[^{_ODD}-])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_IP_ADDRESS = r"[0-9]+(?:\.[0-9]+){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*"
_HIDDEN = (
    r"\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
"""Characters that nobody sees (Unicode's control and format characters), as a part of a character class."""


def word(kind: LiteralString, pattern: str, noun: str, remedy: str) -> tuple[AfterValidator, WithJsonSchema]:
    """The metadata of a string type: its pattern for us and for editors, its refusal for people."""
    compiled: list[re.Pattern[str]] = []  # on first use: most commands need few of the patterns

    def check(value: str) -> str:
        if not compiled:
            compiled.append(re.compile(pattern))
        if compiled[0].fullmatch(value) is None:
            facts = {"value": repr(value), "noun": noun, "remedy": _hidden_remedy(value) or remedy}
            raise PydanticCustomError(kind, "{value} is not {noun}", facts)
        return value

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$"})


def _hidden_remedy(value: str) -> str:
    """What to do about characters that nobody sees; nothing where there are none."""
    found = dict.fromkeys(f"U+{ord(character):04X}" for character in re.findall(f"[{_HIDDEN}]", value))
    return f"remove {' and '.join(found)}, which cannot be seen" if found else ""


Domain = Annotated[str, *word("domain", _DOMAIN, "a domain name", "write a name such as example.org")]
"""A domain name; letters of every script are allowed."""

DomainPattern = Annotated[
    str,
    *word(
        "domain",
        rf"\.?{_DOMAIN}",
        "a domain name or wildcard",
        "write example.org, or .example.org for its sub-domains",
    ),
]
"""A domain name, or with a leading dot all of its sub-domains (but not the domain itself)."""

HostName = Annotated[str, *word("host-name", _DOMAIN, "a host name", "write a name such as mx.example.org")]

RouteDomain = Annotated[
    str,
    *word(
        "domain",
        rf"\*|\.?{_DOMAIN}",
        "a destination",
        "write a domain, .domain for its sub-domains, or '*' for all",
    ),
]

Relay = Annotated[
    str,
    *word(
        "relay",
        rf"{_DOMAIN}|\[[0-9a-fA-F.:]+\]",
        "a relay",
        "write a host name, or an address in brackets such as [192.0.2.1]",
    ),
]

LocalPart = Annotated[
    str,
    *word(
        "local-part",
        rf"[^\s@\x00-\x1f#:,;()<>\"|/\\{_HIDDEN}]+",
        "an account name",
        "write a name such as anna, without blanks or @",
    ),
]

_ALIAS = rf"[^\s@#:,;()<>{_HIDDEN}]+"
AliasName = Annotated[
    str,
    *word(
        "alias-name",
        rf"@{_ALIAS}|{_ALIAS}(?:@{_ALIAS})?|\"[^\"\s#:{_HIDDEN}]+\"(?:@{_ALIAS})?",
        "an alias",
        "write sales, sales@example.org, or @example.org for a whole domain",
    ),
]
"""The left side of an alias: a name, an address, or with a leading at sign a whole domain."""

Recipient = Annotated[
    str,
    *word(
        "recipient",
        rf"[^\s#,;:()<>|/\x00-\x1f{_HIDDEN}][^\s#,;:()<>\x00-\x1f{_HIDDEN}]*",
        "a recipient",
        "write a name, an address or a UUCP path; programs and mailboxes have keys of their own (program:, mailbox:)",
    ),
]

Address = Annotated[
    str,
    *word(
        "address",
        rf"[^\s@#,;:()<>|/\x00-\x1f{_HIDDEN}]+(?:@{_DOMAIN})?",
        "an address",
        "write a name or an address such as anna@example.org",
    ),
]

Path = Annotated[str, *word("path", r"/[^\x00\r\n]*", "an absolute path", "start it with a slash")]

RelativePath = Annotated[str, *word("path", r"[^\x00\r\n]+", "a path", "write one line without NUL")]

FileName = Annotated[
    str,
    *word(
        "file-name",
        r"[^/\x00\r\n\s~.][^/\x00\r\n\s]*(?<!~)",
        "a file name",
        "write one word, not starting with a dot",
    ),
]

Command = Annotated[
    str,
    *word(
        "command",
        r"[^\s#\x00][^\r\n\x00#]*",
        "a command",
        "write one line; Courier cuts it at a number sign, so put that into a script",
    ),
]

Line = Annotated[str, *word("line", r"[^\x00\r\n]*", "one line of text", "remove the line break")]

Lines = Annotated[
    str, *word("text", r"[^\x00]*", "text", "remove the NUL character"), WithJsonSchema({"type": "string"})
]

Banner = Annotated[Lines, AfterValidator(lambda text: text.rstrip("\n"))]
"""Text without the line breaks at its end, each of which would be one more, empty line of a reply."""

Word = Annotated[str, *word("word", r"[^\s\x00]+", "one word", "remove the blanks")]

Name = Annotated[
    str, *word("name", r"[A-Za-z_][A-Za-z0-9_]*", "a variable name", "write letters, digits and underscores")
]

Identifier = Annotated[
    str,
    *word(
        "identifier",
        r"[A-Za-z0-9][A-Za-z0-9_.-]*",
        "an identifier",
        "write letters, digits, dots, dashes and underscores",
    ),
]

SettingsFile = Annotated[
    str,
    *word(
        "settings-file",
        r"[a-z][a-z0-9.-]*",
        "a settings file",
        "write a file such as esmtpd, imapd-ssl or module.esmtp",
    ),
]

FileMode = Annotated[
    str, *word("file-mode", r"0?[0-7]{3,4}", "a file mode", 'write octal digits in quotes, such as "0640"')
]

Endpoint = Annotated[
    str,
    *word(
        "endpoint",
        r"(?:\*|[0-9]+(?:\.[0-9]+){3}|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}|[0-9]{1,5}",
        "an address with a port",
        "write '*:25', '192.0.2.1:25' or '[2001:db8::1]:25'",
    ),
]

IpAddress = Annotated[str, *word("ip-address", _IP_ADDRESS, "an IP address", "write 192.0.2.1 or 2001:db8::1")]

AddressOrDomain = Annotated[
    str,
    *word(
        "ip-address",
        rf"{_IP_ADDRESS}|{_DOMAIN}",
        "an IP address or a domain name",
        "write 192.0.2.1, 2001:db8::1 or a name such as example.org",
    ),
]

Network = Annotated[
    str,
    *word(
        "network",
        r"\*|[0-9a-fA-F.:]+(?:[/-][0-9a-fA-F.:]+)?",
        "a network",
        "write an address, 192.0.2.0/24, 192.0.2.1-192.0.2.9, 2001:db8::/32, or '*' for everybody else",
    ),
]

Duration = Annotated[
    str,
    *word(
        "duration",
        r"(?:[0-9]+[smhdwSMHDW])+|[0-9]+",
        "a duration",
        "write a number with s, m, h, d or w, such as 90s or 1w2d",
    ),
]

_MOST = (1 << 63) - 1
"""Bytes that the widest number of Courier's programs can count."""


_COUNTABLE = "|".join(
    rf"0*[0-9]{{1,{digits}}} ?{unit}"
    for unit, digits in (("B?", 19), ("[kK]i?B?", 16), ("Mi?B?", 13), ("Gi?B?", 10), ("Ti?B?", 7))
)
"""What an editor can see of that: the number of digits."""


def _countable(size: str) -> str:
    if octets(size) > _MOST:
        facts = {"value": repr(size), "remedy": f"write at most {_MOST >> 40}T"}
        raise PydanticCustomError("size", "{value} is more than can be counted", facts)
    return size


Size = Annotated[
    str,
    *word("size", r"[0-9]+ ?(?:[kKMGT]i?B?|B)?", "a size", "write bytes, or a number with K, M or G, such as 50M"),
    AfterValidator(_countable),
    WithJsonSchema({"type": "string", "pattern": f"^(?:{_COUNTABLE})$"}),
]

Bytes = Size | Annotated[int, Field(ge=0, le=_MOST)]
"""A size, as a number of bytes or with a unit."""

Hash = Annotated[
    str,
    *word(
        "password-hash",
        r"(?:\{[A-Za-z0-9]+\}|\$[0-9a-z]+\$)[^\s|:\x00]+",
        "a password hash",
        "write a hash such as $6$... or {SSHA}..., or give the password as a secret: {from_file: ...}",
    ),
]

SenderPattern = Annotated[
    str,
    *word(
        "sender-pattern",
        rf"[^\s@#]*@\.?{_DOMAIN}",
        "a sender pattern",
        "write user@example.org, @example.org, @.example.org or user@.example.org",
    ),
]

Url = Annotated[
    str, *word("url", r"[a-z]+://[^\s]*", "a URL", "write it with its scheme, such as ldaps://ldap.example.org")
]

UucpPath = Annotated[str, *word("uucp-path", r"[^\s!#]+(?:![^\s!#]+)*", "a UUCP path", "write hub or hub!leaf")]

Octets = Annotated[int, Field(ge=0, le=2**63 - 1)]
Port = Annotated[int, Field(ge=1, le=65535)]
Uid = Annotated[int, Field(ge=1, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Positive = Annotated[int, Field(ge=1, le=2**31 - 1)]


def octets(size: str | int) -> int:
    """Bytes in a Size; K, M, G and T are powers of 1024."""
    if isinstance(size, int):
        return size
    digits = re.match(r"[0-9]+", size)
    assert digits is not None
    unit = size[digits.end() :].strip()[:1].upper()
    return int(digits.group()) << 10 * "BKMGT".index(unit or "B")
