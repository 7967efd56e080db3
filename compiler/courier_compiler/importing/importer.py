"""Importer: from an installation to the draft of its site, section by section.

Lists, tables and control files come first, because the settings are found by looking at what the site so far gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from courier_compiler.importing.access import access_places, take_access
from courier_compiler.importing.accounts import take_accounts
from courier_compiler.importing.aliases import take_aliases
from courier_compiler.importing.backends import take_backends
from courier_compiler.importing.control import take_control
from courier_compiler.importing.domains import take_domains
from courier_compiler.importing.draft import Draft, printable
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.policy import take_policy
from courier_compiler.importing.privacy import is_private, private_files
from courier_compiler.importing.rest import take_rest
from courier_compiler.importing.routes import take_routes
from courier_compiler.importing.settings import Wanted, prefixes_of, settle, take_common, take_listeners
from courier_compiler.importing.settings_files import SettingsFile, read_settings
from courier_compiler.importing.shipped import is_shipped
from courier_compiler.importing.texts import leave_our_own_texts, take_texts
from courier_compiler.importing.unplaced import take_unplaced
from courier_compiler.importing.virtual_hosts import take_virtual_hosts
from courier_compiler.profile import Profile
from courier_schema.legacy.tables import FILES
from courier_schema.site.root import Site

_TABLES = {"access": "smtpaccess", "submission_access": "smtpaccess-msa", "mailbox_access": "imapaccess"}
_NAMED = 4
"""Files that a note names one by one."""
_NAMING = {"access": ("esmtpd", "ACCESSFILE"), "submission_access": ("esmtpd-msa", "ACCESSFILE"),
           "mailbox_access": ("imapd", "IMAPACCESSFILE")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Imported:
    """The site of an installation, and its settings as a target of today is to have them."""

    draft: Draft
    wanted: Wanted


def import_site(
    installation: Installation, profile: Profile, secrets: str = "secrets", files: str = "files"
) -> Imported:
    """The draft of a site for a target. `secrets` and `files` are the directories beside the site."""
    draft = Draft(profile, secrets, files, private=private_files(installation))
    if profile.name != "debian-12":
        draft.say(("profile",), profile.name)
    old = read_settings(installation, profile)
    draft.taken |= set(FILES) & installation.files.keys()
    _note_links(draft, installation)
    take_control(draft, installation)
    take_listeners(draft, old)
    take_domains(draft, installation)
    take_accounts(draft, installation, old)
    take_aliases(draft, installation)
    take_access(draft, installation, old)
    take_routes(draft, installation)
    take_policy(draft, installation)
    take_texts(draft, installation)
    take_virtual_hosts(draft, installation)
    _note_scripts(draft, old)
    today = _with_tables_moved(take_backends(draft, old), installation, profile)
    wanted = Wanted(today, draft, installation.sysconfdir, prefixes_of(old))
    take_common(draft, wanted)
    settle(draft, wanted)
    leave_our_own_texts(draft, installation)
    take_rest(draft, installation)
    take_unplaced(draft, installation, old)
    _restrict(draft, installation)
    return Imported(_ordered(draft), wanted)


def _note_links(draft: Draft, installation: Installation) -> None:
    """What of the directory is not as it was found."""
    for name, target in installation.followed.items():
        draft.note(f"{installation.where(name)} is a link to {target}: what is there is in the site, and not the link")
    for name, reason in installation.left_out.items():
        draft.note(f"{installation.where(name)} {reason}", is_open=True)


def _with_tables_moved(
    files: Mapping[str, SettingsFile], installation: Installation, profile: Profile
) -> dict[str, SettingsFile]:
    """The settings with the access tables where a site has them."""
    moved = dict(files)
    for section, place in access_places(installation, files).items():
        file, name = _NAMING[section]
        if file in files and place and name in files[file].values:
            path = f"{profile.layout.sysconfdir}/{_TABLES[section]}"
            for at in (file, *(["esmtpd-msa", "esmtpd-ssl"] if file == "esmtpd" else [])):
                if at in moved and installation.inside(moved[at].values.get(name, "")) == place:
                    own = {**moved[at].own, **({name: path} if name in moved[at].own else {})}
                    moved[at] = replace(moved[at], own=own, values={**moved[at].values, name: path})
    return moved


def _note_scripts(draft: Draft, files: Mapping[str, SettingsFile]) -> None:
    """What only a shell could carry out is kept in the words of the file, as a comment or among the secrets."""
    seen = set()
    for file, old in files.items():
        for part in old.opaque:
            if part.mark in seen:
                continue
            seen.add(part.mark)
            is_private = part.mark.file in draft.private
            first = "something" if is_private else f"`{part.text.strip().splitlines()[0]}`"
            draft.note(f"{file}: {first} is {part.reason}", part.mark, is_open=True)
            kept = (f"  {printable(line)}" for line in part.text.splitlines())
            words = (f"{file} had this, which is not carried out:", *kept)
            if is_private:
                draft.kept.setdefault(part.mark.file, []).extend(words)
            else:
                draft.comments.setdefault(("settings",), []).extend(words)


def _restrict(draft: Draft, installation: Installation) -> None:
    """Keep the site from others where it has words of files that were kept from them."""
    private = [name for name in installation.files if is_private(installation, name) and draft.is_taken(name)]
    said = [name for name in private if not is_shipped(installation.files[name].content)]
    draft.restricted.extend(map(installation.where, said))
    if said:
        first = ", ".join(said[:_NAMED]) + (f" and {len(said) - _NAMED} more" if len(said) > _NAMED else "")
        draft.note(f"only its owner may read the site, because it says what stands in {first}")


def _ordered(draft: Draft) -> Draft:
    """Sections in the order in which people read them."""
    draft.tree = {key: draft.tree[key] for key in Site.model_fields if key in draft.tree}
    return draft
