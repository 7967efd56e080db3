"""One frozen dataclass for each template: its fields are all that the template may name, its class says which it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Context:
    """What a template arranges; `template` is its file's name below `files`."""

    template: ClassVar[str]


@dataclass(frozen=True)
class SettingsGroup:
    """One group of a settings file: its marker, sentences without comment marks, and lines of values."""

    marker: str
    comments: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class SettingsFile(Context):
    """A settings file in groups, as sysconftool carries it from release to release."""

    template: ClassVar[str] = "settings.j2"
    version_line: str
    banner: tuple[str, ...]
    groups: tuple[SettingsGroup, ...]


@dataclass(frozen=True)
class TextList(Context):
    """A list of one entry a line, and nothing else: some of its readers know no comments."""

    template: ClassVar[str] = "lines.j2"
    lines: tuple[str, ...]


@dataclass(frozen=True)
class OneLine(Context):
    """A control file of one value."""

    template: ClassVar[str] = "one_line.j2"
    value: str


@dataclass(frozen=True)
class DsnHeader(Context):
    """Beginning of every notification, its MIME header included; courierdsn fills the tokens in."""

    template: ClassVar[str] = "dsn/header.j2"


@dataclass(frozen=True)
class DsnFooter(Context):
    """End of every notification."""

    template: ClassVar[str] = "dsn/footer.j2"


@dataclass(frozen=True)
class DsnDelayed(Context):
    """What stands before the recipients whose mail waits."""

    template: ClassVar[str] = "dsn/delayed.j2"


@dataclass(frozen=True)
class DsnDelivered(Context):
    """What stands before the recipients whose mail arrived."""

    template: ClassVar[str] = "dsn/delivered.j2"


@dataclass(frozen=True)
class DsnFailed(Context):
    """What stands before the recipients whose mail was given up."""

    template: ClassVar[str] = "dsn/failed.j2"


@dataclass(frozen=True)
class DsnRelayed(Context):
    """What stands before the recipients whose mail went on to a server that sends no receipts."""

    template: ClassVar[str] = "dsn/relayed.j2"


@dataclass(frozen=True)
class DsnSubjectNotice(Context):
    """Subject of a final notification."""

    template: ClassVar[str] = "dsn/subject_notice.j2"


@dataclass(frozen=True)
class DsnSubjectWarning(Context):
    """Subject of a notification of delay."""

    template: ClassVar[str] = "dsn/subject_warning.j2"


@dataclass(frozen=True)
class FaxCoverPage(Context):
    """First page of an outgoing fax, in troff with the mm macros and tables; the fax module fills the tokens in."""

    template: ClassVar[str] = "fax/cover_page.j2"


@dataclass(frozen=True)
class QuotaWarning(Context):
    """Message that a maildir near its quota gets, headers included; Date and Message-ID are added on delivery."""

    template: ClassVar[str] = "quota_warning.j2"
    sender: str
    """From header."""
    server: str
    """Name of the mail server."""
