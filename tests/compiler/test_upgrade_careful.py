"""A careful upgrade: what is kept, reset, new and retired, and that nothing is lost."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from courier_compiler.upgrade import compatible
from courier_compiler.upgrade.careful import Fate, Outcome, merge
from courier_schema.legacy.formats.preformatted import parse
from courier_schema.legacy.formats.source import Source

TEMPLATE = b"""\
##VERSION: 2
# from settings.dist

##NAME: PORT:1
# Port to listen on.

PORT=25

##NAME: BANNER:2
# Text shown.

BANNER="hello"
"""


def _old(
    port: bytes = b"PORT=25\n", banner: bytes = b'BANNER="hello"\n', above: bytes = b"", below: bytes = b""
) -> bytes:
    return b"##VERSION: 1\n%b##NAME: PORT:1\n%b##NAME: BANNER:2\n%b%b" % (above, port, banner, below)


def _merged(old: bytes | None, template: bytes = TEMPLATE, force: bool = False, base: bytes | None = None) -> Outcome:
    return merge(
        Source("etc/settings.dist", template),
        None if old is None else Source("settings", old),
        force=force,
        base=None if base is None else Source("base", base),
    )


def _content(old: bytes | None, template: bytes = TEMPLATE) -> bytes:
    content = _merged(old, template).content
    assert content is not None
    return content


def _fates(outcome: Outcome) -> dict[str, str]:
    return {setting.name: str(setting.fate) for setting in outcome.settings}


def _problems(outcome: Outcome) -> list[tuple[str, str | None]]:
    return [(problem.id, str(problem.mark) if problem.mark else None) for problem in outcome.problems]


def _sourced(content: bytes, names: Sequence[str]) -> list[str]:
    """What a shell knows after reading the file."""
    show = "; ".join(f"printf '%s\\n' \"{name}=${{{name}-unset}}\"" for name in names)
    return (
        subprocess.run(["sh", "-c", f". /dev/stdin; {show}"], input=content, capture_output=True, check=True)
        .stdout.decode()
        .splitlines()
    )


def test_without_an_old_file_the_template_is_the_result() -> None:
    assert _content(None) == TEMPLATE
    assert _fates(_merged(None)) == {"PORT": "new", "BANNER": "new"}


def test_a_file_of_the_template_s_version_is_left_alone_unless_forced() -> None:
    assert _merged(TEMPLATE.replace(b"25", b"26")) == Outcome(None)
    assert _merged(TEMPLATE.replace(b": 2\n", b": 2  \r\n", 1)) == Outcome(None)
    assert _merged(TEMPLATE, force=True).content == TEMPLATE


def test_defaults_that_were_never_changed_leave_the_template_as_it_is() -> None:
    outcome = _merged(_old())

    assert outcome.content == TEMPLATE
    assert {setting.reason for setting in outcome.settings} == {"it is the default"}
    assert outcome.problems == ()


def test_an_own_value_is_kept_below_the_default() -> None:
    outcome = _merged(_old(port=b"\nPORT=2525\n\n"))

    assert outcome.content is not None
    assert b"#\n# DEFAULT SETTING from settings.dist:\n#\n#PORT=25\n#\n\nPORT=2525\n\n##NAME" in outcome.content
    assert outcome.settings[0].fate is Fate.KEPT
    assert (outcome.settings[0].old, outcome.settings[0].new) == ("PORT=2525", "PORT=25")


def test_a_raised_revision_resets_the_value_and_shows_the_old_one() -> None:
    outcome = _merged(_old(banner=b'# mine\nBANNER="ours"\n').replace(b"BANNER:2", b"BANNER:1"))

    assert outcome.content is not None
    assert outcome.content.endswith(
        b'# Text shown.\n#\n# mine\n#\n# Previous setting (revision 1):\n#\n# BANNER="ours"\n\nBANNER="hello"\n'
    )
    assert outcome.settings[1].fate is Fate.RESET
    assert (outcome.settings[1].old, outcome.settings[1].new) == ('BANNER="ours"', 'BANNER="hello"')
    assert outcome.settings[1].reason == "the revision went from 1 to 2; the old value is a comment now"


def test_a_raised_revision_does_not_matter_to_who_has_the_new_default() -> None:
    outcome = _merged(_old().replace(b"BANNER:2", b"BANNER:1"))

    assert outcome.content == TEMPLATE
    assert outcome.settings[1].fate is Fate.KEPT


def test_a_setting_that_was_switched_off_stays_off_for_courier_s_own_tool_too() -> None:
    content = _content(_old(port=b"#PORT=25\n"))
    parsed, next_template = parse(Source("", content)), parse(Source("", TEMPLATE.replace(b": 2", b": 3", 1)))

    assert _sourced(content, ["PORT", "BANNER"]) == ["PORT=unset", "BANNER=hello"]
    assert parsed is not None
    assert next_template is not None
    later = compatible.merge(next_template, parsed, b"settings.dist").content
    assert _sourced(later, ["PORT"]) == ["PORT=unset"]


def test_a_value_goes_on_after_a_comment() -> None:
    outcome = _merged(_old(port=b"PORT=26\n# and\nPORTS=27\n"))

    assert outcome.content is not None
    assert b"PORT=26\n# and\nPORTS=27\n" in outcome.content
    assert ("upgrade-divided-value", "settings:5:1") in _problems(outcome)
    assert ("upgrade-comments", "settings:4:1") in _problems(outcome)


def test_a_comment_inside_quotes_is_text_even_if_the_template_says_the_same() -> None:
    value = b'PORT="\n# Port to listen on.\n"\n'

    assert value in _content(_old(port=value))


def test_text_above_the_first_marker_is_kept_there() -> None:
    outcome = _merged(_old(above=b"# from settings.dist\nEXTRA=1\n# mine\n"))

    assert outcome.content is not None
    assert outcome.content.startswith(b"##VERSION: 2\n# from settings.dist\n\nEXTRA=1\n# mine\n\n##NAME: PORT:1\n")
    assert _problems(outcome) == [("upgrade-outside-groups", "settings:3:1")]


def test_a_new_default_that_overrules_an_own_line_further_up_is_a_warning() -> None:
    template = TEMPLATE + b"##NAME: EXTRA:0\nEXTRA=0\n"

    assert ("upgrade-overruled", "settings:2:1") in _problems(_merged(_old(above=b"EXTRA=1\n"), template))


def test_a_last_line_without_end_gets_one() -> None:
    outcome = _merged(_old(port=b"PORT=26\n").removesuffix(b"\n"))

    assert outcome.content is not None
    assert outcome.content.endswith(b"\n")
    assert _problems(outcome) == [("upgrade-last-line", "settings:5:1")]


def test_a_repeated_group_counts_once_with_all_its_lines() -> None:
    outcome = _merged(_old(port=b"PORT=26\n", below=b"##NAME: PORT:1\nPORTS=27\n"))

    assert outcome.content is not None
    assert b"PORT=26\nPORTS=27\n##NAME: BANNER" in outcome.content
    assert _problems(outcome) == [("upgrade-repeated-group", "settings:6:1")]


def test_of_a_repeated_group_only_the_template_s_revision_stays_in_force() -> None:
    content = _content(_old(port=b"PORT=26\n", below=b"##NAME: PORT:0\nPORT=24\n"))

    assert b"# Previous setting (revision 0):\n#\n# PORT=24\nPORT=26\n" in content


def test_of_a_template_s_repeated_groups_each_keeps_its_own_lines() -> None:
    template = TEMPLATE + b"##NAME: PORT:1\nPORT=25\n"
    outcome = _merged(_old(port=b"PORT=26\n", below=b"##NAME: PORT:1\nPORT=27\n##NAME: PORT:1\nPORTS=28\n"), template)

    assert outcome.content is not None
    assert b"PORT=26\n##NAME: BANNER" in outcome.content
    assert outcome.content.endswith(b"PORT=27\nPORTS=28\n")
    assert _problems(outcome) == [
        ("preformatted-marker-repeated", "etc/settings.dist:13:1"),
        ("upgrade-repeated-group", "settings:8:1"),
    ]


def test_a_group_called_0_is_carried_over() -> None:
    outcome = _merged(b"##VERSION: 1\n##NAME: 0:1\nZERO=2\n", b"##VERSION: 2\n##NAME: 0:1\nZERO=1\n")

    assert outcome.content is not None
    assert outcome.content.endswith(b"\nZERO=2\n")
    assert _problems(outcome) == [("upgrade-group-name", "settings:2:1")]


def test_a_group_that_the_template_lost_stays_at_the_end() -> None:
    outcome = _merged(_old(below=b"##NAME: GONE:3\n# gone\nGONE=1\n"))

    assert outcome.content == TEMPLATE + (
        b"\n##NAME: GONE:3\n# Not in settings.dist any more; kept by courier-compile upgrade.\n# gone\nGONE=1\n"
    )
    assert outcome.settings[2].fate is Fate.RETIRED


def test_nothing_follows_the_group_that_marks_a_file_as_whole() -> None:
    template = TEMPLATE + b"##NAME: MARKER:0\n# end\n"
    content = _content(_old(below=b"##NAME: GONE:3\nGONE=1\n##NAME: MARKER:0\n# end\n"), template)

    assert content.endswith(b"GONE=1\n##NAME: MARKER:0\n# end\n")


def test_a_file_without_markers_is_kept_in_force_behind_all_defaults() -> None:
    outcome = _merged(b"# old\nPORT=2525\n")

    assert outcome.content is not None
    assert _sourced(outcome.content, ["PORT", "BANNER"]) == ["PORT=2525", "BANNER=hello"]
    assert _problems(outcome) == [("upgrade-no-markers", "settings:1:1")]
    assert _merged(outcome.content, force=True).content == outcome.content


def test_markers_count_even_if_the_version_line_is_too_far_down() -> None:
    outcome = _merged(b"# mine\n" * 20 + _old(port=b"PORT=26\n"))

    assert outcome.content is not None
    assert _sourced(outcome.content, ["PORT"]) == ["PORT=26"]
    assert outcome.content.count(b"# mine\n") == 20
    assert outcome.content.count(b"##VERSION:") == 1
    assert ("upgrade-no-version", "settings:1:1") in _problems(outcome)


def test_where_the_first_of_two_equal_names_counts_it_is_kept_before_all_defaults() -> None:
    content = _content(b"PORT 2525\n", TEMPLATE + b"##NAME: MARKER:0\n")

    assert content.index(b"PORT 2525\n") < content.index(b"##NAME: PORT:1\n")


def test_line_ends_become_the_template_s() -> None:
    dos = _old(port=b"PORT=26\n").replace(b"\n", b"\r\n")
    outcome = _merged(dos)

    assert outcome.content == _content(_old(port=b"PORT=26\n"))
    assert _problems(outcome) == [("upgrade-line-ends", "settings:1:1")]
    assert _content(dos, TEMPLATE.replace(b"\n", b"\r\n")).replace(b"\r\n", b"\n") == outcome.content


def test_comments_that_came_with_the_old_template_are_told_from_own_ones() -> None:
    old = _old(port=b"# Port, as once explained.\n#\n# mine\nPORT=26\n")
    base = _old(port=b"# Port, as once explained.\n#\nPORT=25\n")

    assert b"# Port, as once explained.\n#\n# mine\nPORT=26\n" in _content(old)
    content = _merged(old, base=base).content
    assert content is not None
    assert b"as once explained" not in content
    assert b"#\n# mine\nPORT=26\n" in content


def test_a_marker_without_revision_in_the_old_file_is_a_warning() -> None:
    assert ("preformatted-marker-revision", "settings:4:1") in _problems(_merged(_old(port=b"PORT=26\n##NAME: FOO\n")))


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (b"PORT=1\n", "preformatted-no-version"),
        (TEMPLATE + b"##NAME: FOO\n", "preformatted-marker-revision"),
        (b"##NAME: A:1\n" + TEMPLATE, "preformatted-marker-early"),
    ],
)
def test_a_doubtful_template_changes_nothing(template: bytes, problem: str) -> None:
    outcome = _merged(_old(), template)

    assert outcome.content is None
    assert [found.id for found in outcome.problems] == [problem]


def test_a_problem_on_a_line_with_a_password_shows_no_line() -> None:
    outcome = _merged(_old(port=b"#PORT=26\n#LDAP_BINDPW=hush\n", above=b"LDAP_BINDPW=hush\n"))

    assert [problem.mark for problem in outcome.problems if "above" in problem.says] == [None]
    assert "hush" not in str(outcome.problems)


own_comments = st.sampled_from(
    b"#|##|# mine|#PORT=25|#PORT=26|# PORT=26|# Port to listen on.|##NAME: FOO|# DEFAULT SETTING from settings.dist:"
    b"|# Previous setting (revision 1):|# Not in settings.dist any more; kept by courier-compile upgrade.".split(b"|")
)
own_values = st.sampled_from(b'|0|PORT=26|BANNER="hello"|A="x|y"|B=\'|C=\\| # it\'s'.split(b"|"))
own_markers = st.sampled_from(
    [b"##NAME: PORT:1", b"##NAME: PORT:0", b"##NAME: BANNER:2", b"##NAME: GONE:1", b"##NAME: 0:1", b"##NAME: MARKER:0"]
)
olds = st.tuples(
    st.sampled_from([b"##VERSION: 1", b"##VERSION: 2", b"# none"]),
    st.lists(own_comments | own_values | own_markers, max_size=25),
    st.sampled_from([b"\n", b"\n", b"\r\n"]),
    st.sampled_from([b"\n", b""]),
).map(lambda parts: parts[2].join([parts[0], *parts[1]]) + parts[3])
groups = st.sampled_from(
    [
        b"##NAME: PORT:1\n# Port to listen on.\n\nPORT=25\n",
        b'##NAME: BANNER:2\n\nBANNER="hello"\n\n# more\n',
        b"##NAME: 0:1\n#\n",
        b"##NAME: LOCAL:0\nA=1\n",
        b"##NAME: EMPTY:\n\n\n",
        b"##NAME: GONE:2\n# Previous setting (revision 9):\n# PORT=26\nGONE='\n#\n'\n",
        b"##NAME: MARKER:0\n# end\n",
    ]
)
templates = st.lists(groups, max_size=8).map(
    lambda groups: b"##VERSION: 2\n# from settings.dist\nOUT=1\n\n" + b"".join(groups)
)


@settings(max_examples=1500)
@given(templates, olds)
def test_a_result_is_preformatted_and_merging_it_again_gives_it_back(template: bytes, old: bytes) -> None:
    outcome = _merged(old, template, force=True)
    assert outcome.content is not None

    assert parse(Source("settings", outcome.content)) is not None
    assert _merged(outcome.content, template) == Outcome(None)
    assert _merged(outcome.content, template, force=True).content == outcome.content


def _told(content: bytes) -> set[bytes]:
    """What lines say, commented out or not: without markers, and without what upgrades insert."""
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    inserted = re.compile(rb"##(NAME:.*:|VERSION:).*|# (DEFAULT SETTING from|.*kept by courier).*")
    return {line.lstrip(b"# ") for line in lines if not inserted.fullmatch(line)}


@settings(max_examples=1500)
@given(templates, olds)
def test_no_line_of_the_old_file_is_lost(template: bytes, old: bytes) -> None:
    content = _merged(old, template, force=True).content
    assert content is not None

    assert _told(old) <= _told(content) | {b""}


values = st.sampled_from([b"1", b"'x\n# y\nz'", b'"a\n\n#b"', b"a\\\n#b", b"it\\'s"])


@given(
    st.lists(
        st.tuples(st.sampled_from([b"PORT", b"MORE", b"LESS"]), values, st.sampled_from([b"", b"# mine\n", b"\n"]))
    )
)
@example([(b"PORT", b"1", b"# mine\n"), (b"MORE", b"1", b"# mine\n")])
def test_a_shell_reads_the_same_from_the_result_as_from_the_old_file(
    assignments: list[tuple[bytes, bytes, bytes]],
) -> None:
    port = b"".join(b"%b%b=%b\n" % (between, name, value) for name, value, between in assignments)
    old = _old(port=port + b"# end\n")

    names = ["PORT", "MORE", "LESS", "BANNER"]
    assert _sourced(_content(old), names) == _sourced(old, names)
