"""The files module.NAME: how many deliveries each module runs at a time."""

from typing import Annotated, Literal

from courier_schema.legacy.codecs import Count, NumberCodec, Positive, TextCodec
from courier_schema.legacy.table import Absent, Internal, Table

Program = Annotated[str, TextCodec(r"[^\s#][^#]*", "write a path, with arguments after it", noun="a program")]
One = Annotated[int, NumberCodec(least=1, most=1)]


class Module(Table):
    """One delivery module."""

    name: Annotated[str, TextCodec(r"\w+", "write one word", noun="a module name"), Internal()] = ""
    """Name of the module, for the build."""
    priority: Annotated[Count, Internal()] = 0
    """Place among the modules, for the build."""
    prog: Annotated[Program, Absent("the module takes mail but delivers none")] | None = None
    """Program that delivers, seen from the module's directory."""
    maxdels: Annotated[Positive, Absent("1")] | None = None
    """Deliveries that the module runs at a time."""
    maxhost: Annotated[Positive, Absent("1")] | None = None
    """Deliveries to one host, or one account, at a time."""
    maxrcpt: Annotated[Positive, Absent("1")] | None = None
    """Recipients that share one delivery."""


class ModuleDsn(Module, file="module.dsn", format="module"):
    """Delivery status notifications."""

    name: Literal["dsn"] = "dsn"
    priority: Count = 99
    prog: Program | None = "./courierdsn"
    maxdels: Positive | None = 4
    maxrcpt: One | None = None


class ModuleEsmtp(Module, file="module.esmtp", format="module"):
    """Mail that leaves by SMTP."""

    name: Literal["esmtp"] = "esmtp"
    priority: Count = 50
    prog: Program | None = "./courieresmtp"
    maxdels: Positive | None = 40
    maxhost: Positive | None = 4
    maxrcpt: Positive | None = 100


class ModuleFax(Module, file="module.fax", format="module"):
    """Mail that leaves as fax; the module refuses any other limits than one."""

    name: Literal["fax"] = "fax"
    priority: Count = 45
    prog: Program | None = "./courierfax"
    maxdels: One | None = 1
    maxhost: One | None = 1
    maxrcpt: One | None = 1


class ModuleLocal(Module, file="module.local", format="module"):
    """Mail for accounts of this host."""

    name: Literal["local"] = "local"
    priority: Count = 10
    prog: Program | None = "./courierlocal"
    maxdels: Positive | None = 10
    maxhost: Positive | None = 4
    maxrcpt: One | None = None


class ModuleUucp(Module, file="module.uucp", format="module"):
    """Mail that leaves by UUCP."""

    name: Literal["uucp"] = "uucp"
    priority: Count = 5
    prog: Program | None = "./courieruucp"
    maxdels: Positive | None = 4
    maxhost: Positive | None = 4
    maxrcpt: Positive | None = 16
