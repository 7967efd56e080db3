"""The player against a server of a few lines: what holds passes, what differs is shown beside the script."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from dialogue.differences import Difference, UnknownLine, applied, reworded
from dialogue.finding import find_lines, match_lines
from dialogue.patterns import parse_pattern
from dialogue.player import play
from dialogue.recording import generalised
from dialogue.script import parse_script
from dialogue.stage import Stage
from dialogue.steps import Block, Hear, Listener
from dialogue.transcript import Played, side_by_side
from dialogue.wire import visible
from dialogue.zone import Zone

MESSAGE: Final = b"Delivered-To: anna@example.org\nSubject: one\n\nGood day.\n"
HERE: Final = "--- a from 127.0.0.1 to 127.0.0.1"


@dataclass
class SmallServer:
    """Answers from a table, has one message in the mailbox and one line in the log."""

    replies: Mapping[str, bytes]
    inbox: dict[str, bytes] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def start(self, tree: Path, zone: Zone) -> Mapping[Listener, int]:
        raise NotImplementedError(tree, zone)

    def mailbox(self, account: str) -> Mapping[str, bytes]:
        return self.inbox if account == "anna" else {}

    def log(self) -> Sequence[str]:
        return self.lines

    def stop(self) -> None:
        raise NotImplementedError

    def transactions(self) -> Mapping[str, Sequence[str]]:
        return {}


SERVER: Final = SmallServer(
    {
        "": b"220 small ESMTP\r\n",
        "EHLO client.example.net": b"250-small Ok.\r\n250-SIZE\r\n250 DSN\r\n",
        "NOOP": b"250 Ok\r\n",
        "TWICE": b"250 Ok\r\n250 Ok\r\n",
        "SILENCE": b"",
        "AUTH CRAM-MD5": b"334 PDE+\r\n",
        "Ym9yaXMgMTcwM2IwN2RlYjE0NjVhNWFjOGY5YzZkZjM5OTc5NDQ=": b"235 Ok\r\n",
    }
)


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            self._talk()

    def _talk(self) -> None:
        self.wfile.write(SERVER.replies[""])
        for line in self.rfile:
            verb = line.decode().rstrip("\r\n")
            if verb == "QUIT":
                return
            if verb == "DELIVER":
                SERVER.inbox[str(len(SERVER.inbox))] = MESSAGE
                SERVER.lines += ["small: delivered,id=1", "small: something else", "small: completed,id=1"]
            self.wfile.write(SERVER.replies.get(verb, b"500 What?\r\n"))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def played(port: int, *lines: str) -> Played:
    script = parse_script("\n".join(["# A test.", HERE, *lines, ""]))
    return play(script, SERVER, {"smtp": port}, SERVER)


def differs(port: int, *lines: str) -> tuple[int, str]:
    """Line and what happened there."""
    mismatch = played(port, *lines).mismatch
    assert mismatch is not None
    return mismatch.line, mismatch.happened


@pytest.mark.parametrize(
    "lines",
    [
        ["HELLO"],
        ["S: 220 small ESMTP", "C: EHLO client.example.net", "S: 250-small Ok.", "S: 250-SIZE", "S: 250 DSN"],
        ["S* 220", "C: EHLO client.example.net", "S~ 250 DSN", "S~ 250 SIZE", "S~ 250 small Ok."],
        ["S* 220", "C: NOOP", "S within 0s..5s: 250 Ok"],
        ["S* 220", 'C! "NO" "OP\\r\\n"', "S: 250 Ok"],
        ["S* 220", "C: SILENCE", "SILENT 0.1s", "C: NOOP", "S* 250"],
        ["S* 220", "C: QUIT", "CLOSED"],
        ["S* 220", "CLOSE"],
        ["S* 220", "C: AUTH CRAM-MD5", "S: 334 {BASE64}", "C: {cram-md5:boris:open sesame}", "S* 500"],
        ["S: 220 {who:WORD} ESMTP", "C: EHLO client.example.net", "S: 250-{who} Ok.", "S* 250"],
        ["S* 220", f"{HERE.replace('--- a', '--- b')}", "S* 220", "C: NOOP", "S* 250", "--- a", "C: NOOP", "S* 250"],
        ["S* 220", "C: DELIVER", "S* 500", "MAILBOX anna", "| ...", "| Subject: {*}", "|", "| Good day."],
        ["S* 220", "C: DELIVER", "S* 500", "LOG", "| small: delivered,id={id:N}", "| small: completed,id={id}"],
        ["MAILBOX boris nothing", "S* 220", "SINK nothing"],
    ],
)
def test_a_conversation_that_holds_passes(port: int, lines: list[str]) -> None:
    result = played(port, *lines)
    assert result.mismatch is None, side_by_side("", result)


def test_another_answer_is_a_mismatch_at_its_line(port: int) -> None:
    assert differs(port, "S* 220", "C: NOOP", "S: 250 Okay") == (5, "250 Ok")


def test_an_answer_too_many_is_a_mismatch(port: int) -> None:
    assert differs(port, "S* 220", "C: TWICE", "S: 250 Ok", "C: NOOP", "S: 250 Ok") == (0, "250 Ok")
    assert differs(port, "S* 220", "C: TWICE", "S: 250 Ok") == (0, "250 Ok")


def test_an_answer_too_early_is_a_mismatch(port: int) -> None:
    line, happened = differs(port, "S* 220", "C: NOOP", "S within 5s..6s: 250 Ok")
    assert (line, happened[:6]) == (5, "250 Ok")


def test_a_missing_line_of_a_set_and_one_too_many_are_mismatches(port: int) -> None:
    for lines in (["S~ 250 small Ok.", "S~ 250 SIZE"], ["S~ 250 small Ok.", "S~ 250 SIZE", "S~ 250 DSN", "S~ 250 X"]):
        assert differs(port, "S* 220", "C: EHLO client.example.net", *lines) == (
            5,
            "250-small Ok. | 250-SIZE | 250 DSN",
        )


def test_a_code_that_is_not_the_one_is_a_mismatch(port: int) -> None:
    assert differs(port, "S* 220", "C: FOO", "S* 250") == (5, "500 What?")


def test_hanging_up_is_a_mismatch_unless_expected(port: int) -> None:
    assert differs(port, "S* 220", "C: QUIT", "S: 221 Bye.") == (5, "(the server closed the connection)")


def test_nobody_listening_is_a_mismatch(port: int) -> None:
    assert differs(port, "--- b from 127.0.0.1 to 127.0.0.1 at submission")[0] == 3


def test_another_message_is_shown_beside_the_script(port: int) -> None:
    result = played(
        port, "S* 220", "C: DELIVER", "S* 500", "MAILBOX anna", "| ...", "| Subject: two", "|", "| Good day."
    )
    shown = side_by_side("one", result)
    assert ">    8  | Subject: two" in shown
    assert "Subject: one" in shown


def test_a_message_that_was_there_before_is_none_of_the_script(port: int) -> None:
    SERVER.inbox["old"] = MESSAGE
    assert played(port, "S* 220", "MAILBOX anna nothing").mismatch is None


def test_a_message_is_found_once(port: int) -> None:
    lines = ["S* 220", "C: DELIVER", "S* 500", "MAILBOX anna", "| ...", "| Good day.", "MAILBOX anna nothing"]
    assert played(port, *lines).mismatch is None


def test_unknown_answers_are_recorded(port: int) -> None:
    result = played(port, "S: ?", "C: DELIVER", "S: ?", "MAILBOX anna", "| ?")
    assert result.recorded == {
        3: ("S: 220 small ESMTP",),
        5: ("S: 500 What?",),
        7: ("| Delivered-To: anna@example.org", "| Subject: one", "|", "| Good day."),
    }


def test_recorded_lines_match_what_they_were_made_of() -> None:
    said = (
        "id=0000000000000019.000000006B06449F.00000080 {x} Wed, 25 Nov 2026 02:14:55 +0000 port=[4321] TLS1.3,256bits,A"
    )
    assert generalised(said) == "id={ID} {{x}} {DATE} port=[{N}] {TLS}"


def test_control_characters_and_foreign_bytes_are_visible() -> None:
    assert visible(b"a\rb\0c\x07\td\xe9 \xc3\xa9") == "a\\rb\\0c\\x07\td\\xe9 é"


def block(*lines: str) -> Block:
    (step,) = [step for step in parse_script("\n".join(["# T.", *lines])).steps if isinstance(step, Block)]
    return step


def test_any_lines_take_as_few_as_will_do() -> None:
    lines = block("MAILBOX anna", "| ...", "| {x:N}", "| ...", "| {x}").lines
    assert match_lines(lines, ["1", "2", "b", "2"], {}) == {"x": "2"}
    assert match_lines(lines, ["1", "2", "b", "3"], {}) is None


def test_lines_of_the_log_are_found_among_others() -> None:
    lines = block("LOG", "| newmsg {id:N}", "| completed {id}").lines
    assert find_lines(lines, ["newmsg 1", "newmsg 2", "x", "completed 2"], {}) == {"id": "2"}
    assert find_lines(lines, ["completed 1", "newmsg 1"], {}) is None


def test_a_difference_changes_its_line_alone(port: int) -> None:
    script = parse_script("\n".join(["# A test.", HERE, "S* 220", "C: NOOP", "S: 250 Okay", ""]))
    changed = applied(script, [Difference("a/b", 5, ("250 Ok",), "shorter")])
    assert play(changed, SERVER, {"smtp": port}, SERVER).mismatch is None
    assert play(script, SERVER, {"smtp": port}, SERVER).mismatch is not None


def trouble(port: int, *differences: Difference) -> str | None:
    script = parse_script(
        "\n".join(["# A test.", HERE, "S* 220", "C: NOOP", "S: 250 Okay", "C: NOOP", "S: 250 Ok", ""])
    )
    return Stage(SERVER, {"smtp": port}, SERVER, differences).trouble("a/b", script)


def test_a_listed_difference_is_no_trouble(port: int) -> None:
    assert trouble(port, Difference("a/b", 5, ("250 Ok",), "shorter")) is None


def test_a_difference_of_another_script_does_not_count(port: int) -> None:
    shown = trouble(port, Difference("a/c", 5, ("250 Ok",), "shorter"))
    assert shown is not None
    assert "S: 250 Okay" in shown


def test_a_difference_that_no_longer_differs_is_trouble(port: int) -> None:
    shown = trouble(port, Difference("a/b", 5, ("250 Ok",), "shorter"), Difference("a/b", 7, ("{*}",), "anything"))
    assert shown == "a/b:7 no longer differs; take it out of dialogue/differences.py"


def test_a_difference_can_take_a_line_of_a_block_away() -> None:
    script = parse_script("# T.\nMAILBOX anna\n| a\n| b\n")
    (changed,) = [step for step in applied(script, [Difference("a/b", 3, (), "")]).steps if isinstance(step, Block)]
    assert [line.line for line in changed.lines] == [4]


def test_a_difference_can_stand_for_several_lines() -> None:
    script = parse_script("# T.\nMAILBOX anna\n| a\n| b\n| c\n| d\n")
    (changed,) = [
        step for step in applied(script, [Difference("a/b", 4, ("x", "y"), "", 5)]).steps if isinstance(step, Block)
    ]
    assert [line.pattern.source for line in changed.lines if line.pattern] == ["a", "x", "y", "d"]


def test_lines_of_messages_may_be_in_other_words() -> None:
    script = parse_script("# T.\nMAILBOX anna\n| a\n| b\nS: a\n")
    (changed,) = [step for step in reworded(script, {"a": "x"}).steps if isinstance(step, Block)]
    assert [line.pattern.source for line in changed.lines if line.pattern] == ["x", "b"]
    (heard,) = [step for step in reworded(script, {"a": "x"}).steps if isinstance(step, Hear)]
    assert heard.pattern == parse_pattern("a")


def test_a_difference_that_names_no_expectation_is_a_mistake() -> None:
    with pytest.raises(UnknownLine, match="a/b:2"):
        applied(parse_script("# T.\nC: NOOP\n"), [Difference("a/b", 2, ("250 Ok",), "")])
