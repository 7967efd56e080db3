"""Certificates and keys, as far as the host can be seen."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from compiler.checking import ANNA, NOTHING_SEEN, NOW, Seen, found, places, told
from courier_compiler.host import FileFacts

SITE = f"{ANNA}tls: {{certificate: /etc/ssl/mx.pem}}\nlisteners: {{submission: {{}}, imaps: {{}}}}\n"
APART = f"{ANNA}tls: {{certificate: /etc/ssl/mx.pem, key: /etc/ssl/mx.key}}\nlisteners: {{submission: {{}}}}\n"
ELSEWHERE = ", if this machine's files are those of the mail host"
"""What is added unless the check was told that this is the mail host."""


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(
    *names: str, common: str = "", begins: datetime = NOW - timedelta(30), ends: datetime = NOW + timedelta(60)
) -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common or "Example")])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).serial_number(1)
    builder = builder.public_key(_key().public_key()).not_valid_before(begins).not_valid_after(ends)
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(_key(), hashes.SHA256()).public_bytes(Encoding.PEM)


@cache
def _key_text() -> bytes:
    return _key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _host(content: bytes | None, mode: int = 0o640, owner: int = 0) -> Seen:
    return Seen({"/etc/ssl/mx.pem": FileFacts(mode, owner, False, content)})


@pytest.mark.parametrize("names", [("mx.example.org",), ("*.example.org",), ("a.example", "MX.Example.ORG")])
def test_a_sound_certificate_is_passed_over(names: tuple[str, ...]) -> None:
    assert found(SITE, _host(_key_text() + _certificate(*names))) == []
    assert found(SITE, _host(_certificate(*names) + _key_text())) == []


def test_nothing_is_said_about_files_that_cannot_be_seen_or_read() -> None:
    assert found(SITE, NOTHING_SEEN) == []
    assert found(SITE, Seen()) == []
    assert found(SITE, _host(None)) == []


def test_a_missing_file_is_a_mistake_on_the_host_itself() -> None:
    assert places(SITE, "tls-file-missing", Seen(strict=True)) == ["tls.certificate"]


def test_the_key_may_have_a_file_of_its_own() -> None:
    files = {
        "/etc/ssl/mx.pem": FileFacts(0o644, 0, False, _certificate("mx.example.org")),
        "/etc/ssl/mx.key": FileFacts(0o640, 0, False, _key_text()),
    }
    assert found(APART, Seen(files)) == []


def test_the_place_of_a_wrong_key_is_the_key() -> None:
    files = {
        "/etc/ssl/mx.pem": FileFacts(0o644, 0, False, _certificate("mx.example.org")),
        "/etc/ssl/mx.key": FileFacts(0o644, 0, False, b"no key at all"),
    }
    assert places(APART, "certificate-without-key", Seen(files)) == ["tls.key"]


def test_the_common_name_counts_only_without_alternative_names() -> None:
    assert found(SITE, _host(_key_text() + _certificate(common="mx.example.org"))) == []
    with_names = _certificate("www.example.org", common="mx.example.org")
    assert found(SITE, _host(_key_text() + with_names)) == ["certificate-host-name"]


def test_an_asterisk_stands_for_one_label() -> None:
    assert found(SITE, _host(_key_text() + _certificate("*.org"))) == ["certificate-host-name"]


@pytest.mark.parametrize(
    ("ends", "name"),
    [
        (NOW - timedelta(seconds=1), ["certificate-expired"]),
        (NOW + timedelta(days=13), ["certificate-expires-soon"]),
        (NOW + timedelta(days=15), []),
    ],
)
def test_the_end_of_a_certificate_is_told_two_weeks_before(ends: datetime, name: list[str]) -> None:
    assert found(SITE, _host(_key_text() + _certificate("mx.example.org", ends=ends))) == name


def test_a_file_of_the_mail_user_may_be_closed_to_its_group() -> None:
    content = _key_text() + _certificate("mx.example.org")
    assert found(SITE, _host(content, 0o600, owner=114)) == []
    assert found(SITE, _host(content, 0o600)) == ["certificate-unreadable"]


def test_a_certificate_alone_may_be_read_by_everybody() -> None:
    assert "certificate-exposed" not in found(SITE, _host(_certificate("mx.example.org"), 0o644))
    assert "certificate-exposed" in found(SITE, _host(_certificate("mx.example.org") + _key_text(), 0o644))


def test_one_file_for_several_services_is_told_once() -> None:
    content = _key_text() + _certificate("www.example.org")
    assert told(SITE, "certificate-host-name", _host(content)) == [
        f"the certificate in /etc/ssl/mx.pem is for www.example.org, not for mx.example.org{ELSEWHERE}"
    ]


@pytest.mark.parametrize(
    "garbage", [b"", b"-----BEGIN CERTIFICATE-----\n", b"\x00\xff", b"-----BEGIN PRIVATE KEY-----\n" * 2]
)
def test_garbage_is_no_certificate(garbage: bytes) -> None:
    assert "certificate-malformed" in found(SITE, _host(garbage))


def test_a_damaged_key_is_told() -> None:
    damaged = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    assert told(SITE, "certificate-key", _host(_certificate("mx.example.org") + damaged)) == [
        f"the private key in /etc/ssl/mx.pem cannot be read{ELSEWHERE}"
    ]
