"""Virtual hosts: files with the suffix of an address or domain, in the words of a site."""

from __future__ import annotations

from typing import Any, Final

from courier_compiler.importing.control import number
from courier_compiler.importing.draft import Draft, fits, is_printable
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.privacy import is_private
from courier_schema.legacy.formats.domains import DomainList, first_line, normal_form
from courier_schema.words import Domain, HostName, IpAddress, RelativePath

_FIELDS: Final[dict[str, tuple[str, Any]]] = {
    "me": ("name", HostName),
    "msgidhost": ("message_id_domain", Domain),
    "esmtphelo": ("helo", HostName),
    "ipout": ("source_ipv4", IpAddress),
    "ip6out": ("source_ipv6", IpAddress),
}


def take_virtual_hosts(draft: Draft, installation: Installation) -> None:
    """Say every virtual host; what has no words there is among its files."""
    for declaration in [name for name in installation.files if name.startswith("vhost.")]:
        suffix = declaration.removeprefix("vhost.")
        if (fits(IpAddress, suffix) or fits(Domain, suffix)) and normal_form(suffix) == suffix:
            _take(draft, installation, suffix)
            draft.taken.add(declaration)


def _take(draft: Draft, installation: Installation, suffix: str) -> None:
    path = ("virtual_hosts", suffix)
    draft.say(path, {})
    ending = f".{suffix}"
    for name in installation.files:
        bare = name.removesuffix(ending)
        if bare == name or bare == "vhost" or not bare:
            continue
        content = installation.files[name].content
        text = content.decode(errors="surrogateescape")
        line = first_line(content)
        if bare in _FIELDS and fits(_FIELDS[bare][1], line) and text in {line, f"{line}\n"}:
            draft.say((*path, _FIELDS[bare][0]), line)
        elif bare == "sizelimit":
            draft.say((*path, "max_message_size"), number(line))
        elif bare == "locals" and _is_plain_list(content, installation.host_name):
            draft.say((*path, "local_domains"), _entries(content, installation.host_name))
        elif bare.endswith(".dat") or is_private(installation, name):
            draft.carry(installation, name)
        elif is_printable(text) and fits(RelativePath, bare):
            draft.say((*path, "files", bare), text)
        else:
            continue
        draft.taken.add(name)


def _entries(content: bytes, host_name: str) -> list[str]:
    return [normal_form(entry) for entry in DomainList.parse(content, host_name).entries]


def _is_plain_list(content: bytes, host_name: str) -> bool:
    entries = _entries(content, host_name)
    return bool(entries) and fits(list[Domain], entries)
