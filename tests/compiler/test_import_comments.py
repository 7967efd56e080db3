"""No comment of an administrator is lost without a word when an installation is imported."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.old_installations import MD5, write
from courier_compiler.cli import main
from courier_compiler.importing.importer import import_site
from courier_compiler.importing.installation import File, Installation
from courier_compiler.importing.write import outputs
from courier_compiler.profile import load_profile

WORD: Final = re.compile(r"note-[a-z0-9-]+")
MANY: Final = "".join(f"# note-many-{number}\n" for number in range(20))
COMMENTED: Final[dict[str, str]] = {
    "me": "mx.a.example\n# note-me\n",
    "defaultdomain": "a.example\n# note-default\n",
    "locallowercase": "# note-case\n",
    "locals": (
        "# note-locals-top\n\na.example # note-locals-inline\nmx.a.example\n"
        "!x.a.example # note-locals-out\n# note-locals-end\n"
    ),
    "esmtpacceptmailfor": "# note-acc-top\na.example\nmx.a.example\n# note-acc-dead\nno domain\n# note-acc-end\n",
    "esmtpacceptmailfor.dir/1": "# note-dir-top\nb.example\n# note-dir-end\n",
    "esmtppercentrelay": "# note-percent-top\nb.example # note-percent-inline\n",
    "hosteddomains/1": (
        "# note-hosted-top\nb.example\n\n# note-hosted-wild\n.b.example\tb.example\n# note-hosted-end\n"
    ),
    "hosteddomains/2": "# note-hosted-two\nc.example\n",
    "aliases/system": (
        "# note-head\n\npostmaster: anna # note-postmaster\n# note-root\nroot: postmaster\n"
        "# note-sales\nsales: anna, # note-sales-inline\n bert\n# note-empty\nnobody:\n\n"
        "# note-alias-end\n"
    ),
    "aliases-local/x": "# note-protocol\nx: anna\n# note-protocol-end\n",
    "smtpaccess/default": (
        "# note-smtp-top\n127.0.0.1\tallow,RELAYCLIENT\n# note-smtp-dead\nnonsense\tallow\n# note-smtp-end\n"
    ),
    "imapaccess/default": "# note-imap-top\n192.0.2\tdeny\n# note-imap-end\n",
    "esmtproutes": (
        "# note-routes-top\np.example:relay.example # note-routes-inline\n# note-routes-dead\n"
        "p.example:other.example\n# note-routes-end\n"
    ),
    "esmtpauthclient": "# note-login-top\nrelay.example me pw note-login-inline\n# note-login-end\n",
    "userdb/staff": f"# note-userdb-top\nanna\tuid=500|gid=500|home=/home/anna|systempw={MD5}\n# note-userdb-end\n",
    "bofh": (
        "# note-bofh-top\nbadfrom @s.example # note-bofh-inline\nbadfrom @t.example\n# note-bofh-opt\n"
        "opt BOFHCHECKHELO=2\n# note-bofh-bad\nnonsense\n# note-bofh-free\nfreemail f.example\n"
        "# note-bofh-max\nmaxrcpts 50 hard\n# note-bofh-end\n"
    ),
    "uucpneighbors": "# note-uucp-top\nnode\tF\n# note-uucp-end\n",
    "faxrc": "# note-fax-top\naccept ^123 x # note-fax-inline\n# note-fax-end\n",
    "maildirshared": "# note-shared-top\nPublic /srv/public # note-shared-inline\n# note-shared-end\n",
    "logindomainlist": "# note-domains-top\na.example\n note-domains-blank\n# note-domains-end\n",
    "ldapaddressbook": "# note-books-top\nx\tl.example\t389\to=x\n# note-books-end\n",
    "sizelimit": "1000000\n# note-size\n",
    "queuetime": "2d\n\n# note-time\n",
    "enablefiltering": "esmtp\n# note-filtering\n",
    "filters/perlfilter": "/srv/filter.pl\n# note-filter\n",
    "filters/perlfilter-numprocs": "5\n# note-filter-processes\n",
    "dsnsubjectwarn.txt": "Late\n# note-subject\n",
    "esmtpd": (
        "# note-esmtpd-top\nMAXDAEMONS=50 # note-daemons\n# note-start\nESMTPDSTART=YES\n# note-perc\n"
        "MAXPERC=5\n# note-esmtpd-end\n"
    ),
    "imapd": (
        "##NAME: MAXPERIP:0\n# note-perip\nMAXPERIP=99\n##NAME: IMAPDSTART:0\nIMAPDSTART=YES\n"
        f"##NAME: MAXDAEMONS:0\n{MANY}MAXDAEMONS=40\n"
    ),
    "authdaemonrc": '# note-modules\nauthmodulelist="authuserdb"\n# note-modules-end\n',
    "authmysqlrc": "# note-mysql-top\nMYSQL_SERVER db\n# note-mysql-twice\nMYSQL_SERVER db2\n# note-mysql-end\n",
    "module.esmtp": "NAME=esmtp\nMAXDELS=7 # note-module\n",
    "vhost.192.0.2.7": "# note-vhost\n",
    "sizelimit.192.0.2.7": "5\n# note-vhost-size\n",
    "locals.192.0.2.7": "# note-vhost-locals\nv.example\n",
}


def imported(old: Path, site: Path) -> None:
    main(["import", str(old), "-o", str(site), "--host-name", "mx.a.example"])


@pytest.mark.parametrize("private", [(), ("aliases/system", "bofh", "esmtpd", "locals", "queuetime")], ids=len)
def test_every_comment_of_a_tree_is_in_the_site_or_counted_in_a_note(
    private: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, str | bytes] = dict(COMMENTED)
    imported(write(tmp_path / "etc", files, dict.fromkeys(private, 0o600)), tmp_path / "new/site.yaml")
    site, kept = ((tmp_path / "new" / name).read_text() for name in ("site.yaml", "secrets/comments.txt"))
    in_site, among_secrets = WORD.findall(site), WORD.findall(kept)
    lost = set(WORD.findall("".join(COMMENTED.values()))) - {*in_site, *among_secrets}
    told = re.sub(r"\s+", " ", capsys.readouterr().out)
    counted = {int(count) for count in re.findall(r"(\d+) comment lines of \S+ about settings", told)}
    assert (lost, counted) == (set(WORD.findall(MANY)), {20})
    assert sorted(in_site) == sorted(set(in_site)), "and none is there twice"
    of_private = {word for name in private for word in WORD.findall(COMMENTED[name])}
    assert of_private <= {*among_secrets}
    assert of_private.isdisjoint(in_site)


def test_comments_of_each_private_file_are_counted_in_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, str | bytes] = {"me": "a.example\n", "userdb/staff": COMMENTED["userdb/staff"]}
    imported(write(tmp_path / "etc", files), tmp_path / "site.yaml")
    said = "userdb/staff stand in secrets/comments.txt, because not everybody may read that file"
    assert f"2 comment lines of {tmp_path}/etc/{said}" in capsys.readouterr().out
    assert (tmp_path / "secrets/comments.txt").read_text().endswith("userdb/staff\nnote-userdb-top\nnote-userdb-end\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bofh", '  deny_senders:\n    # note-bofh-top\n    # note-bofh-inline\n    - "@s.example"\n'),
        ("bofh", "  # note-bofh-opt\n  check_helo: soft\n"),
        ("bofh", "  # note-bofh-max\n  max_recipients: {count: 50, hard: true}\n"),
        ("bofh", "# note-bofh-end\npolicy:\n"),
        ("aliases/system", "  # note-sales\n  # note-sales-inline\n  sales: [anna, bert]\n"),
        ("aliases/system", "# note-alias-end\naliases:\n"),
        ("hosteddomains/1", "# hosteddomains/1: note-hosted-end\ndomains:\n"),
        ("esmtpd", "    # note-daemons\n    max_connections: 50\n"),
        ("esmtpd", "listeners:\n  # note-start\n"),
        ("sizelimit", "  # sizelimit: note-size\n  max_message_size: 1000000\n"),
    ],
)
def test_comments_stand_above_what_they_are_about(name: str, text: str, tmp_path: Path) -> None:
    names = {"me", "defaultdomain", "locals", "esmtpacceptmailfor", name}
    files: dict[str, str | bytes] = {one: COMMENTED[one] for one in names}
    imported(write(tmp_path / "etc", files), tmp_path / "site.yaml")
    assert text in (tmp_path / "site.yaml").read_text()


def test_a_file_of_comments_alone_is_told_at_the_top(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"me": "a.example\n", "bofh": "# note-later\n"}
    imported(write(tmp_path / "etc", files), tmp_path / "site.yaml")
    assert (tmp_path / "site.yaml").read_text().startswith("# bofh: note-later\n")


_ENTRIES: Final = {
    "aliases": ("x: anna", "x: bert", "y@b.example: anna@b.example", "root: postmaster", "postmaster: anna", "z:"),
    "locals": ("a.example", "b.example", ".b.example", "!x.b.example", "no domain", "mx.a.example"),
    "hosteddomains": ("b.example", ".b.example\tb.example", "c.example\tb.example", "no domain"),
    "esmtproutes": ("b.example:r.example", "b.example:s.example", ":r.example", ".b.example:", "nonsense"),
    "bofh": ("badfrom @b.example", "badfrom nonsense", "opt BOFHCHECKDNS=0", "maxrcpts 7", "freemail b.example", "x"),
    "smtpaccess": ("192.0.2\tallow", "127.0.0.1\tallow,RELAYCLIENT", "nonsense\tdeny"),
}


@st.composite
def _files(draw: st.DrawFn) -> tuple[str, str]:
    name = draw(st.sampled_from(sorted(_ENTRIES)))
    behind = st.just("") if name in {"hosteddomains", "smtpaccess"} else st.sampled_from(["", " # same", " # other"])
    entry = st.builds("{}{}".format, st.sampled_from(_ENTRIES[name]), behind)
    lines = draw(st.lists(st.sampled_from(["", "# same", "#other", "##  third "]) | entry, max_size=12))
    return name, "\n".join([*lines, ""])


@settings(max_examples=60, deadline=None)
@given(_files())
def test_as_many_comments_as_a_file_has_are_in_its_site(file: tuple[str, str]) -> None:
    name, text = file
    files = {"me": File(b"mx.a.example\n"), "defaultdomain": File(b"a.example\n"), name: File(text.encode())}
    draft = import_site(Installation(files, "mx.a.example", "/etc/courier", "etc"), load_profile("debian-12")).draft
    (site,) = [content.decode() for place, content, _ in outputs(draft, "site.yaml") if place == "site.yaml"]
    comments = [
        line.partition("#")[2].strip("# ").removeprefix(f"{name}: ") for line in site.splitlines() if "#" in line
    ]
    words = [line.partition("#")[2].strip("# ") for line in text.splitlines() if "#" in line]
    assert sorted(comments) == sorted(words)
