"""Side by side with the real tools: the same generated input, whole processes timed from outside, one after the other.

Prints a Markdown table; `--json FILE` keeps every run. Without Courier on the machine only ours is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

COMPILER: Final = str(Path(sys.executable).with_name("courier-compile"))
EXAMPLE: Final = Path(__file__).parents[2] / "site-examples/small-office"
MAKEALIASES: Final = Path("/usr/sbin/makealiases")
MAKEDAT: Final = Path("/usr/lib/courier/makedat")
MAKEUSERDB: Final = Path("/usr/sbin/makeuserdb")
LARGE: Final = 1_000_000

Command = Sequence[str | Path]


# -- measuring ------------------------------------------------------------------------------------------------


@dataclass
class Runs:
    """One command, run several times."""

    seconds: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)
    """Resident memory of the largest process."""

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        if not self.seconds:
            return "-"
        return f"{self.median:.3f} ({min(self.seconds):.3f}-{max(self.seconds):.3f})"

    @property
    def memory(self) -> str:
        return f"{max(self.peak_mib):.0f}" if self.peak_mib else "-"


@dataclass
class Row:
    """One line of the result: the same work, done by us and by the real tool."""

    what: str
    goal: str
    ours: Runs = field(default_factory=Runs)
    real: Runs = field(default_factory=Runs)
    against: str = ""

    @property
    def factor(self) -> str:
        return f"{self.real.median / self.ours.median:.1f}" if self.real.seconds else "-"

    def __str__(self) -> str:
        cells = (self.what, self.ours, self.ours.memory, self.against or "-", self.real, self.real.memory, self.factor)
        return f"| {' | '.join(map(str, cells))} | {self.goal} |"


HEAD: Final = (
    "| work | ours, s: median (min-max) | MiB | real tool | real, s: median (min-max) | MiB | times faster | goal |\n"
    "|---|---|---|---|---|---|---|---|"
)


def once(command: Command, runs: Runs) -> None:
    """Run a command to its end and note time and memory. SystemExit when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} fails: {complaint.decode(errors='replace')}")
    runs.seconds.append(taken)
    runs.peak_mib.append(usage.ru_maxrss / 1024)


def side_by_side(row: Row, ours: Command, real: Command | None, times: int, clear: Callable[[], None]) -> Row:
    """Alternate both commands, after one run of ours that fills the caches and is not counted."""
    once(ours, Runs())
    for _ in range(times):
        clear()
        once(ours, row.ours)
        if real is not None:
            clear()
            once(real, row.real)
    return row


# -- inputs ---------------------------------------------------------------------------------------------------


def plain_alias(i: int) -> str:
    return f"alias{i:07d}: box{i:07d}@example.net\n"


def mixed_alias(i: int) -> str:
    """One in ten is a list, one in twenty stands in another domain, one in twenty names another alias."""
    match i % 20:
        case 3 | 13:
            return f"team{i:07d}: box{i:07d}@example.net, box{i + 1:07d}@example.net, box{i:07d}@example.org\n"
        case 7:
            return f"info{i:07d}@hosted{i % 1000:04d}.example: box{i:07d}@example.net\n"
        case 17:
            return f"other{i:07d}: team{i - 4:07d}, box{i:07d}@example.net\n"
        case _:
            return plain_alias(i)


def netblock(i: int) -> str:
    """Each is four keys: the third octet is where whole prefixes end."""
    return f"{20 + (i >> 14)}.{i >> 6 & 255}.{(i & 63) * 4}.0/22\tallow,RELAYCLIENT\n"


def hosted_domain(i: int) -> str:
    return f"domain{i:07d}.example\tdomain{i % 500 * 2:07d}.example\n" if i % 2 else f"domain{i:07d}.example\n"


def account(i: int) -> str:
    home = f"home=/srv/mail/{i:07d}|uid=5000|gid=5000|mail=/srv/mail/{i:07d}/Maildir"
    return f"user{i:07d}@example.com\tsystempw=$1$salt$hash{i:07d}|{home}\n"


def site(aliases: int, domains: int) -> Iterator[str]:
    """A whole site in YAML: hosted domains with an even share of the aliases each."""
    yield "site: example.com\nhost: {name: mx.example.com, postmaster: admin@example.net}\ndomains:\n"
    yield "  example.com: {}\n"
    for domain in range(domains):
        yield f"  domain{domain:04d}.example:\n    kind: hosted\n    aliases:\n"
        for i in range(domain, aliases, domains):
            yield f"      alias{i:07d}: box{i:07d}@example.net\n"


# -- one configuration directory and its tools ----------------------------------------------------------------


class Workshop:
    """A configuration directory in scratch space, and the real tools made to work there, where there are any."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.etc = scratch / "etc"
        (self.etc / "aliasdir").mkdir(parents=True)
        for name, text in (("me", "mx.example.com\n"), ("defaultdomain", "example.com\n"), ("locals", "example.com\n")):
            (self.etc / name).write_text(text)
        if MAKEALIASES.exists():
            script = MAKEALIASES.read_text().replace('sysconfdir="/etc/courier"', f'sysconfdir="{self.etc}"')
            (scratch / "makealiases").write_text(script)

    def write(self, name: str, line: Callable[[int], str], count: int) -> None:
        """Make a source of so many lines."""
        with (self.etc / name).open("w") as file:
            file.writelines(map(line, range(count)))
        (self.etc / name).chmod(0o600)

    def clear(self) -> None:
        """Remove all databases, so that every run writes anew."""
        for path in self.etc.glob("*.dat"):
            path.unlink()

    def tables(self, name: str) -> Command:
        return (COMPILER, "tables", self.etc, "--only", name, "--host-name", "mailhost")

    def makealiases(self) -> Command | None:
        return ("/bin/sh", self.scratch / "makealiases") if MAKEALIASES.exists() else None

    def makedat(self, name: str, *options: str) -> Command | None:
        if not MAKEDAT.exists():
            return None
        base = self.etc / name
        return (MAKEDAT, f"-src={base}", f"-file={base}.dat", f"-tmp={base}.tmp", *options)

    def makeuserdb(self) -> Command | None:
        return (MAKEUSERDB, "-f", self.etc / "userdb") if MAKEUSERDB.exists() else None


# -- what is compared -----------------------------------------------------------------------------------------


def alias_rows(shop: Workshop, sizes: Sequence[int]) -> Iterator[Row]:
    for line, kind in ((plain_alias, "plain"), (mixed_alias, "lists and nested ones among them")):
        for size in sizes if kind == "plain" else [size for size in sizes if size >= 100_000]:
            goal = "5" if size >= 100_000 else "2" if size >= 10_000 else ""
            shop.write("aliases", line, size)
            row = Row(f"tables: {size:,} aliases, {kind}", goal, against="makealiases")
            yield side_by_side(row, shop.tables("aliases"), shop.makealiases(), _times(size), shop.clear)


def table_rows(shop: Workshop, size: int) -> Iterator[Row]:
    for name, line, goal, real in (
        ("smtpaccess", netblock, "3", shop.makedat("smtpaccess", "-cidr")),
        ("hosteddomains", hosted_domain, "", shop.makedat("hosteddomains")),
        ("userdb", account, "", shop.makeuserdb()),
    ):
        shop.write(name, line, size)
        against = "makeuserdb" if name == "userdb" else "makedat -cidr" if name == "smtpaccess" else "makedat"
        row = Row(f"tables: {size:,} lines of {name}", goal, against=against)
        yield side_by_side(row, shop.tables(name), real, _times(size), shop.clear)


def site_rows(shop: Workshop, aliases: int, domains: int) -> Iterator[Row]:
    """A whole site against makealiases on the same aliases."""
    place = shop.scratch / "site"
    place.mkdir()
    with (place / "site.yaml").open("w") as file:
        file.writelines(site(aliases, domains))
    shop.write("aliases", lambda i: f"alias{i:07d}@domain{i % domains:04d}.example: box{i:07d}@example.net\n", aliases)
    whole = f"site of {aliases:,} aliases, {domains:,} domains"
    for verb, goal, options in (
        ("check", "4", ()),
        ("build", "2; under 1024 MiB", ("-o", str(shop.scratch / "build"))),
    ):
        row = Row(f"{verb}: {whole}", goal, against="makealiases")
        yield side_by_side(row, (COMPILER, verb, place, *options), shop.makealiases(), 3, shop.clear)


def small_rows() -> Iterator[Row]:
    for words, goal in (("--version", "under 0.1 s"), (f"check {EXAMPLE}", "under 0.3 s")):
        row = Row(f"courier-compile {words.replace(str(EXAMPLE), 'small-office')}", goal)
        yield side_by_side(row, (COMPILER, *words.split()), None, 9, lambda: None)


def stages(place: Path) -> Iterator[tuple[str, float]]:
    """Where the time of a build goes, in this process: seconds of each stage."""
    clock = time.perf_counter
    started = clock()
    from courier_compiler import pipeline
    from courier_compiler.build import build, manifest
    from courier_compiler.host import LocalHost
    from courier_compiler.tree import write_tree
    from courier_schema.source.loader import load
    from courier_schema.source.secrets import MaskedSecrets

    yield "import", clock() - started
    started = clock()
    load(place)
    loaded = clock() - started
    yield "load YAML", loaded
    started = clock()
    (reading,) = pipeline.read(place)
    yield "parse, resolve", clock() - started - loaded
    started = clock()
    pipeline.check(reading, LocalHost())
    yield "check", clock() - started
    assert reading.resolved is not None
    started = clock()
    made = build(reading.resolved, MaskedSecrets(), "site")
    yield "make files", clock() - started
    started = clock()
    write_tree(place / "out", made.artefacts, manifest(reading.resolved, made.artefacts))
    yield "write", clock() - started


def _times(size: int) -> int:
    return 5 if size < 100_000 else 3


# -- the whole run --------------------------------------------------------------------------------------------


def rows(shop: Workshop, full: bool) -> Iterator[Row]:
    yield from small_rows()
    yield from alias_rows(shop, [1_000, 10_000, 100_000, *([LARGE] if full else [])])
    yield from table_rows(shop, 100_000)
    yield from site_rows(shop, 100_000, 1_000)


def main() -> None:
    given = argparse.ArgumentParser(description="Measure courier-compile side by side with the real tools.")
    given.add_argument("--full", action="store_true", help="a million aliases, too (some minutes)")
    given.add_argument("--json", type=Path, metavar="FILE", help="keep the time and memory of every run")
    options = given.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="courier-bench-"))
    # installed programs have their byte code at hand; where this machine keeps none, make it here
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(scratch / "byte-code")
    try:
        measured = measure(Workshop(scratch), options.full)
        profile = dict(stages(scratch / "site"))
    finally:
        shutil.rmtree(scratch)
    print("\n| stage of that build | s |\n|---|---|")
    print("\n".join(f"| {name} | {seconds:.3f} |" for name, seconds in profile.items()))
    if options.json:
        options.json.write_text(json.dumps({"rows": [asdict(row) for row in measured], "stages": profile}, indent=1))


def measure(shop: Workshop, full: bool) -> list[Row]:
    """Print each row as soon as it is there."""
    if shop.makealiases() is None:
        print("There is no Courier on this machine, so only courier-compile is measured.\n")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} processors, load before: {load}\n\n{HEAD}")
    measured = []
    for row in rows(shop, full):
        print(row, flush=True)
        measured.append(row)
    return measured


if __name__ == "__main__":
    main()
