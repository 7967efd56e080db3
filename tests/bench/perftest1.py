"""The test of Courier's INSTALL document with a thousand messages, the real server and ours side by side, queue and
mailboxes on the same disk. Root, and the packages that CONTRIBUTING names; prints a Markdown table.

    python tests/bench/perftest1.py [--messages 1000] [--disk DIRECTORY]
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dialogue.zone import parse_zone
from real import namespace
from real.machine import Exchange
from real.mail_host import KINDS, build
from real.self_checks import add_users, site
from real.throughput import RECIPIENTS, prepare, run


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--disk", type=Path, help="directory on the disk to use (the system's temporary directory)")
    options = parser.parse_args()
    namespace.enter()
    print("| server | messages | injected in, s | delivered in, s | deliveries/s |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=options.disk) as directory:
        scratch = Path(directory)
        scratch.chmod(0o711)
        exchange = Exchange(parse_zone("example.org MX 10 mx.example.org\nmx.example.org A 198.18.1.10\n"))
        with contextlib.redirect_stdout(sys.stderr):
            tree = build(site("smtp"), scratch)
        for name, kind in KINDS.items():
            host = kind("mx.example.org", "198.18.1.10", tree, scratch / name, disk=scratch / f"{name}-disk")
            try:
                add_users(host.machine)
                prepare(host)
                took = run(host, options.messages, 1200)
            finally:
                host.stop()
            wanted = {f"{recipient}@example.org": options.messages for recipient in RECIPIENTS}
            if took.arrived != wanted or took.bounced:
                sys.exit(f"{name}: {took.arrived}, {took.bounced} bounced")
            rate = len(RECIPIENTS) * options.messages / took.whole
            print(f"| {name} | {options.messages} | {took.injecting:.1f} | {took.whole:.1f} | {rate:.0f} |", flush=True)
        exchange.close()


if __name__ == "__main__":
    main()
