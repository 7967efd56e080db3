"""CRAM secrets as userdb stores them: the two states of HMAC (RFC 2104) after the padded key was hashed, in hex.

From the states every answer to a challenge can be checked, so the password itself is not stored. The outer state
comes first. Hash functions of the standard library keep their states to themselves, hence the three compression
functions here: RFC 1321 (MD5), RFC 6234 (SHA-1, SHA-256).
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Sequence
from typing import Final

_BLOCK: Final = 64
_WORD: Final = 0xFFFFFFFF
_INNER, _OUTER = 0x36, 0x5C

State = tuple[int, ...]


def cram_secrets(password: str) -> dict[str, str]:
    """Name of the hash function to the secret of a password, for all functions that Courier offers."""
    return {name: cram_secret(name, password) for name in _FUNCTIONS}


def cram_secret(function: str, password: str) -> str:
    """The secret for one hash function: md5, sha1 or sha256. KeyError for another name."""
    compress, start, order = _FUNCTIONS[function]
    key = password.encode()
    if len(key) > _BLOCK:
        key = hashlib.new(function, key).digest()
    states = (compress(start, bytes(byte ^ pad for byte in key.ljust(_BLOCK, b"\0"))) for pad in (_OUTER, _INNER))
    return b"".join(struct.pack(f"{order}{len(state)}I", *state) for state in states).hex()


def cram_answer(function: str, secret: str, challenge: bytes) -> str:
    """The hexadecimal digest that whoever knows the password answers a challenge with (RFC 2195).

    Raises ValueError for a secret that is none, KeyError for the name of another function.
    """
    _, start, order = _FUNCTIONS[function]
    form = f"{order}{2 * len(start)}I"
    raw = bytes.fromhex(secret)
    if len(raw) != struct.calcsize(form):
        raise ValueError(f"a secret for {function} has {struct.calcsize(form)} bytes, not {len(raw)}")
    states = struct.unpack(form, raw)
    outer, inner = states[: len(start)], states[len(start) :]
    return _finished(function, outer, _finished(function, inner, challenge)).hex()


def _finished(function: str, state: State, message: bytes) -> bytes:
    """The digest of a message that follows one block whose state is known."""
    compress, _, order = _FUNCTIONS[function]
    bits = struct.pack(f"{order}Q", 8 * (_BLOCK + len(message)))
    padded = message + b"\x80" + bytes(-(len(message) + 9) % _BLOCK) + bits
    for at in range(0, len(padded), _BLOCK):
        state = compress(state, padded[at : at + _BLOCK])
    return struct.pack(f"{order}{len(state)}I", *state)


def _rotated(word: int, bits: int) -> int:
    word &= _WORD
    return (word << bits | word >> 32 - bits) & _WORD


def _sum(one: Sequence[int], other: Sequence[int]) -> State:
    return tuple(x + y & _WORD for x, y in zip(one, other, strict=True))


_MD5_START: Final = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_MD5_SINES: Final = tuple(int(abs(math.sin(step + 1)) * 2**32) & _WORD for step in range(64))
_MD5_SHIFTS: Final = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))


def _md5(state: State, block: bytes) -> State:
    words = struct.unpack("<16I", block)
    a, b, c, d = state
    for step in range(64):
        match step // 16:
            case 0:
                mixed, word = b & c | ~b & d, step
            case 1:
                mixed, word = d & b | ~d & c, (5 * step + 1) % 16
            case 2:
                mixed, word = b ^ c ^ d, (3 * step + 5) % 16
            case _:
                mixed, word = c ^ (b | ~d & _WORD), 7 * step % 16
        turned = _rotated(a + mixed + _MD5_SINES[step] + words[word], _MD5_SHIFTS[step // 16][step % 4])
        a, b, c, d = d, b + turned & _WORD, b, c
    return _sum(state, (a, b, c, d))


_SHA1_START: Final = (*_MD5_START, 0xC3D2E1F0)
_SHA1_ROUNDS: Final = (0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6)


def _sha1(state: State, block: bytes) -> State:
    words = list(struct.unpack(">16I", block))
    for step in range(16, 80):
        words.append(_rotated(words[step - 3] ^ words[step - 8] ^ words[step - 14] ^ words[step - 16], 1))
    a, b, c, d, e = state
    for step, word in enumerate(words):
        match step // 20:
            case 0:
                mixed = b & c | ~b & d
            case 2:
                mixed = b & c | b & d | c & d
            case _:
                mixed = b ^ c ^ d
        a, b, c, d, e = _rotated(a, 5) + mixed + e + _SHA1_ROUNDS[step // 20] + word & _WORD, a, _rotated(b, 30), c, d
    return _sum(state, (a, b, c, d, e))


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def _root_fraction(number: int, root: int) -> int:
    """The first 32 bits behind the point of a square or cube root, exactly."""
    low, high = 0, number << 32
    shifted = number << 32 * root
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**root <= shifted else (low, middle - 1)
    return low & _WORD


_SHA256_START: Final = tuple(_root_fraction(prime, 2) for prime in _primes(8))
_SHA256_ROUNDS: Final = tuple(_root_fraction(prime, 3) for prime in _primes(64))


def _turned(word: int, *bits: int) -> int:
    mixed = 0
    for count in bits:
        mixed ^= _rotated(word, 32 - count)
    return mixed


def _sha256(state: State, block: bytes) -> State:
    words = list(struct.unpack(">16I", block))
    for step in range(16, 64):
        early, late = words[step - 15], words[step - 2]
        small = _turned(early, 7, 18) ^ early >> 3
        large = _turned(late, 17, 19) ^ late >> 10
        words.append(words[step - 16] + small + words[step - 7] + large & _WORD)
    a, b, c, d, e, f, g, h = state
    for word, constant in zip(words, _SHA256_ROUNDS, strict=True):
        first = h + _turned(e, 6, 11, 25) + (e & f ^ ~e & g) + constant + word
        second = _turned(a, 2, 13, 22) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = first + second & _WORD, a, b, c, d + first & _WORD, e, f, g
    return _sum(state, (a, b, c, d, e, f, g, h))


_FUNCTIONS: Final[dict[str, tuple[Callable[[State, bytes], State], State, str]]] = {
    "md5": (_md5, _MD5_START, "<"),
    "sha1": (_sha1, _SHA1_START, ">"),
    "sha256": (_sha256, _SHA256_START, ">"),
}
