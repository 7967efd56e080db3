"""The file webmlmrc: the daemon behind the web pages of mailing lists.

The web program reads PORT without a shell, so that value stands in the file without any quoting.
"""

from typing import Annotated

from courier_schema.legacy.codecs import PlainPath, Positive, WordsCodec
from courier_schema.legacy.table import Absent, Table
from courier_schema.legacy.tables.tcpd import Logger, LoggerOptions

Directories = Annotated[
    tuple[str, ...],
    WordsCodec(":", pattern=r"/[\w./+@%=,-]*", noun="a directory", remedy="write an absolute path without blanks"),
]


class Webmlmrc(Logger, Table, file="webmlmrc"):
    """The daemon webmlmd."""

    port: PlainPath = "${localstatedir}/webmlm"
    """Socket between the web program and the daemon."""
    pidfile: PlainPath = "${PORT}.pid"
    """File with the daemon's process id."""
    prefork: Positive = 3
    """Processes that wait for requests."""
    loggeropts: Annotated[LoggerOptions, Absent("the logger's defaults")] | None = ()
    lists: Annotated[Directories, Absent("the boot script leaves the daemon alone")] | None = None
    """Directories of the lists that are served; one owner for all, and each with a last name of its own."""
