"""Berkeley DB hash databases, for a Courier built `--with-db=db`, through the optional berkeleydb package.

Unlike every other module of this package it touches the file system: the library reads and writes named
files only, so each call works on a file in a private temporary directory that is gone when it returns.
Two files of the same records differ in their identifier; compare the records, not the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from courier_schema.legacy.formats.records import Records, unique
from courier_schema.report import CourierSiteError

_MAGIC = frozenset({b"\x61\x15\x06\x00", b"\x00\x06\x15\x61"})
"""What stands at byte 12 of a DB_HASH database, in the byte order of the machine that made it (db_hash(5))."""
_REMEDY = "install Berkeley DB 5.3 with its headers (libdb5.3-dev), then: pip install 'courier-compile[berkeley]'"


def is_database(beginning: bytes) -> bool:
    """Whether a file that begins so is meant to be a database of this format; the library is not needed."""
    return beginning[12:16] in _MAGIC


def dumps(records: Records) -> bytes:
    """A new database file (access method DB_HASH, the library's default sizes) with these records.

    Raises ValueError for a key that occurs twice, CourierSiteError without the berkeleydb package or when
    the library fails.
    """
    library = _library()
    with _scratch_file() as path:
        with _open(library, path, library.DB_CREATE) as database:
            for key, value in sorted(unique(records).items()):
                database.put(key, value)
        return path.read_bytes()


def loads(data: bytes) -> dict[bytes, bytes]:
    """The records of a database file.

    Raises CourierSiteError without the berkeleydb package, and when the bytes are not a DB_HASH database.
    """
    library = _library()
    with _scratch_file() as path:
        path.write_bytes(data)
        _verify(library, path)
        with _open(library, path, library.DB_RDONLY) as database:
            return dict(database.items())


def _library() -> Any:
    try:
        return import_module("berkeleydb.db")
    except ImportError as error:
        raise CourierSiteError(f"Berkeley DB is not available ({error}); {_REMEDY}") from error


@contextmanager
def _scratch_file() -> Iterator[Path]:
    with TemporaryDirectory(prefix="courier-berkeley-") as directory:
        yield Path(directory, "database")


def _verify(library: Any, path: Path) -> None:
    """A cut or damaged file can pass for an empty one when it is only read, so all its pages are checked."""
    try:
        library.DB().verify(str(path))
    except library.DBError as error:
        raise CourierSiteError("not a Berkeley DB database, or a damaged one") from error


@contextmanager
def _open(library: Any, path: Path, flags: int) -> Iterator[Any]:
    database = library.DB()
    try:
        database.open(str(path), None, library.DB_HASH, flags)
        yield database
    except library.DBError as error:
        raise CourierSiteError(f"Berkeley DB: {error.args[-1]}".replace(f"{path}: ", "")) from error
    finally:
        database.close()
