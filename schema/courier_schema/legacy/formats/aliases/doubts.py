"""What is wrong with alias definitions: one sentence and one remedy for every mistake.

Errors are the refusals of `aliasexp`; warnings are what it accepts without a word although it loses the text,
or stores something that no lookup will ever find.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from courier_schema.legacy.formats.address import AddressError, Rewriter, Tokens
from courier_schema.legacy.formats.aliases.definitions import Definitions
from courier_schema.legacy.formats.aliases.records import split
from courier_schema.legacy.formats.domains import lower, normal_form
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem, Severity

_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "alias-without-colon": (
            "this is not a definition: it has no colon",
            "write `name: recipient`, or indent the line and leave no empty line or comment above it",
        ),
        "alias-bad-address": (
            "Courier refuses the address `{address}`: {reason}",
            "correct the address; the whole build fails because of it",
        ),
        "alias-bad-default-domain": (
            "the default domain `{domain}` makes every address without a domain invalid",
            "correct `defaultdomain` (or `me`, which stands in for it); blanks at its end count",
        ),
        "alias-program-name": (
            "no delivery file can be named after this alias: its name is empty or longer than {limit} bytes",
            "give the alias a shorter name, or one at all",
        ),
        "alias-include-relative": (
            "the included file `{file}` is not an absolute path",
            "write `:include:/...` without a blank behind the second colon",
        ),
        "alias-include-unreadable": (
            "the included file `{file}` cannot be read: {why}",
            "create the file, or remove the definition",
        ),
        "alias-include-directory": (
            "`{file}` is a directory, so nothing is included",
            "name a file",
        ),
        "alias-line-lost": (
            "the last line has no newline, so Courier loses it",
            "end the file with a newline",
        ),
        "alias-no-final-newline": (
            "the last line has no newline and is read only because another file follows",
            "end the file with a newline",
        ),
        "alias-carriage-return": (
            "the lines end in a carriage return and a newline",
            "end lines with a newline only, as Courier's other files demand",
        ),
        "alias-nul-byte": (
            "a NUL byte hides the rest of the line",
            "remove the byte",
        ),
        "alias-empty": (
            "`{name}` has no recipients, so no alias is stored",
            "name a recipient, or remove the definition",
        ),
        "alias-empty-recipient": (
            "an empty recipient ends the list: nobody behind it gets the mail",
            "remove `<>`",
        ),
        "alias-recipient-literal": (
            "`{address}` is an address here, not a program, a mailbox or an included file",
            "write programs, paths and `:include:` as the only text behind the colon, one definition for each",
        ),
        "alias-other-local-domain": (
            "`{name}` can never match: addresses in local domains are looked up in `{domain}`",
            "name the alias without a domain",
        ),
        "alias-case-never-matches": (
            "`{name}` can never match: its local part is lower-cased before the lookup",
            "write the local part in lower case",
        ),
        "alias-quoted-name": (
            "`{name}` only matches an address that is written in quotes too",
            "remove the quotes",
        ),
        "alias-name-with-blank": (
            "the name `{name}` contains a blank and can never match",
            "write one name in front of the colon",
        ),
        "alias-name-without-domain": (
            "`{name}` can never match: addresses are looked up with a domain",
            "write the domain behind the name",
        ),
        "alias-name-missing": (
            "nothing stands before the colon",
            "name the alias",
        ),
        "alias-default-domain-encoded": (
            "no local alias can match: the default domain `{domain}` is not in the form that is stored, `{normal}`",
            "write `defaultdomain` (or `me`, which stands in for it) as `{normal}`",
        ),
        "alias-virtual-domain-list": (
            "`{name}` has several recipients, each of which gets the mail for the whole domain",
            "name one account, or define the addresses of the domain one by one",
        ),
        "alias-virtual-domain-address": (
            "`{address}` is an address, but a virtual domain needs an account name to build addresses with",
            "write the local part of a local account",
        ),
        "alias-virtual-domain-catch-all": (
            "`{name}` takes all mail of the local domains that has no alias, existing accounts included",
            "remove it, or use a `.courier-default` file for unknown addresses",
        ),
        "alias-virtual-domain-elsewhere": (
            "`{name}` makes addresses in `{me}`, which is not a local domain, so the mail leaves the server",
            "list the name in `me` in `locals`",
        ),
        "alias-loop": (
            "`{name}` only leads back to itself through other aliases, so it is not stored",
            "give one of the aliases a recipient outside the circle",
        ),
        "alias-recipient-lost": (
            "`{name}` loses {lost}, because aliases that name each other are not expanded in full",
            "break the circle: let no alias lead back to itself through another one",
        ),
        "alias-file-skipped": (
            "the file is not read: there is a blank in its name",
            "rename the file",
        ),
        "alias-file-leftover": (
            "the file looks like a left-over copy, and it is read like any other",
            "remove the file, or begin its name with a dot",
        ),
    }
)


def problem(id_: str, mark: Mark | None, severity: Severity = Severity.WARNING, **facts: object) -> Problem:
    """The problem of this id at a place, its sentences completed with the facts."""
    says, remedy = _WORDS[id_]
    return Problem(id_, says.format(**facts), remedy.format(**facts), mark, severity=severity)


@dataclass(slots=True)
class Doubts:
    """Judges what a reader of alias sources meets, and adds what it finds to the definitions' problems."""

    rewriter: Rewriter
    definitions: Definitions
    quiet_domains: set[bytes] = field(default_factory=set)
    """Domains in which a name of plain lower-case letters is beyond doubt."""
    empty: dict[bytes, Mark] = field(default_factory=dict)
    """Definitions without recipients, for the reader to note."""
    _virtual: dict[bytes, Mark] = field(default_factory=dict)
    _default_domain: bytes = field(init=False)
    _default_domain_refused: bool = False

    def __post_init__(self) -> None:
        self._default_domain = lower(self.rewriter.default_domain)

    def report(self, id_: str, mark: Mark | None, severity: Severity = Severity.WARNING, **facts: object) -> None:
        """Add a problem."""
        self.definitions.problems.append(problem(id_, mark, severity, **facts))

    def about_text(self, source: Source) -> None:
        """Bytes that a text file should not hold; each kind is reported once for a file."""
        for id_, wrong in (("alias-carriage-return", b"\r\n"), ("alias-nul-byte", b"\0")):
            if (at := source.content.find(wrong)) >= 0:
                before = source.content[:at]
                column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
                self.report(id_, Mark(source.name, before.count(b"\n") + 1, column))

    def about_last_line(self, file: str, line: int, text: bytes, *, is_lost: bool) -> None:
        """A last line without a newline; one that holds only a comment is nothing to lose."""
        if text:
            id_, severity = (
                ("alias-line-lost", Severity.WARNING) if is_lost else ("alias-no-final-newline", Severity.NOTE)
            )
            self.report(id_, Mark(file, line), severity)

    def about_refusal(self, error: AddressError, tokens: Tokens, mark: Mark) -> None:
        """An address that stops the build; a bad default domain is reported once, not for each of them."""
        if self.rewriter.blames_default_domain(tokens):
            if not self._default_domain_refused:
                self._default_domain_refused = True
                domain = self.rewriter.locality.default_domain
                self.report("alias-bad-default-domain", mark, Severity.ERROR, domain=domain)
            return
        address = _text(error.address)
        self.report("alias-bad-address", mark, Severity.ERROR, address=address, reason=error.reason)

    def about_name(self, name: bytes, mark: Mark) -> None:
        """A name that no lookup can find."""
        local_part, at, domain = name.rpartition(b"@")
        if not at:
            if not name.endswith(b"!"):
                id_ = "alias-name-without-domain" if name else "alias-name-missing"
                self.report(id_, mark, name=_text(name))
            return
        if not local_part:
            self._virtual.setdefault(name, mark)
        is_local = self.rewriter.domain(domain)[1]
        if is_local and domain != normal_form(self._default_domain):
            default = _text(self._default_domain)
            self.report("alias-other-local-domain", mark, name=_text(name), domain=default)
        elif b" " in local_part:
            self.report("alias-name-with-blank", mark, name=_text(name))
        elif local_part[:1] == b'"':
            self.report("alias-quoted-name", mark, name=_text(name))
        elif self._is_folded(local_part):
            self.report("alias-case-never-matches", mark, name=_text(name))
        else:
            self.quiet_domains.add(domain)

    def _is_folded(self, local_part: bytes) -> bool:
        """Whether the lookup changes the case of a local part."""
        folds = self.rewriter.locality.lowercase or local_part.lower() == b"postmaster"
        return folds and lower(local_part) != local_part

    def about_recipient(self, address: bytes, *, is_virtual: bool, mark: Mark) -> None:
        """A recipient that will not do what was meant."""
        if not address:
            self.report("alias-empty-recipient", mark)
        elif address.removeprefix(b'"').startswith((b"|", b"/", b":include:")):
            self.report("alias-recipient-literal", mark, address=_text(address))
        elif is_virtual and b"@" in address:
            self.report("alias-virtual-domain-address", mark, address=_text(address))

    def about_all(self) -> None:
        """What only shows when everything was read."""
        for name, mark in self.empty.items():
            if not self.definitions.whole(name):
                self.report("alias-empty", mark, name=_text(name))
        for name, mark in self._virtual.items():
            self._about_virtual_domain(name, mark)
        self._about_default_domain()

    def _about_virtual_domain(self, name: bytes, mark: Mark) -> None:
        locality, shown = self.rewriter.locality, _text(name)
        recipients = split(self.definitions.whole(name)) if name in self.definitions.first else []
        if len(set(recipients)) > 1:
            self.report("alias-virtual-domain-list", mark, name=shown)
        if name[1:] == self._default_domain and self.rewriter.domain(name[1:])[1]:
            self.report("alias-virtual-domain-catch-all", mark, name=shown)
        if recipients and locality.me not in locality.locals:
            self.report("alias-virtual-domain-elsewhere", mark, name=shown, me=locality.me)

    def _about_default_domain(self) -> None:
        normal = normal_form(self._default_domain)
        if len(self.definitions) and normal != self._default_domain:
            domain = self.rewriter.locality.default_domain
            self.report("alias-default-domain-encoded", None, domain=domain, normal=_text(normal))


def _text(text: bytes) -> str:
    return text.decode(errors="surrogateescape")
