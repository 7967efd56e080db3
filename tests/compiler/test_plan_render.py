"""Plans as people and programs see them."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.planning_sites import edited, installed, plan_between, rendered
from courier_compiler.applying.installed import FileState, MemoryTree
from courier_compiler.planning.plan import Plan
from courier_compiler.planning.rendering import SHOWN, Printed, render
from courier_schema.report import Mark, Problem, Severity

SITE = "listeners:\n  smtp: {max_per_address: 4}\naliases:\n  info: eva@example.net\n"
NEXT = "listeners:\n  smtp: {max_per_address: 8}\naliases:\n  sales: [eva@example.net, '\"`x|y\"@example.net']\n"
RICH = (
    SITE + "account_defaults: {uid: 5000, gid: 5000}\naccounts: {anna: {password: '$6$saltsalt$0123456789abcdef'}}\n"
    "domains: {shop.example: {kind: hosted}}\naccess: {192.0.2.1: relay}\nroutes: {a.example: {via: b.example}}\n"
    "policy: {deny_senders: ['@a.example']}\ncredentials: {b.example: {user: me, password: {value: pass}}}\n"
)
WARNING = Problem("some-doubt", "something is odd", "look", Mark("site.yaml", 1), severity=Severity.WARNING)


def plan(after: str = NEXT) -> Plan:
    return plan_between(SITE, after)


def text(one: Plan, shown: int | None = SHOWN, colour: bool = False) -> list[str]:
    return render(Printed((one,), shown=shown, colour=colour), "text").splitlines()


def test_text_tells_mail_first_then_files_then_daemons() -> None:
    assert text(plan_between(SITE, SITE.replace("4", "8").replace("eva", "udo"))) == [
        "mx.example.org against /: 3 to update",
        "",
        "What changes for mail",
        "    info@example.org goes to udo@example.net, no longer to eva@example.net (site.yaml:6) [at once]",
        "    smtp serves 8 connections of one address, no longer 4 (site.yaml:4)"
        " [after stop and start of esmtpd, esmtpd-msa, esmtpd-ssl]",
        "",
        "Files",
        "  update /etc/courier/aliases.dat",
        "      aliases.dat: info@example.org: + udo@example.net, - eva@example.net (site.yaml:6)",
        "  update /etc/courier/aliases/site  (1 changed alias; the source of aliases.dat)",
        "  update /etc/courier/esmtpd",
        "      esmtpd: MAXPERIP 4 -> 8 (site.yaml:4)",
        "",
        "To take effect",
        "  stop and start esmtpd",
        "  stop and start esmtpd-msa",
        "  stop and start esmtpd-ssl",
        "",
        f"checksum {plan_between(SITE, SITE.replace('4', '8').replace('eva', 'udo')).checksum}",
    ]


def test_text_of_an_empty_plan_is_one_line() -> None:
    assert text(plan(SITE)) == ["mx.example.org against /: nothing to do"]


def test_text_marks_what_is_dangerous_and_ends_with_what_is_refused() -> None:
    lines = text(plan(SITE + "access: {'*': relay}\n"))
    assert any(line.startswith("  ! every client without a word of its own may relay") for line in lines)
    assert (
        "site.yaml:7:10: error: every client may relay, which makes this server useful to strangers [guard-relay]"
        in lines
    )
    assert "   = say --allow relay if that is meant" in lines


def test_text_has_colour_only_where_it_is_wanted() -> None:
    assert "\033[" in "\n".join(text(plan(), colour=True))
    assert "\033[" not in "\n".join(text(plan()))


def test_text_cuts_long_lists_unless_told_not_to() -> None:
    many = SITE + "".join(f"  a{number:02d}: eva@example.net\n" for number in range(40))
    lines = text(plan(many))
    assert "      ... and 20 more" in lines
    assert "    ... and 20 more about addresses" in lines
    assert sum("aliases.dat: + a" in line for line in lines) == 20
    assert sum("aliases.dat: + a" in line for line in text(plan(many), shown=None)) == 40


def test_text_counts_the_entries_of_a_new_file_that_has_many() -> None:
    lines = text(plan_between(MemoryTree({}), SITE))
    assert "  create /etc/courier/aliases.dat  (6 new aliases)" in lines
    assert not any("esmtpd: +" in line for line in lines)


def test_text_says_where_a_file_comes_from_that_is_not_ours() -> None:
    tree = replace(installed(SITE), record=None, files={"etc/courier/me": FileState(b"old.example\n", 0o600)})
    lines = text(plan_between(tree, SITE))
    assert "  update /etc/courier/me  (mode 0600 -> 0644; not made by courier-compile so far)" in lines
    assert "apply needs --adopt-all" in lines


def test_a_plan_that_undoes_an_edit_says_what_apply_needs_for_it() -> None:
    drifted = plan_between(edited(installed(SITE), "me", b"mx.", b"old."), SITE)
    assert text(drifted)[-2] == "apply needs --overwrite-drift"
    assert ", apply needs `--overwrite-drift`\n" in render(Printed((drifted,)), "markdown")


def test_only_permissions_change() -> None:
    tree = installed(SITE)
    files = {path: replace(one, mode=0o600) if path.endswith("/me") else one for path, one in tree.files.items()}
    assert (
        "  drift  /etc/courier/me  (mode 0600 -> 0644; given other permissions by hand since the last apply)"
        in text(plan_between(replace(tree, files=files), SITE))
    )
    assert "  mode   /etc/courier/me  (mode 0600 -> 0644; not made by courier-compile so far)" in text(
        plan_between(replace(tree, files=files, record=None), SITE)
    )


def test_markdown_cuts_long_lists() -> None:
    many = SITE + "".join(f"  a{number:02d}: eva@example.net\n" for number in range(40))
    shown = render(Printed((plan(many),)), "markdown")
    assert "- ... and 20 more\n" in shown
    assert "  - ... and 20 more\n" in shown


_BYTES = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.sampled_from([b"MAXPERIP=9", b"a b c", b"\xff\xfe", b"x\ty|z=1", b"\x1b[31m", b"!", b":", b"$(x)"])
    ).map(b"\n".join),
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(installed(RICH).files)), _BYTES, min_size=1, max_size=8), st.booleans())
def test_whatever_stands_in_the_files_can_be_printed(contents: dict[str, bytes], goes: bool) -> None:
    tree = installed(RICH)
    tree = replace(tree, files={**tree.files, **{path: FileState(content) for path, content in contents.items()}})
    for form, shown in rendered(plan_between(tree, SITE if goes else RICH)).items():
        assert shown.encode().decode() == shown, form
        assert all(line.isprintable() for line in shown.split("\n")), form


def test_text_is_preceded_by_the_problems_of_the_site() -> None:
    printed = Printed((plan(SITE),), (WARNING,))
    assert render(printed, "text").startswith("site.yaml:1:1: warning: something is odd [some-doubt]\n")


def test_json_has_everything_with_its_place() -> None:
    record = json.loads(render(Printed((plan(),), (WARNING,)), "json"))
    (one,) = record["plans"]
    assert one["checksum"] == plan().checksum
    assert one["counts"] == {"update": 3}
    (esmtpd,) = (change for change in one["changes"] if change["path"] == "/etc/courier/esmtpd")
    assert esmtpd["differences"] == [
        {
            "key": "MAXPERIP",
            "before": "4",
            "after": "8",
            "says": "MAXPERIP 4 -> 8",
            "rule": "",
            "site_path": ["listeners", "smtp", "max_per_address"],
            "file": "site.yaml",
            "line": 4,
        }
    ]
    assert esmtpd["takes_effect"] == {
        "when": "after stop and start",
        "daemons": ["esmtpd", "esmtpd-msa", "esmtpd-ssl"],
    }
    assert {effect["subject"] for effect in one["effects"]} == {"addresses", "limits"}
    assert [step["daemon"] for step in one["daemons"]] == ["esmtpd", "esmtpd-msa", "esmtpd-ssl"]
    assert record["problems"][0]["id"] == "some-doubt"


def test_json_tells_objections_and_refusals_apart() -> None:
    (one,) = json.loads(render(Printed((plan(SITE + "access: {'*': relay}\n"),)), "json"))["plans"]
    assert [problem["id"] for problem in one["objections"]] == ["guard-relay"]
    assert [problem["id"] for problem in one["refusals"]] == ["guard-relay"]


def test_markdown_folds_the_files_away() -> None:
    shown = render(Printed((plan(),), (WARNING,)), "markdown")
    assert shown.startswith(
        "**Problems of the site**\n\n- warning: something is odd; look (`some-doubt`) `site.yaml:1`\n"
    )
    assert "### mx.example.org: 3 to update\n" in shown
    assert "| create | update | remove | permissions | drift |\n|---|---|---|---|---|\n| 0 | 3 | 0 | 0 | 0 |\n" in shown
    assert shown.index("**addresses**") < shown.index("<details><summary>3 files</summary>")
    assert (
        "- ⚠️ info@example.org is no alias any longer; it went to eva@example.net *(at once)* `site.yaml:5`\n" in shown
    )
    assert "  - `MAXPERIP 4 -> 8` `site.yaml:4`\n" in shown
    assert shown.count("<details>") == shown.count("</details>") == 2
    assert shown.endswith(f"Checksum `{plan().checksum}`\n\n")


def test_markdown_lets_no_text_of_the_site_become_markup() -> None:
    shown = render(Printed((plan(SITE + "files: {note: {content: '<script>`*'}}\n"),)), "markdown")
    assert "``+ <script>`*``" in shown
    shown = render(Printed((plan(SITE + "routes: {a.example: {via: under_score.example}}\n"),)), "markdown")
    assert "goes through under\\_score.example" in shown


def test_github_annotates_the_lines_of_the_site() -> None:
    lines = render(Printed((plan(),), (WARNING,)), "github").splitlines()
    assert lines[0] == "::warning file=site.yaml,line=1,col=1,title=some-doubt::something is odd; look"
    assert f"::notice title=plan::mx.example.org: 3 to update; checksum {plan().checksum}" in lines
    (listener,) = (line for line in lines if "line=4," in line)
    assert listener == (
        "::notice file=site.yaml,line=4,col=10,title=plan::smtp serves 8 connections of one address, no longer 4"
        " [after stop and start of esmtpd, esmtpd-msa, esmtpd-ssl]%0Aesmtpd: MAXPERIP 4 -> 8;"
        f" checksum {plan().checksum}"
    )
    assert all(line.startswith("::") for line in lines)


def test_github_makes_errors_of_what_is_refused() -> None:
    shown = render(Printed((plan(SITE + "access: {'*': relay}\n"),)), "github")
    assert "::error file=site.yaml,line=7,col=10,title=guard-relay::every client may relay" in shown


def test_github_cuts_what_one_line_of_the_site_decides() -> None:
    tree = installed(SITE + "".join(f"  a{number:02d}: eva@example.net\n" for number in range(40)))
    shown = render(Printed((plan_between(tree, SITE),)), "github")
    assert "%0A70 more at this line;" in shown
