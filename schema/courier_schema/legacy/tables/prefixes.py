"""Constants of the build that some files assign for their own lines below; people have no business with them."""

from typing import Annotated

from courier_schema.legacy.codecs import Path
from courier_schema.legacy.table import Absent, Internal, Named, Table


class Prefixes(Table):
    """Where Courier was installed."""

    prefix: Annotated[Path, Named("prefix"), Absent("empty where used"), Internal()] | None = "${prefix}"
    """Root of the installation."""
    exec_prefix: Annotated[Path, Named("exec_prefix"), Absent("empty where used"), Internal()] | None = "${exec_prefix}"
    """Root of the installed programs."""
