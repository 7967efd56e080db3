"""Where a listener listens follows from ADDRESS and PORT as Courier reads them."""

from __future__ import annotations

import pytest

from courier_runtime.smtp.sockets import mapped, places
from courier_schema.legacy.tables.esmtpd import Esmtpd
from courier_schema.legacy.tables.esmtpd_ssl import EsmtpdSsl


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        (Esmtpd(port=("smtp",)), (("0", 25),)),
        (Esmtpd(port=("2525", "127.0.0.1.26")), (("0", 2525), ("127.0.0.1", 26))),
        (Esmtpd(address="192.0.2.1", port=("25", "127.0.0.1.26")), (("192.0.2.1", 25), ("127.0.0.1", 26))),
        (Esmtpd(address="::1", port=("25",)), (("::1", 25),)),
        (EsmtpdSsl(ssladdress="192.0.2.1", sslport=("465",)), (("192.0.2.1", 465),)),
    ],
)
def test_a_port_may_bring_its_address(settings: Esmtpd, found: tuple[tuple[str, int], ...]) -> None:
    assert places(settings) == found


@pytest.mark.parametrize(
    ("address", "text"),
    [("192.0.2.1", "::ffff:192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1")],
)
def test_addresses_are_spoken_of_in_the_form_of_ipv6(address: str, text: str) -> None:
    assert mapped(address) == text
