"""Passwords as Courier's account library stores them: SHA-512-crypt, the same text for the same account every time.

Of the forms that the library knows, this is the strongest that every build of it checks, through the system's crypt.
The salt comes from the account's name alone. It must not depend on the password: a salt made of it by a fast
function would let whoever has the hash try passwords at that function's speed.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

_ALPHABET: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ROUNDS: Final = 5000
"""What crypt does when the hash does not name a number."""
_SALT_LENGTH: Final = 16
_SALT_LABEL: Final = b"courier-compile password salt\0"
_TRIPLES: Final = tuple((i % 3 * 21 + i, (i + 1) % 3 * 21 + i, (i + 2) % 3 * 21 + i) for i in range(21))
"""Bytes of the digest in the order in which groups of four letters take them; the last byte stands alone."""
_HASH: Final = re.compile(r"(?:\{[A-Za-z0-9]+\}|\$[0-9a-z]+\$)[^\s|:\x00]+")


def is_hash(text: str) -> bool:
    """Whether a text is a password hash with its scheme (`$6$...`, `{SSHA}...`) and not a password."""
    return _HASH.fullmatch(text) is not None


def hash_password(password: str, account: str) -> str:
    """The stored form of an account's password. `account` is its full address, from which the salt comes."""
    digest = hashlib.sha256(_SALT_LABEL + account.encode()).digest()
    salt = "".join(_ALPHABET[byte & 63] for byte in digest[:_SALT_LENGTH])
    return sha512_crypt(password.encode(), salt)


def sha512_crypt(password: bytes, salt: str) -> str:
    """Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512", method 6, with 5000 rounds.

    `salt` has at most 16 letters of crypt's alphabet.
    """
    digest = _first_digest(password, salt.encode())
    secret = _stretched(hashlib.sha512(password * len(password)).digest(), len(password))
    seasoning = _stretched(hashlib.sha512(salt.encode() * (16 + digest[0])).digest(), len(salt))
    for number in range(_ROUNDS):
        odd = number % 2 == 1
        digest = hashlib.sha512(
            (secret if odd else digest)
            + (seasoning if number % 3 else b"")
            + (secret if number % 7 else b"")
            + (digest if odd else secret)
        ).digest()
    return f"$6${salt}${_encoded(digest)}"


def _first_digest(password: bytes, salt: bytes) -> bytes:
    inner = hashlib.sha512(password + salt + password).digest()
    text = password + salt + _stretched(inner, len(password))
    length = len(password)
    while length:
        text += inner if length & 1 else password
        length >>= 1
    return hashlib.sha512(text).digest()


def _stretched(digest: bytes, length: int) -> bytes:
    """A digest repeated and cut to a length."""
    return (digest * (length // len(digest) + 1))[:length]


def _encoded(digest: bytes) -> str:
    groups = [(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in _TRIPLES]
    return "".join(_letters(*group) for group in (*groups, (digest[63], 2)))


def _letters(value: int, count: int) -> str:
    return "".join(_ALPHABET[value >> 6 * place & 63] for place in range(count))
