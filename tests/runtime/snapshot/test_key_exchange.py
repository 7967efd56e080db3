"""Clients of TLS 1.2 that know no named groups exchange keys over the parameters that TLS_DHPARAMS names."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from courier_runtime.snapshot.certificates import is_replaced
from courier_runtime.snapshot.load import Found, load_snapshot
from courier_runtime.snapshot.model import Ground, Snapshot
from runtime.trees import write_tree

TLS = "ESMTPDSTART=YES\nPORT=smtp\nCOURIERTLS=/usr/bin/couriertls\nTLS_CERTFILE=/keys/shown.pem\n"
NAMED = f"{TLS}TLS_DHPARAMS=/keys/dhparams.pem\n"
FFDHE2048 = """\
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A directory with an RSA certificate and its key."""
    directory = tmp_path / "keys"
    directory.mkdir()
    key, certificate = directory / "key", directory / "certificate"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mx.example.com",
         "-keyout", key, "-out", certificate],
        capture_output=True, check=True,
    )  # fmt: skip
    (directory / "shown.pem").write_text(certificate.read_text() + key.read_text())
    return directory


def loaded(directory: Path, settings: str) -> Snapshot:
    tree = write_tree(directory / "etc", {"esmtpd": settings})
    return load_snapshot(
        Found(tree, "/etc/courier", None), Ground(tree, directory / "state", directory), "mx.example.com"
    )


def agreed(snapshot: Snapshot) -> str:
    """The cipher that the listener and a client agree upon that knows no elliptic curves; empty for none."""
    context = snapshot.listeners["esmtpd"].tls
    assert context is not None
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    asking.maximum_version = ssl.TLSVersion.TLSv1_2
    asking.set_ciphers("DHE-RSA-AES256-GCM-SHA384")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, server = asking.wrap_bio(back, there), context.wrap_bio(there, back, server_side=True)
    for side in (client, server) * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            return ""
    cipher = client.cipher()
    return cipher[0] if cipher else ""


def test_keys_are_exchanged_over_the_parameters_that_are_named(tmp_path: Path, keys: Path) -> None:
    (keys / "dhparams.pem").write_text(FFDHE2048)
    snapshot = loaded(tmp_path, NAMED)
    assert snapshot.doubts == ()
    assert agreed(snapshot) == "DHE-RSA-AES256-GCM-SHA384"


def test_without_a_name_they_are_looked_for_in_the_file_of_the_certificate(tmp_path: Path, keys: Path) -> None:
    assert agreed(loaded(tmp_path, TLS)) == ""
    with (keys / "shown.pem").open("a") as file:
        file.write(FFDHE2048)
    assert agreed(loaded(tmp_path, TLS)) == "DHE-RSA-AES256-GCM-SHA384"


def test_a_file_that_was_never_made_is_no_trouble(tmp_path: Path, keys: Path) -> None:
    snapshot = loaded(tmp_path, NAMED)
    assert snapshot.doubts == ()
    assert agreed(snapshot) == ""


def test_a_file_that_holds_no_parameters_is_spoken_of_and_does_not_keep_others_from_tls(
    tmp_path: Path, keys: Path
) -> None:
    (keys / "dhparams.pem").write_text("nothing\n")
    snapshot = loaded(tmp_path, NAMED)
    [doubt] = snapshot.doubts
    assert "the Diffie-Hellman parameters in /keys/dhparams.pem cannot be used, so they are not offered" in doubt
    assert snapshot.listeners["esmtpd"].tls is not None


def test_new_parameters_are_noticed(tmp_path: Path, keys: Path) -> None:
    before = loaded(tmp_path, NAMED)
    assert not is_replaced(before.certificates)
    (keys / "dhparams.pem").write_text(FFDHE2048)
    assert is_replaced(before.certificates)
