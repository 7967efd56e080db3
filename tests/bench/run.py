"""Side by side with the real tools: the same generated input, whole processes timed from outside, one after the other.

Prints Markdown tables; `--only NAME,NAME` measures some, `--json FILE` keeps every run. Without Courier on the machine,
or without root for its daemons, only ours is measured.
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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import mail

COMPILER: Final = str(Path(sys.executable).with_name("courier-compile"))
EXAMPLE: Final = Path(__file__).parents[2] / "site-examples/small-office"
MAKEALIASES: Final = Path("/usr/sbin/makealiases")
MAKEDAT: Final = Path("/usr/lib/courier/makedat")
MAKEUSERDB: Final = Path("/usr/sbin/makeuserdb")
LARGE: Final = 1_000_000

Command = Sequence[str | Path]
Shown = TypeVar("Shown")


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
    if process.returncode not in (0, 3):  # 3: a plan has something to do
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


class Watched:
    """A watch in its own process, which says when a round is over."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def save(self, file: Path, text: str, runs: Runs) -> None:
        """Save a file, and note the time until the round that this starts is over."""
        time.sleep(0.2)
        started = time.perf_counter()
        file.write_text(text)
        self.await_round()
        runs.seconds.append(time.perf_counter() - started)
        peak = Path(f"/proc/{self.process.pid}/status").read_text().partition("VmHWM:")[2].split()[0]
        runs.peak_mib.append(int(peak) / 1024)

    def await_round(self) -> None:
        assert self.process.stdout is not None
        ends = ("up to date after", "stays in force after")
        if not any(end in line for line in self.process.stdout for end in ends):
            sys.exit("the watch has ended")


@contextmanager
def watch(site: Path, root: Path) -> Iterator[Watched]:
    """A watch after its first round."""
    command = [COMPILER, "watch", str(site), "--apply", str(root), "--no-owners", "--loss", "100"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    watched = Watched(process)
    try:
        watched.await_round()
        yield watched
    finally:
        process.terminate()
        process.communicate()


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

    def set_aside(self, build: Path) -> None:
        """Take all databases and a build away, so that every run writes anew.

        The build is kept: making files is slow for some time after a thousand were deleted, and that would be what is
        measured.
        """
        self.clear()
        if build.exists():
            build.rename(self.scratch / f"{build.name} {time.monotonic_ns()}")

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
    build = shop.scratch / "build"
    for verb, goal, options in (
        ("check", "4", ()),
        ("build", "2; under 1024 MiB", ("-o", build)),
    ):
        row = Row(f"{verb}: {whole}", goal, against="makealiases")
        command = (COMPILER, verb, place, *options)
        yield side_by_side(row, command, shop.makealiases(), 3, partial(shop.set_aside, build))


def plan_row(shop: Workshop, aliases: int, domains: int) -> Iterator[Row]:
    """One alias of many is changed: the plan against the build before names it and no other; beside it, a build.
    SystemExit when it names anything else."""
    place, build, other = (shop.scratch / name for name in ("planned site", "planned build", "other build"))
    place.mkdir()
    file = place / "site.yaml"
    text = "".join(site(aliases, domains))
    file.write_text(text)
    once((COMPILER, "build", place, "-o", build), Runs())
    file.write_text(text.replace("box0000042@example.net", "elsewhere@example.net"))
    command: Command = (COMPILER, "plan", place, "--against", build, "--no-owners")
    told = subprocess.run([*map(str, command), "--format", "json"], capture_output=True, check=False).stdout
    entries = {one["key"] for change in json.loads(told)["plans"][0]["changes"] for one in change["differences"]}
    if {entry.partition("@")[0] for entry in entries} != {"alias0000042"}:
        sys.exit(f"the plan names {sorted(entries)[:9]}")
    row = Row(f"plan: one of {aliases:,} aliases, {domains:,} domains, changed", "0.5", against="our build")
    again = (COMPILER, "build", place, "-o", other)
    yield side_by_side(row, command, again, 3, partial(shop.set_aside, other))


def watch_rows(shop: Workshop) -> Iterator[Row]:
    """From a save to the applied tree, and from a broken save to the word about it, in a watch that runs already."""
    for name, text, old, new, goal in (
        ("small-office", (EXAMPLE / "site.yaml").read_text(), "info: anna", "info: [anna, boris]", "under 1 s"),
        ("10,000 aliases", "".join(site(10_000, 100)), "box0000042@", "elsewhere@", "under 5 s"),
    ):
        place = shop.scratch / f"watched {name}"
        shutil.copytree(EXAMPLE, place)
        for secret in (place / "secrets").iterdir():
            secret.chmod(0o600)
        file = place / "site.yaml"
        file.write_text(text)
        good, broken = Row(f"watch: save to applied tree, {name}", goal), Row(f"watch: a broken save, {name}", "0.5 s")
        with watch(place, shop.scratch / f"root of {name}") as watched:
            for turn in range(6):
                watched.save(file, f"{text}\n[", broken.ours)
                watched.save(file, text if turn % 2 else text.replace(old, new), good.ours)
        yield from (good, broken)


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

Group = Callable[[Workshop, bool], Iterator[Row]]

GROUPS: Final[Mapping[str, Group]] = {
    "start": lambda shop, full: small_rows(),
    "watch": lambda shop, full: watch_rows(shop),
    "aliases": lambda shop, full: alias_rows(shop, [1_000, 10_000, 100_000, *([LARGE] if full else [])]),
    "tables": lambda shop, full: table_rows(shop, 100_000),
    "site": lambda shop, full: site_rows(shop, 100_000, 1_000),
    "plan": lambda shop, full: plan_row(shop, 100_000, 1_000),
}
"""The compiler: the work on `site` is what the stages of a build look at."""

MAIL_GROUPS: Final[Mapping[str, tuple[str, Callable[[Path], Iterable[mail.Loads | mail.Fact]]]]] = {
    "mail": (mail.LOADS_HEAD, mail.load_rows),
    "perftest1": (mail.FACTS_HEAD, mail.perftest_rows),
    "idle": (mail.FACTS_HEAD, mail.idle_rows),
    "large": (mail.FACTS_HEAD, mail.large_rows),
    "deferred": (mail.FACTS_HEAD, mail.deferred_rows),
    "reload": (mail.FACTS_HEAD, mail.reload_rows),
}
"""The runtime."""


def main() -> None:
    names = (*GROUPS, *MAIL_GROUPS)
    given = argparse.ArgumentParser(description="Measure both halves of the project side by side with the real tools.")
    given.add_argument("--full", action="store_true", help="a million aliases, too (some minutes)")
    given.add_argument("--only", default=",".join(names), metavar="NAMES", help=f"some of {', '.join(names)}")
    given.add_argument("--json", type=Path, metavar="FILE", help="keep what every run came to")
    options = given.parse_args()
    wanted = options.only.split(",")
    if set(wanted) - set(names):
        given.error(f"there are only {', '.join(names)}")
    scratch = Path(tempfile.mkdtemp(prefix="courier-bench-"))
    scratch.chmod(0o755)  # servers of other users look inside
    # installed programs have their byte code at hand; where this machine keeps none, make it here
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(scratch / "byte-code")
    try:
        kept = measure(scratch, wanted, options.full)
    finally:
        shutil.rmtree(scratch)
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1))


def measure(scratch: Path, wanted: Sequence[str], full: bool) -> dict[str, Any]:
    """Print each row as soon as it is there."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} processors, load before: {load}")
    kept: dict[str, Any] = {}
    if any(name in GROUPS for name in wanted):
        shop = Workshop(scratch)
        if shop.makealiases() is None:
            print("There is no Courier on this machine, so only courier-compile is measured.")
        made = (row for name, group in GROUPS.items() if name in wanted for row in group(shop, full))
        kept["rows"] = [asdict(row) for row in shown(HEAD, made)]
    if "site" in wanted:
        kept["stages"] = dict(stages(scratch / "site"))
        print("\n| stage of that build | s |\n|---|---|")
        print("\n".join(f"| {name} | {seconds:.3f} |" for name, seconds in kept["stages"].items()))
    for name, (head, make) in MAIL_GROUPS.items():
        if name in wanted:
            kept[name] = [asdict(row) for row in shown(head, make(scratch / name))]
    return kept


def shown(head: str, rows: Iterable[Shown]) -> Iterator[Shown]:
    """The rows, each printed as soon as it is there."""
    print(f"\n{head}")
    for row in rows:
        print(row, flush=True)
        yield row


if __name__ == "__main__":
    main()
