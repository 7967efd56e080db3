"""Passwords are recognised in every form in which Courier stores them, and in no other."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.auth import challenge
from courier_runtime.auth.chain import Chain
from courier_runtime.auth.passwords import is_right
from courier_runtime.auth.userdb import Userdb
from courier_runtime.seams import Login, Rejected
from courier_schema.legacy.formats.cram import cram_answer, cram_secrets
from runtime.trees import account, snapshot_of

STORED = [
    "{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
    "{md5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
    "{MD5RAW}5ebe2294ecd0e0f08eab7690d2a6ee69",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{SSHA}uJDd0BIdJ9Z7yDCZNWdgYeb33+cBAgME",
    "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    "{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg==",
    "$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
    "{CRYPT}$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
]


@pytest.mark.parametrize("stored", STORED)
def test_the_right_password_fits_every_form_and_a_wrong_one_none(stored: str) -> None:
    assert is_right(b"secret", stored)
    assert not is_right(b"Secret", stored)
    assert not is_right(b"", stored)


@pytest.mark.parametrize("stored", ["", "{SSHA}", "{SSHA}!!", "{SHA}", "*", "!", "{UNKNOWN}x", "$9$x$y", "secret"])
def test_a_form_that_is_none_fits_no_password(stored: str) -> None:
    assert not is_right(b"secret", stored)
    assert not is_right(b"", stored)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=90), st.binary(max_size=200))
def test_an_answer_from_the_stored_states_is_the_hmac_of_the_password(password: str, text: bytes) -> None:
    for function, secret in cram_secrets(password).items():
        expected = hmac.new(password.encode(), text, getattr(hashlib, function)).hexdigest()
        assert cram_answer(function, secret, text) == expected


def test_a_cram_answer_is_checked_against_the_secret_of_its_own_hash() -> None:
    text = b"<1234@mx.example.com>"
    secrets = {name: secret.encode() for name, secret in cram_secrets("secret").items()}
    for function, other in itertools.product(secrets, secrets):
        answer = hmac.new(b"secret", text, getattr(hashlib, function)).hexdigest().encode()
        assert challenge.is_right(other, secrets[other], text, answer) == (function == other)
    assert not challenge.is_right("md5", None, text, b"")
    assert not challenge.is_right("md5", b"nonsense", text, b"")


def test_a_login_proves_an_account_of_its_service(tmp_path: Path) -> None:
    snapshot = snapshot_of(
        tmp_path,
        tables={
            "userdb.dat": {"anna": account("/home/anna", gecos="Anna Berg,Room 1", quota="1000S", mail="mail")},
            "userdbshadow.dat": {"anna": f"systempw={STORED[3]}|imappw={STORED[0]}"},
        },
    )
    accounts = Chain({"authuserdb": Userdb()})

    async def verify(password: bytes, service: str = "esmtp") -> str:
        return (await accounts.verify(Login("anna", password), service, snapshot)).full_name

    assert asyncio.run(verify(b"secret")) == "Anna Berg"
    with pytest.raises(Rejected):
        asyncio.run(verify(b"wrong"))
    with pytest.raises(Rejected):
        asyncio.run(accounts.verify(Login("nobody", b"secret"), "esmtp", snapshot))
    found = asyncio.run(accounts.find("anna", "courier", snapshot))
    assert found is not None
    assert (found.uid, found.home, found.maildir, found.quota) == (5000, "/home/anna", "mail", "1000S")


def test_a_password_that_was_right_is_wrong_again_once_it_was_changed(tmp_path: Path) -> None:
    accounts = Userdb()
    tables = {"userdb.dat": {"anna": account("/home/anna")}}
    old = snapshot_of(tmp_path / "old", tables={**tables, "userdbshadow.dat": {"anna": f"systempw={STORED[0]}"}})
    changed = "{SHA}" + "qUqP5cyxm6YcTAhz05Hph5gvu9M="
    new = snapshot_of(tmp_path / "new", tables={**tables, "userdbshadow.dat": {"anna": f"systempw={changed}"}})
    login = Login("anna", b"secret")
    for _ in range(2):
        assert asyncio.run(accounts.verify(login, "esmtp", old)).name == "anna"
    with pytest.raises(Rejected):
        asyncio.run(accounts.verify(login, "esmtp", new))
    assert asyncio.run(accounts.verify(Login("anna", b"test"), "esmtp", new)).name == "anna"
