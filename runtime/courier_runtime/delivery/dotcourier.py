"""Delivery instructions: the lines of a `.courier` file or of DEFAULTDELIVERY (dot-courier(5)). Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A maildir or an mbox file, relative to the home directory unless it begins with a slash."""

    path: str


@dataclass(frozen=True, slots=True)
class Program:
    """A shell command that gets the message."""

    command: str


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A shell command that prints further instructions."""

    command: str


@dataclass(frozen=True, slots=True)
class Forward:
    """Addresses to send the message on to."""

    addresses: tuple[str, ...]


Instruction = Mailbox | Program | Dynamic | Forward


def parse(text: str) -> tuple[Instruction, ...]:
    """Every instruction, in order. Comments and blank lines are none; a backslash at its end continues a line."""
    lines = text.replace("\\\n", "").split("\n")
    return tuple(found for line in lines if (found := _instruction(line.strip())) is not None)


def _instruction(line: str) -> Instruction | None:
    if not line or line.startswith("#"):
        return None
    if line.startswith("||"):
        return Dynamic(line[2:].strip())
    if line.startswith("|"):
        return Program(line[1:].strip())
    if line.startswith(("./", "/")):
        return Mailbox(line.rstrip("/") or "/")
    addresses = (address.strip() for address in line.lstrip("&!").split(","))
    return Forward(tuple(address for address in addresses if address))
