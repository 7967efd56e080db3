"""Mail addresses as Courier's own parser reads, prints, completes and checks them, in bytes.

Any bytes can be read and printed; only `Rewriter.rewrite` refuses, with the reason. This is not the grammar of
RFC 5322: where the two differ, what `aliasexp` of Courier 1.0 does is the rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal

from courier_schema.legacy.formats.domains import Locality, lower, normal_form

Module = Literal["local", "esmtp", "uucp", "fax", "dsn"]
"""The transport whose habits complete an address: `esmtp` and `fax` add no domain, `uucp` turns paths round."""


class Kind(Enum):
    """What a token is: a word, a quoted string, a comment, or one of the special characters."""

    WORD = "word"
    QUOTED = "quoted"
    COMMENT = "comment"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an address; `text` has no quotes or parentheses, and no unescaping was done."""

    kind: Kind
    text: bytes
    at: int = field(default=0, compare=False)
    """Offset in the text that was read."""

    @property
    def is_word(self) -> bool:
        return self.kind is Kind.WORD or self.kind is Kind.QUOTED


Tokens = Sequence[Token]


class AddressError(ValueError):
    """An address that Courier refuses with `553 Syntax error`; `address` is its completed form."""

    def __init__(self, address: bytes, reason: str) -> None:
        super().__init__(reason)
        self.address = address
        self.reason = reason


_LEXEME: Final = re.compile(
    rb"""
      (?P<blank>[\x20\t\n\v\f\r]+)
    | (?P<null><>)
    | (?P<encoded>=\?[^\x20\t\n\v\f\r<>@,;:.\[\]()"\\]*?\?=)
    | (?P<bracket>[<>])
    | (?P<special>[@,;:.\[\]%!=?/])
    | "(?P<quoted>(?:[^"\\]|\\.)*\\?)(?:"|\Z)
    | (?P<comment>\()
    | (?P<dropped>[\\)])
    | (?P<word>[^\x20\t\n\v\f\r<>@,;:.\[\]%!=?/()"\\]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_PART: Final = re.compile(rb"\\.|[()]", re.DOTALL)

_AT: Final = Token(Kind.SPECIAL, b"@")
_BANG: Final = Token(Kind.SPECIAL, b"!")
_OPEN: Final = Token(Kind.SPECIAL, b"<")
_CLOSE: Final = Token(Kind.SPECIAL, b">")
_COLON: Final = Token(Kind.SPECIAL, b":")
_NULL: Final = Token(Kind.WORD, b"")
_WORD: Final = Token(Kind.WORD, b"x")
_FORBIDDEN: Final = frozenset(b"<>;()"[at : at + 1] for at in range(5))
_JOINTS: Final = frozenset({b"@", b":", b"."})
_UNPRINTABLE: Final = re.compile(rb"[\x00-\x20]")
_ESCAPABLE: Final = re.compile(rb'(\\.)|["\\]', re.DOTALL)


def tokenise(text: bytes) -> list[Token]:
    """The tokens of a text, which ends at a NUL byte; white space and stray `\\`, `)`, `>` are dropped."""
    text = text.partition(b"\0")[0]
    tokens: list[Token] = []
    at, in_brackets = 0, False
    while (lexeme := _LEXEME.match(text, at)) is not None:
        start, at = at, lexeme.end()
        match lexeme.lastgroup:
            case "encoded" | "word":
                tokens.append(Token(Kind.WORD, lexeme[0], start))
            case "quoted":
                tokens.append(Token(Kind.QUOTED, lexeme["quoted"], start))
            case "comment":
                token, at = _comment(text, start)
                tokens.append(token)
            case "special":
                tokens.append(Token(Kind.SPECIAL, lexeme[0], start))
            case "null" if not in_brackets:
                tokens += (Token(Kind.SPECIAL, b"<", start), Token(Kind.WORD, b"", start))
                tokens.append(Token(Kind.SPECIAL, b">", start + 1))
            case "bracket" | "null":
                closes = lexeme[0] != b"<"
                if closes is in_brackets:
                    in_brackets = not closes
                    tokens.append(Token(Kind.SPECIAL, lexeme[0][-1:], start))
            case _:
                pass  # white space, and marks that stand for nothing
    return tokens


def _comment(text: bytes, start: int) -> tuple[Token, int]:
    """The comment that opens at `start`; one that never closes is a quoted string to the end."""
    depth = 0
    for part in _COMMENT_PART.finditer(text, start):
        depth += {b"(": 1, b")": -1}.get(part[0], 0)
        if depth == 0:
            return Token(Kind.COMMENT, text[start + 1 : part.start()], start), part.end()
    return Token(Kind.QUOTED, text[start:], start), len(text)


def split_list(tokens: Tokens) -> Iterator[list[Token]]:
    """The addresses of a list: display names, group names and comments fall away."""
    at = 0
    while at < len(tokens):
        if _is_separator(tokens[at]):
            at += 1
            continue
        address, at = _next_address(tokens, at)
        if address:
            yield address


def _next_address(tokens: Tokens, at: int) -> tuple[list[Token], int]:
    words = at
    while words < len(tokens) and tokens[words].is_word:
        words += 1
    if words < len(tokens) and tokens[words] == _COLON:
        return [], words + 1
    end = next((end for end in range(at, len(tokens)) if _is_separator(tokens[end])), len(tokens))
    if _OPEN in tokens[at:end]:
        opened = tokens.index(_OPEN, at) + 1
        closed = tokens.index(_CLOSE, opened) if _CLOSE in tokens[opened:] else len(tokens)
        return list(tokens[opened:closed]), closed + 1
    return _bare_address(tokens, at, end)


def _bare_address(tokens: Tokens, at: int, end: int) -> tuple[list[Token], int]:
    address: list[Token] = []
    while at < end and not (address and address[-1].is_word and tokens[at].is_word):
        if tokens[at].kind is not Kind.COMMENT:
            address.append(tokens[at])
        at += 1
    return address, at


def _is_separator(token: Token) -> bool:
    return token.kind is Kind.SPECIAL and token.text in (b",", b";")


def render(tokens: Tokens) -> bytes:
    """Print an address: no white space but one blank between two words, quoted strings in their quotes."""
    printed: list[bytes] = []
    after_word = False
    for token in tokens:
        if after_word and token.kind is not Kind.SPECIAL:
            printed.append(b" ")
        printed.append(_print(token))
        after_word = token.kind is not Kind.SPECIAL
    return b"".join(printed)


def _print(token: Token) -> bytes:
    match token.kind:
        case Kind.QUOTED:
            return b'"%b"' % _ESCAPABLE.sub(lambda found: found[1] or b"\\" + found[0], token.text)
        case Kind.COMMENT:
            return b"(%b)" % token.text
        case Kind.WORD | Kind.SPECIAL:
            return token.text


def fault(tokens: Tokens) -> str | None:
    """Why Courier refuses an address; None if it does not. A leading `@` is allowed."""
    body = tokens[1:] if tokens[:1] == [_AT] else tokens
    after_joint = True
    for token in body:
        if token.kind is Kind.SPECIAL:
            if token.text in _FORBIDDEN:
                return f"it contains {token.text.decode()}"
            if token.text in _JOINTS:
                if after_joint:
                    return f"nothing stands before {token.text.decode()}"
                after_joint = True
                continue
        elif token.kind is Kind.COMMENT:
            return "it contains a comment"
        elif _UNPRINTABLE.search(token.text):
            return "it contains a blank or a control character"
        after_joint = False
    return f"nothing stands behind {body[-1].text.decode()}" if body and after_joint else None


_DOT_ATOM: Final = rb"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
_PLAIN: Final = rb"%b(?:@%b)?" % (_DOT_ATOM, _DOT_ATOM)
_PLAIN_LIST: Final = re.compile(rb"%b(?:[ \t]*,[ \t]*%b)*" % (_PLAIN, _PLAIN))


@dataclass(slots=True)
class Rewriter:
    """Completes and normalises addresses for one server and transport. Remembers the domains it has met."""

    locality: Locality
    module: Module = "local"
    default_domain: bytes = field(init=False)
    """As typed."""
    _tail: list[Token] = field(init=False, repr=False)
    """What completes an address without a domain: the default domain is one word, whatever is in it."""
    _plain_tail: bytes | None = field(init=False, repr=False)
    """The same, printed; None where it makes every address that it completes invalid."""
    _domains: dict[bytes, tuple[bytes, bool]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.default_domain = self.locality.default_domain.encode(errors="surrogateescape")
        bare = self.module in ("esmtp", "fax")
        self._tail = [] if bare else [_AT, Token(Kind.WORD, self.default_domain)]
        self._plain_tail = render(self._tail) if fault([_WORD, *self._tail]) is None else None

    def plain_list(self, text: bytes) -> list[bytes] | None:
        """The normalised addresses of a list that holds nothing but plain ones; None for any other list."""
        if self._plain_tail is None or not _PLAIN_LIST.fullmatch(text):
            return None
        addresses = [address.strip(b" \t") for address in text.split(b",")]
        return [self.fold(plain if b"@" in plain else plain + self._plain_tail) for plain in addresses]

    @property
    def plain_suffix(self) -> bytes | None:
        """What a plain name without a domain ends with once normalised; None where that must be looked at."""
        return None if self._plain_tail is None else self.fold(b"x" + self._plain_tail)[1:]

    def blames_default_domain(self, tokens: Tokens) -> bool:
        """Whether an address would be acceptable if the default domain, which completes it, were."""
        is_completed = bool(self._tail) and _AT not in tokens and _BANG not in tokens
        return is_completed and fault([_WORD, *self._tail]) is not None and fault(tokens) is None

    def rewrite(self, tokens: Tokens) -> bytes:
        """The form in which Courier stores an address.

        Raises AddressError where Courier answers `553 Syntax error`.
        """
        if not tokens or list(tokens) == [_NULL]:
            return b""
        completed = self._complete(list(tokens))
        reason = fault(completed)
        if reason is not None:
            raise AddressError(render(completed), reason)
        return self.fold(render(completed))

    def _complete(self, tokens: list[Token]) -> list[Token]:
        if _AT in tokens:
            return tokens
        if _BANG not in tokens:
            return tokens + self._tail
        if self.module != "uucp":
            return tokens
        bang = tokens.index(_BANG)
        return [*tokens[bang + 1 :], _AT, *tokens[:bang]]

    def fold(self, address: bytes) -> bytes:
        """Normalise the domain, and the case of the local part where it has no meaning."""
        local_part, at, domain = address.rpartition(b"@")
        if not at:
            return self._fold_local_part(address)
        normal, is_local = self.domain(domain)
        return (self._fold_local_part(local_part) if is_local else local_part) + b"@" + normal

    def domain(self, domain: bytes) -> tuple[bytes, bool]:
        """The normal form of a domain and whether it is local."""
        known = self._domains.get(domain)
        if known is None:
            is_local = domain.decode(errors="surrogateescape") in self.locality.locals
            known = self._domains[domain] = (normal_form(domain), is_local)
        return known

    def _fold_local_part(self, local_part: bytes) -> bytes:
        if self.locality.lowercase:
            return lower(local_part)
        return b"postmaster" if local_part.lower() == b"postmaster" else local_part
