"""Texts: a queued message's headers and body, in memory or in a part of a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

CHUNK: Final = 64 * 1024
"""Bytes read at a time."""


class HeldText:
    """A text that is in memory, and perhaps in a file as well."""

    __slots__ = ("_content", "_place")

    def __init__(self, content: bytes, place: tuple[str, int] | None = None) -> None:
        self._content = content
        self._place = place

    @property
    def size(self) -> int:
        return len(self._content)

    @property
    def place(self) -> tuple[str, int] | None:
        return self._place

    def whole(self) -> bytes | None:
        return self._content

    def chunks(self) -> Iterable[bytes]:
        return (self._content[at : at + CHUNK] for at in range(0, len(self._content), CHUNK))


class StoredText:
    """A text in one piece of a file. Raises OSError when read from a file that has gone."""

    __slots__ = ("_offset", "_path", "_size")

    def __init__(self, path: str, offset: int, size: int) -> None:
        self._path, self._offset, self._size = path, offset, size

    @property
    def size(self) -> int:
        return self._size

    @property
    def place(self) -> tuple[str, int] | None:
        return self._path, self._offset

    def whole(self) -> bytes | None:
        return None

    def chunks(self) -> Iterator[bytes]:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            at = 0
            while at < self._size:
                found = os.pread(descriptor, min(CHUNK, self._size - at), self._offset + at)
                if not found:
                    raise OSError(f"{self._path} ends before the text does")
                at += len(found)
                yield found
        finally:
            os.close(descriptor)


class GrowingText:
    """A text whose beginning is in a file already, and whose end is not."""

    __slots__ = ("_parts", "_stored")

    def __init__(self, stored: StoredText, parts: tuple[bytes, ...]) -> None:
        self._stored, self._parts = stored, parts

    @property
    def size(self) -> int:
        return self._stored.size + sum(map(len, self._parts))

    @property
    def place(self) -> tuple[str, int] | None:
        return None if self._parts else self._stored.place

    def whole(self) -> bytes | None:
        return None

    def chunks(self) -> Iterator[bytes]:
        yield from self._stored.chunks()
        for part in self._parts:
            yield from HeldText(part).chunks()
