"""testmxlookup: the mail servers of domains, as the server's client would find them. `@ADDRESS` names name servers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence

from courier_runtime.delivery.esmtp.own import own_addresses
from courier_runtime.dns.names import NULL_MX, mapped
from courier_runtime.dns.resolver import DnsResolver
from courier_runtime.seams import BadRecords, Exchange, LookupFailed, NoSuchName, Resolver


def main(arguments: list[str] | None = None) -> int:
    """Look up."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    servers = [server for word in words if word.startswith("@") for server in word[1:].split(",")]
    domains = [word for word in words if not word.startswith(("@", "-"))]
    lines, is_good = asyncio.run(look_up(domains, DnsResolver(servers)))
    for line in lines:
        print(line)
    return 0 if is_good else 1


async def look_up(domains: Sequence[str], resolver: Resolver) -> tuple[list[str], bool]:
    """What to print, and whether every domain has mail servers."""
    lines: list[str] = []
    is_good = True
    for domain in domains:
        try:
            lines += [f"Domain {domain}:", *_shown(await resolver.exchanges(domain))]
            continue
        except NoSuchName:
            lines.append(f"{domain}: hard error.")
        except LookupFailed:
            lines.append(f"{domain}: soft error.")
        except BadRecords:
            lines.append(f"{domain}: bad DNS records (recursive CNAME).")
        is_good = False
    return lines, is_good


def _shown(exchanges: Sequence[Exchange]) -> Iterator[str]:
    own = own_addresses()
    if [exchange.host for exchange in exchanges] == [NULL_MX]:
        yield "no mail."
        return
    for exchange in exchanges:
        for address in exchange.addresses:
            local = " [ LOCAL ]" if address in own else ""
            yield f"Relay: {exchange.host}, Priority: {exchange.preference}, Address: {mapped(address)}{local}"


if __name__ == "__main__":
    sys.exit(main())
