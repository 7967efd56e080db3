"""Accounts: the records of userdb in the words of a site, or the file as it is where there are no words for one.

Password hashes stand in a file of their own, apart from everything else that the site says of an account.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from courier_compiler.importing.draft import Draft, fits
from courier_compiler.importing.installation import File, Installation
from courier_compiler.importing.intents import account_options
from courier_compiler.importing.settings_files import SettingsFile
from courier_compiler.importing.tables import read_database
from courier_schema.legacy.formats import gdbm, userdb
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.legacy.formats.source import Source
from courier_schema.legacy.formats.userdb import SourceFacts, parse_fields
from courier_schema.report import SitePath
from courier_schema.words import Hash, Line, LocalPart, Path, RelativePath, Uid

LOCATION: Final = b"_"
"""The field that says from which file of a directory a record came."""

_LIBRARY: Final = "authdaemonrc"
_MODULES: Final = "authmodulelist"
_MODULE: Final = "authuserdb"
_PASSWORDS: Final = {
    b"systempw": "", b"esmtppw": "smtp", b"imappw": "imap", b"pop3pw": "pop3", b"webmailpw": "webmail",
    b"calendarpw": "calendar",
}  # fmt: skip
_FIELDS: Final = frozenset((b"uid", b"gid", b"home", b"shell", b"mail", b"quota", b"gecos", b"options", LOCATION))
_DES: Final = re.compile(r"[./0-9A-Za-z]{13}")
_QUOTA: Final = re.compile(r"(?:([0-9]+)S)?,?(?:([0-9]+)C)?|([0-9]+)C,([0-9]+)S")


@dataclass(frozen=True)
class Accounts:
    """The two tables of userdb, and the sources if there are any."""

    public: Mapping[bytes, bytes]
    shadow: Mapping[bytes, bytes]
    sources: tuple[Source, ...] = ()


class _Unsayable(Exception):
    """A site has no words for an account."""


def read_accounts(installation: Installation) -> Accounts | None:
    """The accounts of an installation; None where it has no userdb."""
    if "userdb" in installation.files:
        sources: tuple[Source, ...] = (installation.source("userdb"),)
    else:
        names = userdb.select(installation.below("userdb"))
        sources = tuple(Source(name, installation.files[f"userdb/{name}"].content) for name in names)
    public = read_database(installation, "userdb.dat")
    if sources and not (_is_link(installation) and public is not None):
        facts = SourceFacts(is_directory="userdb" not in installation.files, mode=0o600)
        made = userdb.compile_userdb(sources, facts=facts)
        return Accounts(made.public, made.shadow, sources)
    return None if public is None else Accounts(public, read_database(installation, "userdbshadow.dat") or {})


def _is_link(installation: Installation) -> bool:
    """Whether makeuserdb refuses the source because it is a symbolic link."""
    found = installation.files.get("userdb")
    return "userdb" in installation.followed or (found is not None and found.link is not None)


def take_accounts(draft: Draft, installation: Installation, files: Mapping[str, SettingsFile]) -> None:
    """Say every account; those that the library was never told to ask are carried, and stay unused."""
    draft.taken |= {"userdb", "userdb.dat", "userdbshadow.dat", "userdb.lock"}
    draft.taken |= {f"userdb/{name}" for name in installation.below("userdb")}
    accounts = read_accounts(installation)
    if accounts is None or not accounts.public:
        return
    if _is_link(installation) and not accounts.sources:
        draft.note("userdb.dat counts and not its source: that is a symbolic link, which makeuserdb refuses")
    if not _are_asked(files):
        place = files[_LIBRARY].marks.get(_MODULES)
        draft.note(
            "authmodulelist does not name authuserdb, so userdb is carried as it is and nobody logs in by it", place
        )
        _carry(draft, accounts)
        return
    if _LIBRARY not in files:
        draft.note(f"there is no {_LIBRARY} that says whether the accounts of userdb were in use; the site has them on")
    try:
        said = [_account(draft, login, accounts) for login in accounts.public]
    except _Unsayable as reason:
        draft.note(f"{reason}, so userdb is carried as it is, with its databases")
        _carry(draft, accounts)
        return
    owner = _common_owner(said)
    home = _common_home(draft, said)
    for path, account, hashes in said:
        _say(draft, path, account, hashes, owner, home)


def _are_asked(files: Mapping[str, SettingsFile]) -> bool:
    """Whether the account library looks into userdb, as far as can be told."""
    modules = files[_LIBRARY].values.get(_MODULES) if _LIBRARY in files else None
    return modules is None or _MODULE in modules.split()


_Said = tuple[SitePath, dict[str, Any], dict[str, str]]


def _account(draft: Draft, login: bytes, accounts: Accounts) -> _Said:
    """The place of an account, what is said of it, and its hashes by service."""
    name = login.decode(errors="surrogateescape")
    public = parse_fields(accounts.public[login])
    shadow = parse_fields(accounts.shadow.get(login, b""))
    shadow.pop(b"", None)
    unknown = (public.keys() - _FIELDS) | (shadow.keys() - _PASSWORDS.keys() - {LOCATION})
    if unknown:
        raise _Unsayable(f"a site has no words for one of the fields of the account {name}")
    texts = {key.decode(): value.decode(errors="surrogateescape") for key, value in public.items()}
    account: dict[str, Any] = {
        "uid": _number(name, texts, "uid"), "gid": _number(name, texts, "gid"), "home": texts.get("home", ""),
    }  # fmt: skip
    for key, field, word in (("mail", "maildir", RelativePath), ("gecos", "name", Line), ("shell", "shell", Path)):
        if texts.get(key):
            account[field] = _checked(name, key, texts[key], word)
    _checked(name, "home", account["home"], Path)
    if texts.get("quota"):
        account["quota"] = _quota(name, texts["quota"])
    if texts.get("options"):
        options = account_options(texts["options"])
        if not options:
            raise _Unsayable(f"a site has no words for the options of the account {name}")
        account["options"] = options
    hashes = {
        _PASSWORDS[key]: _hash(name, value.decode(errors="surrogateescape"))
        for key, value in shadow.items()
        if key in _PASSWORDS
    }
    return _path(draft, name), account, hashes


def _number(name: str, texts: Mapping[str, str], field: str) -> int:
    text = texts.get(field, "")
    if not re.fullmatch(r"[0-9]{1,10}", text) or not fits(Uid, int(text)):
        raise _Unsayable(f"the {field} of the account {name} is none that a site can say")
    return int(text)


def _checked(name: str, field: str, text: str, word: object) -> str:
    if not fits(word, text):
        raise _Unsayable(f"the {field} of the account {name} is none that a site can say")
    return text


def _quota(name: str, text: str) -> dict[str, int]:
    found = _QUOTA.fullmatch(text.strip())
    if found is None:
        raise _Unsayable(f"the quota of the account {name} is none that a site can say")
    size, count = found[1] or found[4], found[2] or found[3]
    return {**({"size": int(size)} if size else {}), **({"messages": int(count)} if count else {})}


def _hash(name: str, text: str) -> str:
    """A hash as a site says it; the traditional form gets the name of its scheme."""
    if _DES.fullmatch(text):
        return f"{{CRYPT}}{text}"
    if not fits(Hash, text):
        raise _Unsayable(f"the password of the account {name} has no form that a site knows")
    return text


def _path(draft: Draft, name: str) -> SitePath:
    local, at, domain = name.rpartition("@")
    form = normal_form(domain)
    if not at and fits(LocalPart, name):
        return ("accounts", name)
    said = draft.said(("domains", form))
    is_home = isinstance(said, dict) and said.get("kind") == "hosted" and "alias_of" not in said
    if not is_home or not fits(LocalPart, local) or domain != form:
        raise _Unsayable(f"{domain} of the account {name} is no hosted domain")
    return ("domains", form, "accounts", local)


def _common_owner(said: list[_Said]) -> tuple[int, int]:
    return Counter((account["uid"], account["gid"]) for _, account, _ in said).most_common(1)[0][0]


def _common_home(draft: Draft, said: list[_Said]) -> str:
    """The pattern that most home directories follow."""
    patterns: Counter[str] = Counter()
    for path, account, _ in said:
        user, domain = str(path[-1]), str(path[1]) if path[0] == "domains" else ""
        pattern = account["home"]
        if domain:
            pattern = pattern.replace(f"/{user}@{domain}", "/{address}").replace(f"/{domain}", "/{domain}", 1)
        head, _, tail = pattern.rpartition("/")
        patterns[f"{head}/{{user}}" if tail == user else pattern] += 1
    return patterns.most_common(1)[0][0]


def _say(
    draft: Draft, path: SitePath, account: dict[str, Any], hashes: dict[str, str], owner: tuple[int, int], home: str
) -> None:
    if draft.said(("account_defaults", "home")) is None and "{" in home:
        draft.say(("account_defaults", "home"), home)
    if draft.said(("account_defaults", "uid")) is None:
        draft.say(("account_defaults", "uid"), owner[0])
        draft.say(("account_defaults", "gid"), owner[1])
    entry = {key: value for key, value in account.items() if key not in {"uid", "gid", "home"}}
    if account["uid"] != owner[0]:
        entry = {"uid": account["uid"], **entry}
    if account["gid"] != owner[1]:
        entry = {"gid": account["gid"], **entry}
    if "{" not in home or account["home"] != _filled(draft, home, path):
        entry = {"home": account["home"], **entry}
    draft.say(path, entry)
    if "" in hashes:
        draft.hide((*path, "password"), hashes[""])
    others = {service: text for service, text in hashes.items() if service}
    if others:
        draft.hide((*path, "passwords"), others)


def _filled(draft: Draft, home: str, path: SitePath) -> str:
    user = str(path[-1])
    domain = str(path[1]) if path[0] == "domains" else str(draft.tree["site"])
    return home.replace("{user}", user).replace("{domain}", domain).replace("{address}", f"{user}@{domain}")


def _carry(draft: Draft, accounts: Accounts) -> None:
    """Let the site carry the source, joined to one file, and the databases that are made of it."""
    joined = b"".join(source.content.rstrip(b"\n") + b"\n" for source in accounts.sources)
    for name, content, mode in (
        ("userdb", joined or _as_source(accounts), 0o600),
        ("userdb.dat", gdbm.dumps(accounts.public), 0o644),
        ("userdbshadow.dat", gdbm.dumps(accounts.shadow), 0o600),
    ):
        place = draft.carry_beside(name, File(content, mode), is_private=True)
        draft.say(("files", name), {"from_file": place, "mode": f"{mode:04o}"})


def _as_source(accounts: Accounts) -> bytes:
    """A source that gives the same records."""
    lines = [
        login + b"\t" + value + (b"|" + accounts.shadow[login] if login in accounts.shadow else b"") + b"\n"
        for login, value in accounts.public.items()
    ]
    return b"".join(lines)
