"""delivery: what happens to mail for an account that has no instructions of its own."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from courier_schema.site.base import Section
from courier_schema.words import Command, Identifier, Lines, Path, RelativePath


class Destination(Section):
    """One default: exactly one of its keys."""

    one_of: ClassVar[tuple[str, ...]] = ("maildir", "mbox", "program", "filter", "instructions")

    maildir: RelativePath | None = None
    """A maildir, relative to the home directory."""
    mbox: RelativePath | None = None
    """A mailbox file, relative to the home directory."""
    program: Command | None = None
    """A command that receives the message on standard input."""
    filter: Literal["maildrop", "procmail"] | None = None
    """Hand the message to maildrop or procmail, which decide."""
    instructions: Lines | None = None
    """Courier delivery instructions, verbatim."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        return self._give_one()


class Instructions(Section):
    """Delivery instructions for addresses that are neither accounts nor aliases (a file in `aliasdir`)."""

    short: ClassVar[str] = "lines"

    lines: Lines
    """The instructions, one per line, as in .courier files."""


class Delivery(Section):
    """Local delivery."""

    default: Destination | None = None
    """Where mail goes by default; ./Maildir when absent (DEFAULTDELIVERY)."""
    forward_files: bool = False
    """Also obey .forward files (dotforward)."""
    dynamic: bool | None = None
    """Let programs print further instructions (DYNAMICDELIVERIES)."""
    maildrop: Path | None = None
    """Path of maildrop."""
    recipient_filter: Path | None = None
    """Program that filters for each recipient while the SMTP client waits (`maildropfilter`)."""
    alias_filter_home: Path | None = None
    """Home directory of the account whose filter serves aliases (`aliasfilteracct`)."""
    maildrop_rules: Lines | None = None
    """maildrop instructions that run before every personal file (`maildroprc`)."""
    maildrop_includes: dict[Identifier, Lines] = Field(default={})
    """Files that embedded filters may include (`maildroprcs`)."""
    quota_warning: Lines | None = None
    """Complete message placed into a maildir that passes its quota threshold (`quotawarnmsg`)."""
    shared_folders: dict[Identifier, Path] = Field(default={})
    """Shared maildirs that everybody sees (`maildirshared`)."""
    shared_index: Lines | None = None
    """Index of accounts with shared folders (`shared/index`)."""
    dotfiles: dict[Identifier, Instructions] = Field(default={})
    """Instructions by address: `sales` is aliasdir/.courier-sales, `default` catches everything."""
    skeleton: Path | None = None
    """Directory copied to create missing home directories (AUTH_MKHOMEDIR_SKEL)."""
