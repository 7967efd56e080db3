"""Address headers are printed anew as the real server prints them; its answers are recorded here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.mail.address_lines import AS_IT_IS, Style, addresses, reprint

LOCAL = Style(b"example.org")


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (b" a@b.c\n", b" a@b.c\n"),
        (b"a@b.c\n", b" a@b.c\n"),
        (b" \t a@b.c  \n", b" a@b.c\n"),
        (b" a . b @ c . d\n", b" a.b@c.d\n"),
        (b" <a@b.c>\n", b" a@b.c\n"),
        (b' "A B" <a@b.c>\n', b' "A B" <a@b.c>\n'),
        (b" A\n\tB <a@b.c>\n", b" A B <a@b.c>\n"),
        (b" John Q. Public <a@b.c>\n", b' "John Q. Public" <a@b.c>\n'),
        (b' the "quoted part" and on <a@b.c>\n', b' "the \\"quoted part\\" and on" <a@b.c>\n'),
        (b' "a\\"b" <q@r.s>\n', b' "a\\"b" <q@r.s>\n'),
        (b" =?utf-8?q?J=C3=B6?= <a@b.c>\n", b" =?utf-8?q?J=C3=B6?= <a@b.c>\n"),
        (b" N\xe4me <a@b.c>\n", b" N\xe4me <a@b.c>\n"),
        (b" a@b.c (N\xe4me)\n", b" a@b.c (N\xe4me)\n"),
        (b" (comment) a@XN--BCHER-KVA.example\n", b" a@XN--BCHER-KVA.example (comment)\n"),
        (b" A B (c d) <a@b.c> (e)\n", b' A B "(c d)" <a@b.c>, (e)\n'),
        (b" (only comment)\n", b" (only comment)\n"),
        (b' "unclosed <a@b.c>\n', b' "unclosed <a@b.c>"\n'),
        (b" a@b.c,,b@c.d\n", b" a@b.c, b@c.d\n"),
        (b" a@b.c\n  , d@e.f\n", b" a@b.c, d@e.f\n"),
        (b" a b c\n", b" a, b, c\n"),
        (b" a<b@c.d\n", b" a <b@c.d>\n"),
        (b" A <a@b.c>, B <>\n", b" A <a@b.c>, B <>\n"),
        (b" <@a:b@c.d>\n", b" @a:b@c.d\n"),
        (b" undisclosed-recipients:;\n", b" undisclosed-recipients: ;\n"),
        (b' undisclosed:;, "Q" <q@b.c>\n', b' undisclosed: ; "Q" <q@b.c>\n'),
        (b" grp: a@b.c, d@e.f;, g@h.i\n", b" grp: a@b.c, d@e.f; g@h.i\n"),
        (b" a@b.c;d@e.f\n", b" a@b.c; d@e.f\n"),
        (b" a:b\n", b" a: b\n"),
        (b" ;;,,\n", b" ; ;\n"),
        (b"\n", b"\n"),
        (b" \n", b"\n"),
        (b" a@[1.2.3.4]\n", b" a@[1.2.3.4]\n"),
        (b" a/b=c@d.e\n", b" a/b=c@d.e\n"),
        (b" Old-Style!path\n", b" Old-Style!path\n"),
    ],
)
def test_a_value_is_printed_anew(value: bytes, printed: bytes) -> None:
    assert reprint(value, AS_IT_IS) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (b" bare\n", b" bare@example.org\n"),
        (b" Anna <anna>\n", b" Anna <anna@example.org>\n"),
        (b" x y z\n", b" x@example.org, y@example.org, z@example.org\n"),
        (b" a@b.c\n", b" a@b.c\n"),
        (b" path!user\n", b" path!user\n"),
        (b" grp:;\n", b" grp: ;\n"),
        (b" B <>\n", b" B <>\n"),
    ],
)
def test_bare_names_of_local_mail_get_the_default_domain(value: bytes, printed: bytes) -> None:
    assert reprint(value, LOCAL) == printed


@pytest.mark.parametrize(("size", "first_line"), [(1, 10), (2, 8), (3, 7), (4, 7), (8, 5), (12, 3)])
def test_lines_are_folded_where_the_real_server_folds_them(size: int, first_line: int) -> None:
    name = b"a" * size + b"@b.c"
    printed = reprint(b" " + b", ".join([name] * 30) + b"\n", AS_IT_IS)
    assert printed.split(b"\n")[0] == b" " + b", ".join([name] * first_line) + b","
    assert printed.split(b"\n")[1].startswith(b"      " + name)


def test_long_lists_with_groups_are_folded_as_they_were_seen() -> None:
    value = (
        b' info@example.org, "Doe, John" <john%x.y@EXAMPLE.org>, grp: a@b.c, d@e.f;,'
        b" long.address.number.one@somewhere.example, x@example.org\n"
    )
    assert reprint(value, AS_IT_IS) == (
        b' info@example.org, "Doe, John" <john%x.y@EXAMPLE.org>, grp: a@b.c,\n'
        b"      d@e.f; long.address.number.one@somewhere.example, x@example.org\n"
    )


def test_relays_behind_a_per_cent_sign_are_named_by_themselves() -> None:
    style = Style(relay={b"u%inner.example@example.org": b"u@inner.example"}.get)  # type: ignore[arg-type]
    assert reprint(b" U <u%inner.example@example.org>, b@c.d\n", style) == b" U <u@inner.example>, b@c.d\n"


def test_addresses_are_taken_out_of_a_list() -> None:
    value = b' A <a@b.c>, grp: bare, "x y"@d.e;, (nobody)\n'
    assert addresses(value, LOCAL) == [b"a@b.c", b"bare@example.org", b'"x y"@d.e']


@given(st.binary(max_size=200).filter(lambda text: b"\0" not in text))
def test_any_bytes_are_printed_and_printing_again_changes_nothing_more(text: bytes) -> None:
    once = reprint(b" " + text.replace(b"\n", b" ") + b"\n", AS_IT_IS)
    assert once.endswith(b"\n")
    assert all(line.startswith(b" ") for line in once.split(b"\n")[1:-1])


ATOM = st.text("abcdefgXYZ0189_+-", min_size=1, max_size=12).map(str.encode)
MAILBOX = st.builds(lambda user, label, end: user + b"@" + label + b"." + end, ATOM, ATOM, ATOM)


@given(st.lists(MAILBOX, min_size=1, max_size=20))
def test_no_address_is_lost_or_changed(mailboxes: list[bytes]) -> None:
    printed = reprint(b" " + b", ".join(mailboxes) + b"\n", LOCAL)
    assert addresses(printed, LOCAL) == mailboxes
    assert reprint(printed, LOCAL) == printed


def test_paths_are_rewritten_where_that_is_asked_for_but_not_addresses_that_hold_one() -> None:
    style = Style(b"example.com", path=lambda path: b"<" + path + b">")
    assert reprint(b" a!b, c!d@e, f\n", style) == b" <a!b>, c!d@e, f@example.com\n"
    assert reprint(b" a!b, c!d@e, f\n", Style(b"example.com")) == b" a!b, c!d@e, f@example.com\n"
