"""Log lines have the shape that Courier's analysers know, whatever strangers put into them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.observe.log import StreamLog, SyslogLog, value


def test_values_are_cut_and_cannot_break_a_line() -> None:
    assert value("a\nb\tc\x7f") == "a/b.c."
    assert value("x" * 128) == "x" * 128
    assert value("x" * 129) == "x" * 128 + "..."


@given(st.text())
def test_no_value_holds_a_control_character(text: str) -> None:
    assert not any(ord(character) < 32 or ord(character) == 127 for character in value(text))


def test_lines_of_one_turn_leave_together_and_in_order(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    log = StreamLog(descriptor)

    async def talk() -> None:
        log.info("courierd", "first")
        log.error("courierlocal", "second")
        assert (tmp_path / "log").read_text() == ""
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(talk())
    assert (tmp_path / "log").read_text() == "courierd: first\ncourierlocal: second\n"


def test_json_lines_carry_program_level_and_text(tmp_path: Path) -> None:
    log = StreamLog(os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY), "json")
    log.error("courierd", 'a "quoted" thing')
    line = json.loads((tmp_path / "log").read_text())
    assert (line["level"], line["program"], line["message"]) == ("error", "courierd", 'a "quoted" thing')


def test_syslog_gets_facility_mail_and_the_level(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "log"))
        log = SyslogLog(tmp_path / "log")
        log.info("courieresmtpd", "started")
        log.error("courieresmtpd", "failed")
        assert [listener.recv(1000) for _ in range(2)] == [b"<22>courieresmtpd: started", b"<19>courieresmtpd: failed"]


def test_a_log_that_nobody_reads_does_not_stop_the_server(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    StreamLog(write_end).info("courierd", "into the void")
    SyslogLog(tmp_path / "nobody").info("courierd", "into the void")
    with pytest.raises(BrokenPipeError):
        os.write(write_end, b"x")
