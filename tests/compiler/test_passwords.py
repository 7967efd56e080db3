"""Stored passwords: what crypt(3) and Courier's own tools make of them, and what may be seen from a hash."""

from __future__ import annotations

import hmac
import subprocess
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courier_compiler.parts.passwords import hash_password, is_hash, sha512_crypt
from courier_schema.legacy.formats.cram import _FUNCTIONS, cram_secret, cram_secrets

CRYPT_VECTORS = [
    # the password of the specification of SHA-crypt, with the number of rounds that crypt uses by itself
    (
        b"Hello world!",
        "saltstring",
        "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
]

# the values that userdbpw prints for the password "secret"
HMAC_OF_SECRET = {
    "md5": "cd3ba7deaad6e5ca23448ba42e379747a9e0f7f1fbc00c8a81bbaac395731b56",
    "sha1": "091e0f4c6cb5277ee2beb639a60d0831b5c8adcdaee172433df3e96ba4f00fb1b6a490c3929d2034",
    "sha256": (
        "5a84072aab37d22275b139adf7a92564c7f674be98e77d991f6f689d29e05245"
        "72804f31b042016804d3dea2f4e991a21b1c8906be161594b202fb74afc8ceb3"
    ),
}


@pytest.mark.parametrize(("password", "salt", "expected"), CRYPT_VECTORS)
def test_hash_is_that_of_crypt(password: bytes, salt: str, expected: str) -> None:
    assert sha512_crypt(password, salt) == f"$6${salt}${expected}"


@pytest.mark.parametrize("password", ["x", "secret", "with blanks in it", "größer als neun", "long " * 40])
def test_openssl_makes_the_same_hash(password: str) -> None:
    command = ["openssl", "passwd", "-6", "-salt", "ab./Z9", "-stdin"]
    done = subprocess.run(command, input=password.encode(), capture_output=True, check=True)
    assert sha512_crypt(password.encode(), "ab./Z9") == done.stdout.decode().strip()


def test_the_same_account_and_password_have_the_same_hash() -> None:
    assert hash_password("secret", "anna@example.org") == hash_password("secret", "anna@example.org")


def test_equal_passwords_of_two_accounts_cannot_be_told_from_their_hashes() -> None:
    assert hash_password("secret", "anna@example.org")[:20] != hash_password("secret", "ben@example.org")[:20]


def test_salt_says_nothing_about_the_password() -> None:
    one, other = (hash_password(password, "anna@example.org") for password in ("secret", "guess"))
    assert one.split("$")[2] == other.split("$")[2]
    assert one != other


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$6$salt$hash", True),
        ("$1$salt$hash", True),
        ("{SSHA}uJDd0BIdJ9Z7yDCZNWdgYeb33+cBAgME", True),
        ("secret", False),
        ("$ecret", False),
        ("{not a hash}", False),
        ("", False),
    ],
)
def test_hash_is_told_from_password_by_its_scheme(text: str, expected: bool) -> None:
    assert is_hash(text) is expected


@pytest.mark.parametrize("function", HMAC_OF_SECRET)
def test_cram_secret_is_what_userdbpw_prints(function: str) -> None:
    assert cram_secret(function, "secret") == HMAC_OF_SECRET[function]


def test_all_functions_of_courier_have_a_secret() -> None:
    assert cram_secrets("secret") == HMAC_OF_SECRET


def test_secret_of_an_unknown_function_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        cram_secret("sha3", "secret")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=100), st.binary(max_size=40))
def test_answers_to_challenges_follow_from_the_secret(password: str, challenge: bytes) -> None:
    """The states in the secret continue to the same digest that HMAC gives for the password."""
    for function, name in (("md5", "md5"), ("sha1", "sha1"), ("sha256", "sha256")):
        outer, inner = _states(function, cram_secret(function, password))
        inside = _continued(function, inner, challenge)
        assert _continued(function, outer, inside) == hmac.new(password.encode(), challenge, name).digest()


def _byte_order(function: str) -> Literal["little", "big"]:
    return "little" if _FUNCTIONS[function][2] == "<" else "big"


def _states(function: str, secret: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    order = _byte_order(function)
    words = [int.from_bytes(bytes.fromhex(secret)[at : at + 4], order) for at in range(0, len(secret) // 2, 4)]
    half = len(words) // 2
    return tuple(words[:half]), tuple(words[half:])


def _continued(function: str, state: tuple[int, ...], text: bytes) -> bytes:
    """The digest of one padded block and `text`, from the state after that block."""
    compress, order = _FUNCTIONS[function][0], _byte_order(function)
    bits = 8 * (64 + len(text))
    padded = text + b"\x80" + bytes(-(len(text) + 9) % 64) + bits.to_bytes(8, order)
    for at in range(0, len(padded), 64):
        state = compress(state, padded[at : at + 64])
    return b"".join(word.to_bytes(4, order) for word in state)
