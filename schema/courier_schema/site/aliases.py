"""aliases: names that are delivered elsewhere."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from courier_schema.site.base import Section
from courier_schema.words import AliasName, Command, LocalPart, Path, Recipient


class Alias(Section):
    """Where one name is delivered. A bare value is a recipient, a list several."""

    short: ClassVar[str] = "to"

    to: Recipient | list[Recipient] = Field(default=[])
    """Accounts, addresses or other aliases; for a whole domain (`@example.org`) one account or `uucp!path!`."""
    program: Command | list[Command] = Field(default=[])
    """Commands that receive the message on standard input."""
    mailbox: Path | list[Path] = Field(default=[])
    """Mailboxes or maildirs that receive a copy."""
    include: Path | None = None
    """File of further addresses that is read when the alias database is built, on the mail host."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not (self.to or self.program or self.mailbox or self.include):
            raise ValueError("an alias needs a destination: give it to, program, mailbox or include")
        return self


Target = Annotated[Recipient | Annotated[list[Recipient], Field(min_length=1)] | Alias, Field(union_mode="smart")]
"""What stands behind an alias: a recipient, a list of them, or a map for programs, mailboxes and includes."""

Aliases = dict[AliasName, Target]
LocalAliases = dict[LocalPart, Target]


def recipients(target: str | list[str] | Alias) -> list[str]:
    """The recipients that are plain addresses."""
    said = target.to if isinstance(target, Alias) else target
    return [said] if isinstance(said, str) else said
