"""Alias sources from definitions: a text that `parse_aliases` and `makealiases` read back as what was said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from courier_schema.legacy.formats.address import fault, render, split_list, tokenise

WIDTH: Final = 78
"""Columns that a line may fill before the list is continued on the next one."""
_INDENT: Final = b"        "
_SPECIAL_START: Final = ("|", "/", ":include:")
_UNWRITABLE: Final = re.compile(r"[#\x00\n\r]")


def dump_aliases(definitions: Iterable[tuple[str, Sequence[str]]]) -> bytes:
    """One definition for each name, long lists folded; no definition for a name without recipients.

    Names and addresses must be in the form that the database stores or one that leads to it; a single
    recipient that starts with `|`, `/` or `:include:` is the instruction that Courier takes it for. Raises
    ValueError, with the reason, for what the language cannot express.
    """
    lines = (_definition(name, recipients) for name, recipients in definitions if recipients)
    return b"".join(lines)


def _definition(name: str, recipients: Sequence[str]) -> bytes:
    _check_name(name)
    if len(recipients) == 1 and recipients[0].startswith(_SPECIAL_START):
        _check_text(recipients[0])
        if recipients[0] != recipients[0].strip():
            raise ValueError(f"`{recipients[0]}` ends in white space, which is not kept")
        return _bytes(f"{name}: {recipients[0]}\n")
    for recipient in recipients:
        _check_recipient(recipient, is_virtual=name.startswith("@"))
    return folded(_bytes(name), [_bytes(recipient) for recipient in recipients])


def folded(name: bytes, recipients: Sequence[bytes]) -> bytes:
    """A definition whose lines break between addresses, in the way of `makealiases -dump`."""
    parts = [name, b": "]
    column = len(name)
    for position, recipient in enumerate(recipients):
        column += len(b", ") + len(recipient)
        if position and column > WIDTH:
            parts.append(b",\n" + _INDENT)
            column = len(_INDENT) + len(recipient)
        elif position:
            parts.append(b", ")
        parts.append(recipient)
    return b"".join((*parts, b"\n"))


def _check_text(text: str) -> None:
    found = _UNWRITABLE.search(text)
    if found:
        raise ValueError(f"`{text!r}` contains {found[0]!r}, which a source file cannot hold")


def _check_name(name: str) -> None:
    _check_text(name)
    if ":" in name:
        raise ValueError(f"the name `{name}` contains a colon, which ends a name")
    _check_address(name)


def _check_recipient(recipient: str, *, is_virtual: bool) -> None:
    _check_text(recipient)
    if not recipient:
        raise ValueError("an empty recipient ends a list; what follows it would get no mail")
    if recipient.startswith(_SPECIAL_START):
        raise ValueError(f"`{recipient}` must be the only recipient of its definition")
    if not is_virtual:
        _check_address(recipient)
    addresses = [render(tokens) for tokens in split_list(tokenise(_bytes(recipient)))]
    if addresses != [_bytes(recipient)]:
        raise ValueError(f"`{recipient}` is not one address in a list, but {len(addresses)}")


def _check_address(address: str) -> None:
    tokens = tokenise(_bytes(address))
    reason = fault(tokens)
    if reason is not None:
        raise ValueError(f"Courier refuses the address `{address}`: {reason}")
    if render(tokens) != _bytes(address) or not tokens:
        raise ValueError(f"`{address}` would be read as `{render(tokens).decode(errors='replace')}`")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
