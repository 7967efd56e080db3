"""Settings: from settings files to a site that gives the same ones, found by building it and looking.

What a rebuilt installation would have otherwise is said: first in the words of the site language, then under
Courier's own name, then as a variable. Each attempt is looked at again, so an intent that does more or less than it
should is corrected by the next one. What an old release did not have yet stays as the target ships it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from courier_compiler.artefacts import modules as modules_artefact
from courier_compiler.artefacts import settings as settings_artefact
from courier_compiler.context import Context
from courier_compiler.importing.draft import Draft, fits, has, is_printable, own_text
from courier_compiler.importing.installation import Installation, built_installation
from courier_compiler.importing.intents import INTENTS, SERVER_TLS
from courier_compiler.importing.remarks import Remark
from courier_compiler.importing.settings_files import (
    PREFIXES,
    SettingsFile,
    group_of,
    is_of_the_build,
    is_same,
    read_settings,
    row_of,
)
from courier_compiler.profile import Profile, in_force
from courier_compiler.resolve import resolve
from courier_compiler.settings_file import spelt
from courier_schema.legacy.table import rows_by_name
from courier_schema.legacy.tables import table
from courier_schema.legacy.tables.environment import honoured
from courier_schema.legacy.tables.history import former
from courier_schema.report import SitePath
from courier_schema.site.root import Site
from courier_schema.site.validate import parse_site
from courier_schema.source.document import Document
from courier_schema.source.secrets import FileSecret, FixedSecrets
from courier_schema.words import Line, Name

_LISTENERS: Final = (
    ("esmtpd", "ESMTPDSTART", "smtp"),
    ("esmtpd-msa", "ESMTPDSTART", "submission"),
    ("esmtpd-ssl", "ESMTPDSSLSTART", "smtps"),
    ("imapd", "IMAPDSTART", "imap"),
    ("imapd-ssl", "IMAPDSSLSTART", "imaps"),
    ("pop3d", "POP3DSTART", "pop3"),
    ("pop3d-ssl", "POP3DSSLSTART", "pop3s"),
)
_SECTIONS: Final[Mapping[str, SitePath]] = {
    **{file: ("listeners", key) for file, _, key in _LISTENERS},
    **{f"module.{name}": ("queue", "modules", name) for name in ("local", "esmtp", "dsn", "uucp", "fax")},
    "authdaemonrc": ("auth",),
    "sqwebmaild": ("webmail",),
}
"""Where a site says most of what a file is about."""
_SERVERS: Final = ("esmtpd", "esmtpd-ssl", "imapd-ssl", "pop3d-ssl")
_MAILDIRS: Final = ("imapd", "imapd-ssl", "pop3d", "pop3d-ssl", "sqwebmaild")
MINIMUM: Final = {"TLSv1": "1.0", "TLS1": "1.0", "TLSv1.1": "1.1", "TLSv1.2": "1.2"}
"""Values of TLS_PROTOCOL, without the plus signs at their ends, to the oldest version that they allow."""
OF_THE_BUILD: Final = "it names a place of the old build, and the target has its own"
_OBSOLETE: Final = {
    ("imapd", "DEBUG_LOGIN"): "it is a setting of authdaemonrc since the account library is a package of its own",
    ("pop3d", "DEBUG_LOGIN"): "it is a setting of authdaemonrc since the account library is a package of its own",
    ("authdaemonrc", "version"): "the account library has one daemon for all back-ends now",
}
_ROUNDS: Final = 6
_LOOSE: Final = 12
"""Comment lines of one file that are carried although they are about nothing in the site."""
_PLAIN_PATH: Final = re.compile(r"(?:/[\w.-]+)+", re.ASCII)
_BANNER: Final = "Written by courier-compile from"
_HEAVY: Final = ("aliases", "protocol_aliases", "access", "mailbox_access", "files", "routes")
"""Sections that no setting follows from."""


@dataclass(frozen=True)
class Wanted:
    """The settings of the old installation, as a target of today is to have them."""

    files: Mapping[str, SettingsFile]
    draft: Draft
    sysconfdir: str
    prefixes: tuple[str, ...] = field(default=PREFIXES)

    def names(self, file: str, rebuilt: SettingsFile) -> Iterator[str]:
        return iter(dict.fromkeys((*self.files[file].values, *rebuilt.values)))

    def text(self, file: str, name: str) -> str | None:
        """A value in force, with the configuration directory where the target has it."""
        found = self.files[file].values.get(name)
        if found is None:
            return None
        located = moved(found, self.sysconfdir, self.draft.profile.layout.sysconfdir)
        return with_todays_programs(located, self.prefixes, self.draft.profile)

    def is_decided(self, file: str, name: str) -> bool:
        """Whether the old installation has an opinion on a setting that the target shall follow."""
        return not self.why_undecided(file, name)

    def is_private(self, file: str) -> bool:
        """Whether not everybody may read a file, or the one that it is read after."""
        found = (self.files[one].place for one in (file, _base(file)) if one in self.files)
        return not self.draft.private.isdisjoint(found)

    def why_undecided(self, file: str, name: str) -> str:
        """Why a setting of the target stays as it ships it; empty where the old one counts."""
        old, profile = self.files[file], self.draft.profile
        text = self.text(file, name)
        found = row_of(file, name)
        if self._is_off_and_shipped(file, name):
            return "the service is off, and its file says what the target ships"
        if name in old.uncertain:
            return "its value cannot be told without running the script"
        if found is not None and not profile.reads(*found):
            return f"{profile.title} does not read it"
        if name == "TLS_PRIORITY" and text is None and MINIMUM.get(old.values.get("TLS_PROTOCOL", "").rstrip("+")):
            return "it says for GnuTLS what TLS_PROTOCOL says for OpenSSL"
        if text is None:
            return self._why_absence_does_not_count(file, name)
        if found is not None:
            if is_of_the_build(file, name, old.values[name], self.prefixes):
                return OF_THE_BUILD
        elif (file, name) in _OBSOLETE:
            return _OBSOLETE[file, name]
        elif not honoured(file, name) and (gone := former(file, name)):
            return f"no release reads it since {gone.removed}"
        return ""

    def is_shipped(self, file: str, name: str, text: str | None) -> bool:
        """Whether a value is the one that the target ships."""
        base = table(file).overlays
        files = (file, *([base.file] if base else ()))
        shipped = [as_shipped(one, self.draft.profile).values.get(name) for one in files if row_of(one, name)]
        return name in {"prefix", "exec_prefix"} or any(is_same(file, name, text, value) for value in shipped)

    def _is_off_and_shipped(self, file: str, name: str) -> bool:
        key = next((key for listener, _, key in _LISTENERS if listener == file), "")
        if key not in {"submission", "smtps"} or self.draft.said(("listeners", key)) is not None:
            return False
        shipped = {**as_shipped("esmtpd", self.draft.profile).values, **as_shipped(file, self.draft.profile).own}
        own = self.files[file].own.get(name)
        return is_same(file, name, own, as_shipped(file, self.draft.profile).own.get(name)) or is_same(
            file, name, self.text(file, name), shipped.get(name)
        )

    def _why_absence_does_not_count(self, file: str, name: str) -> str:
        found = row_of(file, name)
        if found is not None and not found[1].optional:
            return "the programs need a value"
        old, profile = self.files[file], self.draft.profile
        base = table(file).overlays
        files = (old, *([self.files[base.file]] if base and base.file in self.files else ()))
        if not any(part.is_marked for part in files) and table(file).format != "module":
            return "the old file is from before Courier 0.30 and knows nothing of it, so the target's own value holds"
        groups = {group for part in files if (group := group_of(part.file, name, profile)) is not None}
        if groups and not any(group in part.markers for part in files for group in groups):
            return "the old release had no such setting, and an upgrade adds it as the target ships it"
        return ""


def moved(text: str, old: str, new: str) -> str:
    """A text in which one directory is called otherwise."""
    if old == new:
        return text
    return re.sub(rf"(?<![\w./-]){re.escape(old.rstrip('/'))}(?![\w.-])", new.rstrip("/"), text)


def with_todays_programs(text: str, prefixes: Iterable[str], profile: Profile) -> str:
    """A text in which programs of an old build of Courier, below a directory of their own, are the target's."""
    own = [prefix for prefix in prefixes if prefix not in {"/usr", "/usr/local"}]
    if not any(prefix in text for prefix in own):
        return text
    layout = profile.layout
    programs = {
        "courierlogger": layout.courierlogger,
        "couriertls": f"{layout.bindir}/couriertls",
        "maildrop": layout.maildrop,
        "sendmail": layout.sendmail,
        "preline": f"{layout.bindir}/preline",
    }
    places = "|".join(map(re.escape, own))
    pattern = rf"(?<![\w./-])(?:{places})(?:/[\w.-]+)*/({'|'.join(programs)})(?![\w./-])"
    return re.sub(pattern, lambda found: programs[found[1]], text)


def prefixes_of(files: Mapping[str, SettingsFile]) -> tuple[str, ...]:
    """Where the old build was, as far as its files say."""
    found = [
        *(own.values["prefix"] for own in files.values() if own.values.get("prefix", "").startswith("/")),
        *(
            match[1]
            for own in files.values()
            if (match := re.fullmatch(r"(/.+)/s?bin/couriertls", own.values.get("COURIERTLS", "")))
        ),
    ]
    return tuple(dict.fromkeys((*filter(_PLAIN_PATH.fullmatch, found), *PREFIXES)))


def take_listeners(draft: Draft, files: Mapping[str, SettingsFile]) -> None:
    """Name the services that were started."""
    for file, start, key in _LISTENERS:
        if file not in files:
            continue
        old = files[file]
        base = table(file).overlays
        assigned = old.own.get(start) if base and start in rows_by_name(base) else old.values.get(start)
        if assigned is None and not old.is_marked and key in {"smtp", "imap", "pop3"}:
            draft.note(f"{file} does not say whether the service is started, so the site has it on")
            draft.say(("listeners", key), {})
        elif (assigned or "").strip().lower()[:1] == "y":
            draft.say(("listeners", key), {})
        draft.places[file, start] = ("listeners", key)


def take_common(draft: Draft, wanted: Wanted) -> None:
    """What all servers agree on, where it is not what the target has anyhow: certificates, and the maildir."""
    rebuilt = rebuild(draft)
    _take_minimum(draft, wanted)
    for name, (field_, word) in SERVER_TLS.items():
        files = [file for file in _SERVERS if file in wanted.files]
        texts = {wanted.text(file, name) if wanted.is_decided(file, name) else None for file in files}
        text = texts.pop() if len(texts) == 1 else None
        is_other = any(not is_same(file, name, text, rebuilt[file].values.get(name)) for file in files)
        is_paired = field_ != "key" or draft.said(("tls", "certificate")) is not None
        if text and is_other and is_paired and fits(word, text):
            draft.say(("tls", field_), text)
            draft.places |= {(file, name): ("tls", field_) for file in files}
    maildirs = {wanted.text(file, "MAILDIRPATH") for file in _MAILDIRS if file in wanted.files} - {None}
    if len(maildirs) == 1 and (maildir := maildirs.pop()) != "Maildir":
        draft.say(("account_defaults", "maildir"), maildir)
        draft.places |= {(file, "MAILDIRPATH"): draft.last for file in _MAILDIRS}


def _take_minimum(draft: Draft, wanted: Wanted) -> None:
    """The oldest protocol version, for whichever TLS library the target has."""
    for path, files in ((("tls", "minimum"), _SERVERS), (("sending_tls", "minimum"), ("courierd",))):
        said = {wanted.files[file].values.get("TLS_PROTOCOL", "") for file in files if file in wanted.files}
        if len(said) == 1 and (version := MINIMUM.get(said.pop().rstrip("+"))):
            draft.say(path, version)


def settle(draft: Draft, wanted: Wanted) -> None:
    """Say what is needed until the rebuilt settings are the old ones, as far as the site can say it."""
    attempts: dict[tuple[str, str], int] = {}
    for _ in range(_ROUNDS):
        rebuilt = rebuild(draft)
        differing = dict.fromkeys(differences(wanted, rebuilt))
        # what a file inherits may be right once the file before it is
        first = [(file, name) for file, name in differing if (_base(file), name) not in differing]
        again = [(file, name) for file, name in first if _attempt(draft, wanted, file, name, attempts)]
        if not again:
            break
    for old in wanted.files.values():
        if not _is_ours(old):
            _remark(draft, old)


def _is_ours(old: SettingsFile) -> bool:
    """Whether a former build wrote a file, whose comments are then ours."""
    return any(_BANNER in line for lines in old.comments.values() for line in lines)


def _remark(draft: Draft, old: SettingsFile) -> None:
    """Put the words of a file's administrator above what they are about.

    Those about settings that the site does not mention stand above the section; where they are many they are the
    release's own, which only the hashes of another release would tell.
    """
    file, loose = old.file, list[tuple[SitePath, list[Remark]]]()
    for name, lines in old.comments.items():
        place, remarks = _place_of(draft, file, name), [Remark(old.place, line) for line in lines]
        if old.place in draft.private:
            draft.keep(old.place, remarks)
        elif (name and place[-1:] == (name,)) or draft.places.get((file, name)) == place:
            draft.remark(place, remarks)
        else:
            loose.append((place, [remark for remark in remarks if own_text(remark)]))
    count = sum(len(remarks) for _, remarks in loose)
    if count > _LOOSE:
        draft.note(f"{count} comment lines of {file} about settings that the site does not mention are not carried")
        return
    for place, own in loose:
        draft.remark(place, own, "" if file in place else f"{file}: ")


def _base(file: str) -> str:
    base = table(file).overlays
    return base.file if base else ""


def differences(wanted: Wanted, rebuilt: Mapping[str, SettingsFile]) -> Iterator[tuple[str, str]]:
    """Settings that the old installation decides and a rebuilt one has otherwise."""
    for file in wanted.files:
        made = rebuilt.get(file) or as_shipped(file, wanted.draft.profile)
        for name in wanted.names(file, made):
            is_as_wanted = is_same(file, name, wanted.text(file, name), made.values.get(name))
            if not is_as_wanted and wanted.is_decided(file, name):
                yield file, name


def _attempt(draft: Draft, wanted: Wanted, file: str, name: str, attempts: dict[tuple[str, str], int]) -> bool:
    """Try the next way of saying a setting; False where there is none left."""
    for stage in range(attempts.get((file, name), 0), len(_WAYS)):
        attempts[file, name] = stage + 1
        if _WAYS[stage](draft, wanted, file, name):
            return True
    return False


def _say_in_words(draft: Draft, wanted: Wanted, file: str, name: str) -> bool:
    """A setting in the words of the site language."""
    text, intent = wanted.text(file, name), INTENTS.get(file, {}).get(name)
    if text is None or intent is None:
        return False
    values = {key: wanted.text(file, key) or "" for key in wanted.files[file].values}
    if intent(draft, text, values):
        draft.places[file, name] = draft.last
        return True
    return False


def _say_own(draft: Draft, wanted: Wanted, file: str, name: str) -> bool:
    """A setting under Courier's own name; an inherited value is left to the file before."""
    found, text = row_of(file, name), wanted.text(file, name)
    if found is None:
        return False
    is_inherited = found[0].overlays is not None and name not in wanted.files[file].own
    if text is None or (is_inherited and found[0].file == file):
        draft.say(("settings", file, name), None)
        return True
    return _say_value(draft, wanted, file, name)


def _say_value(draft: Draft, wanted: Wanted, file: str, name: str) -> bool:
    """A setting's value under Courier's own name, even where it is inherited."""
    found, text = row_of(file, name), wanted.text(file, name)
    if found is None or text is None or found[1].secret:
        return False
    try:
        decoded = found[1].codec.decode(text)
        value = decoded if isinstance(decoded, (bool, int)) else text
        found[1].codec.accept(value)
    except ValueError:
        return False
    if isinstance(value, str) and not is_printable(value):
        return False
    draft.say(("settings", file, name), value)
    if isinstance(value, str) and wanted.is_private(file):
        draft.concealed.add(draft.last)
    return True


def _say_variable(draft: Draft, wanted: Wanted, file: str, name: str) -> bool:
    """A variable that the catalogue does not know."""
    text = wanted.text(file, name)
    if text is None or row_of(file, name) is not None or not fits(Line, text) or not fits(Name, name):
        return False
    if table(file).format not in {"shell", "rc"}:
        return False
    draft.say(("environment", file, name), text)
    if wanted.is_private(file):
        draft.concealed.add(draft.last)
    return True


_WAYS: Final = (_say_in_words, _say_own, _say_variable, _say_value)
"""How a setting may be said, the best way first."""


def _place_of(draft: Draft, file: str, name: str) -> SitePath:
    """Where a comment about a setting belongs."""
    if (file, name) in draft.places and has(draft.tree, draft.places[file, name]):
        return draft.places[file, name]
    places: tuple[SitePath, ...] = (
        ("settings", file, name), ("environment", file, name), ("settings", file), ("environment", file),
        *([_SECTIONS[file]] if file in _SECTIONS else ()), ("settings",),
    )  # fmt: skip
    return next((path for path in places if has(draft.tree, path)), ())


def as_shipped(file: str, profile: Profile) -> SettingsFile:
    """A file that the site does not write, as the target's package has it."""
    values = spelt(in_force(file, profile))
    return SettingsFile(file, values, values, {})


def rebuild(draft: Draft) -> dict[str, SettingsFile]:
    """The settings files that the draft gives. AssertionError when it is not a site: that would be our mistake."""
    installation = rebuilt_installation(draft, (settings_artefact.build, modules_artefact.build))
    return read_settings(installation, draft.profile)


def rebuilt_installation(draft: Draft, builders: Iterable[Any]) -> Installation:
    """Some files of the installation that the draft gives."""
    resolved, problems = resolve(*_sound(draft))
    assert resolved is not None, [str(problem) for problem in problems]
    context = Context(resolved, known_secrets(draft), "site.yaml")
    artefacts = [artefact for builder in builders for artefact in builder(context)]
    return built_installation(artefacts, resolved.profile, resolved.me)


def _entry(draft: Draft, path: SitePath) -> SitePath:
    """The last entry of a map on the way to a place, which may be in a list or missing."""
    return next((path[:length] for length in range(len(path), 0, -1) if has(draft.tree, path[:length])), ())


def _sound(draft: Draft) -> tuple[Site, Document]:
    """The draft as a site. What the language refuses after all is taken away and told."""
    light: dict[str, object] = {"submission_access": {}}
    while True:
        document = Document(tree={key: light.get(key, value) for key, value in draft.tree.items() if key not in _HEAVY})
        site, problems = parse_site(document)
        if site is not None:
            return site, document
        for problem in problems:
            path = _entry(draft, problem.path)
            assert path, str(problem)
            says = problem.says if not draft.private else f"a site cannot say {'.'.join(map(str, path))} like that"
            draft.note(f"{says}, so the site does not say it", is_open=True)
            draft.unsay(path)


def known_secrets(draft: Draft) -> FixedSecrets:
    """The secrets of the draft, which has not been written yet."""
    texts = {
        name: content.decode(errors="surrogateescape").removesuffix("\n") for name, content in draft.secrets.items()
    }
    return FixedSecrets({FileSecret(name): text for name, text in texts.items()})
