"""Settings files: complete, in the release's own groups, with every value in force as a literal."""

from __future__ import annotations

import re

import pytest

from courier_compiler.profile import Profile, customised, in_force, load_profile
from courier_compiler.settings_file import compose, spelt
from courier_schema.legacy.formats import module_file, rc, shell
from courier_schema.legacy.formats.source import Source
from courier_schema.legacy.table import Table
from courier_schema.legacy.tables import table
from courier_schema.legacy.tables.courierd import Courierd
from courier_schema.legacy.tables.esmtpd import Esmtpd
from courier_schema.legacy.tables.esmtpd_msa import EsmtpdMsa
from courier_schema.legacy.tables.imapd import Imapd
from courier_schema.legacy.tables.module import ModuleEsmtp
from courier_schema.legacy.tables.webmlm import Webmlmrc

DEBIAN = load_profile("debian-12")
SOURCE = load_profile("upstream-2.0")
SETTINGS_FILES = [file for file, layout in DEBIAN.files.items() if any(group.settings for group in layout.groups)]


def text(
    file: str, values: Table | None = None, profile: Profile = DEBIAN, extra: tuple[tuple[str, str], ...] = ()
) -> str:
    return compose(file, values or table(file)(), profile, "site.yaml", extra).decode()


def assigned(file: str, content: str) -> dict[str, str]:
    """What a reader of the literal subset sees; nothing may be outside of it."""
    source = Source(file, content.encode())
    if table(file).format == "rc":
        found = rc.parse(source)
        assert found.problems == ()
        return dict(found.entries)
    read = shell.parse(source)
    assert read.problems == ()
    return dict(read.assignments)


def group(content: str, name: str) -> list[str]:
    """The lines below a marker."""
    part = content.split(f"##NAME: {name}:", 1)[1]
    return part.split("##NAME: ", 1)[0].splitlines()[1:]


@pytest.mark.parametrize("file", SETTINGS_FILES)
@pytest.mark.parametrize("profile", [DEBIAN, SOURCE], ids=lambda profile: profile.name)
def test_the_file_has_the_version_line_and_the_groups_of_the_release(file: str, profile: Profile) -> None:
    lines = text(file, profile=profile).splitlines()
    assert lines[0] == profile.files[file].version_line
    assert [line for line in lines if line.startswith("##NAME")] == [part.marker for part in profile.files[file].groups]


@pytest.mark.parametrize("file", SETTINGS_FILES)
def test_a_fresh_installation_is_what_the_file_assigns(file: str) -> None:
    values = spelt(in_force(file, DEBIAN))
    values.pop("SYSLOCALE_LINE", None)
    assert assigned(file, text(file)) == values


@pytest.mark.parametrize("file", SETTINGS_FILES)
@pytest.mark.parametrize("profile", [DEBIAN, SOURCE], ids=lambda profile: profile.name)
def test_values_stand_together_below_all_comments_and_a_blank_line_ends_them(file: str, profile: Profile) -> None:
    content = text(file, profile=profile)
    for part in re.split(r"(?m)^##NAME: .*\n", content)[1:]:
        kinds = "".join("#" if line.startswith("#") else "v" for line in part.splitlines())
        assert re.fullmatch(r"#*v+", kinds)
        assert part.endswith("\n\n") or part == "\n"


def test_the_banner_names_the_source() -> None:
    assert "# Written by courier-compile from site.yaml.\n" in text("esmtpd").split("##NAME")[0]


def test_a_value_said_wins_over_the_stock_value() -> None:
    assert assigned("esmtpd", text("esmtpd", Esmtpd(ulimit=7)))["ULIMIT"] == "7"
    assert assigned("esmtpd", text("esmtpd"))["ULIMIT"] == "32768"


def test_a_merged_table_composes_like_the_partial_one() -> None:
    said: Table = Imapd(imap_capability=("IMAP4rev1",), maxperip=3)
    assert text("imapd", said.over(in_force("imapd", DEBIAN))) == text("imapd", said)


def test_a_setting_that_is_not_assigned_keeps_its_comment() -> None:
    lines = group(text("esmtpd", Esmtpd(tls_trustcerts=None)), "TLS_TRUSTCERTS")
    assert not [line for line in lines if line and not line.startswith("#")]
    assert lines[-1] == ""
    assert "Not set: no certificate can be verified." in " ".join(line.removeprefix("# ") for line in lines)


def test_comments_say_what_the_settings_of_the_group_are_for() -> None:
    lines = group(text("esmtpd"), "MAILUSERGROUP")
    assert [line.split(":")[0] for line in lines if ": " in line] == ["# MAILUSER", "# MAILGROUP"]
    assert all(len(line) < 120 for line in lines)


def test_a_setting_of_the_other_tls_library_is_marked() -> None:
    assert "This release does not read it." in " ".join(group(text("esmtpd"), "TLS_PROTOCOL"))
    assert "This release does not read it." not in " ".join(group(text("esmtpd"), "TLS_PRIORITY"))
    said = Esmtpd(tls_protocol="TLSv1.2")
    assert assigned("esmtpd", text("esmtpd", said))["TLS_PROTOCOL"] == "TLSv1.2"


def test_what_refers_to_another_setting_follows_it() -> None:
    found = assigned("imapd", text("imapd", Imapd(imap_capability=("IMAP4rev1", "IDLE"))))
    assert found["IMAP_CAPABILITY_TLS"] == "IMAP4rev1 IDLE AUTH=PLAIN"
    found = assigned("webmlmrc", text("webmlmrc", Webmlmrc(port="/run/lists/socket")))
    assert found["PIDFILE"] == "/run/lists/socket.pid"


def test_what_was_said_is_never_expanded() -> None:
    said = Courierd(defaultdelivery="| maildrop -d ${LOGNAME} ${PATH}")
    assert assigned("courierd", text("courierd", said))["DEFAULTDELIVERY"] == "| maildrop -d ${LOGNAME} ${PATH}"


def test_the_locale_is_read_in_by_a_line_of_its_own() -> None:
    assert ". /etc/environment" in group(text("courierd"), "SYSLOCALE")
    assert "SYSLOCALE_LINE=" not in text("courierd")
    said = Courierd(syslocale_line=None, lang="en_US.utf8")
    assert group(text("courierd", said), "SYSLOCALE")[-2:] == ["LANG=en_US.utf8", ""]


def test_start_switches_are_bare_words_for_the_boot_scripts() -> None:
    assert "ESMTPDSTART=YES" in text("esmtpd").splitlines()
    assert "ESMTPDSTART=NO" in text("esmtpd", Esmtpd(esmtpdstart=False)).splitlines()


def test_the_socket_of_the_list_pages_is_bare_for_the_web_program() -> None:
    assert "PORT=/run/courier/webmlm" in text("webmlmrc").splitlines()


def test_a_keyword_file_ends_with_the_group_that_makes_it_complete() -> None:
    for file in ("authldaprc", "authmysqlrc", "authpgsqlrc", "authsqliterc"):
        assert text(file).rstrip().endswith("##NAME: MARKER:0")


def test_a_companion_says_what_the_release_says_and_what_was_said() -> None:
    found = assigned("esmtpd-msa", text("esmtpd-msa"))
    assert "TARPIT" not in found
    assert found["PORT"] == "587"
    said = text("esmtpd-msa", EsmtpdMsa(esmtp_tls_required=True))
    assert group(said, "CUSTOM") == ["ESMTP_TLS_REQUIRED=1", ""]


def test_unknown_assignments_go_to_the_group_for_them() -> None:
    assert group(text("esmtpd-msa", extra=(("MIME", "8bit"),)), "CUSTOM") == ["MIME=8bit", ""]
    assert group(text("courierd", profile=SOURCE, extra=(("X", "a b"),)), "CUSTOM") == ['X="a b"', ""]
    assert group(text("esmtpd-ssl", profile=SOURCE, extra=(("X", "1"),)), "MISC") == ["X=1", ""]
    assert group(text("cone", profile=SOURCE, extra=(("X", "1"),)), "LOCAL") == ["X=1", ""]


def test_without_such_a_group_they_go_below_the_last_assignment_that_was_never_revised() -> None:
    assert group(text("imapd", extra=(("AUTHSERVICE1143", "imap2"),)), "MAILDIRPATH")[-3:] == [
        "MAILDIRPATH=Maildir",
        "AUTHSERVICE1143=imap2",
        "",
    ]
    content = text("authmysqlrc", extra=(("MYSQL_SSL_CIPHER", "HIGH"),))
    assert content.index("MYSQL_SSL_CIPHER") < content.index("##NAME: MARKER")
    assert "MYSQL_SSL_CIPHER\tHIGH" in group(content, "MYSQL_NAME_FIELD")


def test_a_layout_of_its_own_moves_the_paths() -> None:
    found = assigned("esmtpd", text("esmtpd", profile=customised(SOURCE, {"prefix": "/opt/c"})))
    assert found["ACCESSFILE"] == "/opt/c/etc/smtpaccess"
    assert found["COURIERTLS"] == "/opt/c/bin/couriertls"


def test_module_files_have_neither_comments_nor_blank_lines() -> None:
    content = compose("module.esmtp", ModuleEsmtp(maxdels=80), DEBIAN, "site.yaml")
    assert module_file.parse(Source("module.esmtp", content)).problems == ()
    assert content.decode().splitlines() == [
        "NAME=esmtp",
        "PRIORITY=50",
        "PROG=./courieresmtp",
        "MAXDELS=80",
        "MAXHOST=4",
        "MAXRCPT=100",
    ]


def test_an_assignment_that_no_file_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="is not the name of a shell variable"):
        text("imapd", extra=(("A-B", "1"),))
