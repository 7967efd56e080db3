"""GDBM databases in pure Python: written in one go, read in place, listed in the library's order."""

from courier_schema.legacy.formats.gdbm.order import traversal, traversal_within
from courier_schema.legacy.formats.gdbm.reader import MalformedDatabase, Reader
from courier_schema.legacy.formats.gdbm.writer import dumps

__all__ = ["MalformedDatabase", "Reader", "dumps", "traversal", "traversal_within"]
