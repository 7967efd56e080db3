"""How one setting's value is spelt in Courier's files, and how a person may say it in YAML.

A Codec sits inside the type of a table's row, `Flag = Annotated[bool, FlagCodec()]`. It carries a value in three
directions: `encode` to Courier's spelling, `decode` from it, `accept` from a parsed YAML value. The latter two
raise ValueError with a sentence that teaches the remedy. `schema` is the JSON Schema of what `accept` takes.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Generic, TypeVar, get_args

T = TypeVar("T")
JsonSchema = dict[str, object]

_DURATION = re.compile(r"(?:\d+[smhdw])+|\d+", re.IGNORECASE)
_PATTERN = re.compile(r"[*?[]")


class Codec(Generic[T]):
    """One spelling. Subclasses say how; instances are immutable and shared by many rows."""

    kind: ClassVar[str]
    """A word for the manual: flag, count, text."""
    unit: str = ""
    """What one of it is: seconds, bytes, KiB; empty where the question makes no sense."""

    def encode(self, value: T) -> str:
        """Courier's spelling, without any quoting."""
        raise NotImplementedError(type(self).__name__)

    def decode(self, text: str) -> T:
        """The value that a Courier program sees in `text`; ValueError where it sees none."""
        raise NotImplementedError(type(self).__name__)

    def accept(self, said: object) -> T:
        """The value of what YAML said; ValueError with what to write instead."""
        raise NotImplementedError(type(self).__name__)

    @property
    def schema(self) -> JsonSchema:
        raise NotImplementedError(type(self).__name__)


@dataclass(frozen=True)
class FlagCodec(Codec[bool]):
    """A switch with Courier's two spellings, 1 and 0 unless told otherwise."""

    kind: ClassVar[str] = "flag"
    on: str = "1"
    off: str = "0"

    def encode(self, value: bool) -> str:
        return self.on if value else self.off

    def decode(self, text: str) -> bool:
        if text.strip().lower() in {self.on.lower(), "1", "y", "yes"}:
            return True
        if text.strip().lower() in {self.off.lower(), "0", "n", "no", ""}:
            return False
        raise ValueError(f"write {self.on} or {self.off}, not {text!r}")

    def accept(self, said: object) -> bool:
        if isinstance(said, bool):
            return said
        if (isinstance(said, str) and said.lower() in {"yes", "on", "y", "1"}) or said == 1:
            raise ValueError(f"this is a switch: write true instead of {said}")
        if (isinstance(said, str) and said.lower() in {"no", "off", "n", "0"}) or said == 0:
            raise ValueError(f"this is a switch: write false instead of {said}")
        raise ValueError("this is a switch: write true or false")

    @property
    def schema(self) -> JsonSchema:
        return {"type": "boolean"}


@dataclass(frozen=True)
class NumberCodec(Codec[int]):
    """A decimal integer within bounds."""

    kind: ClassVar[str] = "number"
    unit: str = ""
    least: int = 0
    most: int = 2**31 - 1

    def encode(self, value: int) -> str:
        return str(value)

    def decode(self, text: str) -> int:
        if not re.fullmatch(r"-?\d+", text):
            raise ValueError(f"Courier reads {text!r} as no number: write decimal digits")
        return self._bounded(int(text))

    def accept(self, said: object) -> int:
        if isinstance(said, bool) or not isinstance(said, int):
            raise ValueError(f"write a whole number{f' of {self.unit}' if self.unit else ''}, without quotes")
        return self._bounded(said)

    def _bounded(self, value: int) -> int:
        if not self.least <= value <= self.most:
            raise ValueError(f"{value} is out of range: write {self.least} to {self.most}")
        return value

    @property
    def schema(self) -> JsonSchema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class DurationCodec(Codec[str]):
    """A span of time in the one-line control files: digits with s, m, h, d or w; several may follow each other."""

    kind: ClassVar[str] = "duration"

    def encode(self, value: str) -> str:
        return value

    def decode(self, text: str) -> str:
        if not _DURATION.fullmatch(text):
            raise ValueError(f"Courier misreads {text!r}: write a number with s, m, h, d or w, such as 90s or 1w2d")
        return text

    def accept(self, said: object) -> str:
        if isinstance(said, int) and not isinstance(said, bool):
            return self.decode(str(said))
        if not isinstance(said, str):
            raise ValueError("write a number with s, m, h, d or w, such as 90s or 1w2d")
        return self.decode(said)

    @property
    def schema(self) -> JsonSchema:
        pattern = "^(([0-9]+[smhdwSMHDW])+|[0-9]+)$"
        return {"anyOf": [{"type": "string", "pattern": pattern}, {"type": "integer", "minimum": 0}]}


def seconds(duration: str) -> int:
    """Seconds in a duration as Courier counts them; a number without unit is seconds."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    parts = re.findall(r"(\d+)([smhdwSMHDW]?)", duration)
    return sum(int(number) * units[unit.lower() or "s"] for number, unit in parts)


@dataclass(frozen=True)
class TextCodec(Codec[str]):
    """Free text on one line, or on several where `lines` says so."""

    kind: ClassVar[str] = "text"
    pattern: str = ""
    remedy: str = ""
    lines: bool = False
    noun: str = "text"

    def encode(self, value: str) -> str:
        return value

    def decode(self, text: str) -> str:
        if "\0" in text or (not self.lines and ("\n" in text or "\r" in text)):
            raise ValueError("this setting takes one line: remove the line break")
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise ValueError(f"{text!r} is not {self.noun}: {self.remedy}")
        return text

    def accept(self, said: object) -> str:
        if isinstance(said, (int, float)) and not isinstance(said, bool):
            said = str(said)
        if not isinstance(said, str):
            raise ValueError(f"write {self.noun}")
        return self.decode(said)

    @property
    def schema(self) -> JsonSchema:
        return {"type": ["string", "number"], **({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})}


@dataclass(frozen=True)
class PlainPathCodec(TextCodec):
    """A path that a start script hands through a second shell, so it holds nothing that a shell would treat."""

    kind: ClassVar[str] = "path"
    pattern: str = r"[\w./+@%:=~,$\{\}-]+"
    remedy: str = "use letters, digits and . _ - / only, because a start script reads it twice"
    noun: str = "a path"


@dataclass(frozen=True)
class AddressCodec(TextCodec):
    """An IPv4 or IPv6 address of this host, or 0 for all or any of them."""

    kind: ClassVar[str] = "address"
    noun: str = "an IP address"

    def decode(self, text: str) -> str:
        if text != "0":
            try:
                ipaddress.ip_address(text)
            except ValueError:
                raise ValueError(f"{text!r} is not an IP address: write one, or 0 for every address") from None
        return text


@dataclass(frozen=True)
class StatementCodec(TextCodec):
    """An SQL statement or connection string: it may be said on several lines and is one line in the file.

    Line breaks and runs of blanks outside quotes become one space, which neither SQL nor libpq distinguishes.
    """

    kind: ClassVar[str] = "statement"
    lines: bool = True
    noun: str = "a statement"

    def decode(self, text: str) -> str:
        whole = TextCodec.decode(self, text)
        return re.sub(r"""('[^']*'|"[^"]*")|\s+""", lambda match: match[1] or " ", whole).strip()


@dataclass(frozen=True)
class IncludeCodec(TextCodec):
    """A line that makes the shell read another file, `. /etc/environment`; it stands without a name before it."""

    kind: ClassVar[str] = "include"
    pattern: str = r"\. [/$][\w./${}-]*"
    remedy: str = 'write a dot, a space and an absolute path, such as ". /etc/environment"'
    noun: str = "an include line"


@dataclass(frozen=True)
class PresenceCodec(Codec[bool | None]):
    """A file whose existence is the message and whose content is never read; without the file there is no value."""

    kind: ClassVar[str] = "presence"

    def encode(self, value: bool | None) -> str:
        return ""

    def decode(self, text: str) -> bool | None:
        return True

    def accept(self, said: object) -> bool | None:
        return FlagCodec().accept(said) or None

    @property
    def schema(self) -> JsonSchema:
        return FlagCodec().schema


@dataclass(frozen=True)
class WordsCodec(Codec[tuple[str, ...]]):
    """Words with a separator between them; YAML says them as a list, or as one string in Courier's own spelling."""

    kind: ClassVar[str] = "words"
    separator: str = " "
    words: tuple[str, ...] = ()
    blanks: bool = False
    """Whether blanks separate as well as the separator does."""
    pattern: str = ""
    noun: str = "a word"
    remedy: str = ""

    def encode(self, value: tuple[str, ...]) -> str:
        return self.separator.join(value)

    def decode(self, text: str) -> tuple[str, ...]:
        plain = text.replace(self.separator, " ") if self.blanks else text
        parts = plain.split() if self.blanks or self.separator == " " else plain.split(self.separator)
        return self._known(tuple(part.strip() for part in parts if part.strip()))

    def accept(self, said: object) -> tuple[str, ...]:
        if isinstance(said, (str, int)) and not isinstance(said, bool):
            return self.decode(str(said))
        if not isinstance(said, list) or any(
            isinstance(word, bool) or not isinstance(word, (str, int)) for word in said
        ):
            raise ValueError("write a list of words")
        return self.decode(self.separator.join(map(str, said)))

    def _known(self, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if "\n" in word or "\0" in word:
                raise ValueError("this setting takes one line: remove the line break")
            if self.words and word not in self.words:
                raise ValueError(f"{word!r} is not known here: write some of {', '.join(self.words)}")
            if self.pattern and not re.fullmatch(self.pattern, word):
                raise ValueError(f"{word!r} is not {self.noun}: {self.remedy}")
        return value

    @property
    def schema(self) -> JsonSchema:
        item: JsonSchema = {"enum": list(self.words)} if self.words else {"type": ["string", "integer"]}
        return {"anyOf": [{"type": "array", "items": item}, {"type": ["string", "integer"]}]}


@dataclass(frozen=True)
class PortsCodec(WordsCodec):
    """Ports to listen on, separated by commas: a number, a service name, or either behind `address.`."""

    kind: ClassVar[str] = "ports"
    separator: str = ","

    def _known(self, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            address, _, port = word.rpartition(".")
            if address and not _is_address(address):
                raise ValueError(f"{word!r} names no port: write the port after an IP address and a dot")
            if not (_is_port(port) or re.fullmatch(r"[a-z][a-z0-9-]*", port)):
                raise ValueError(f"{port!r} is not a port: write 1 to 65535 or the name of a service")
        return value


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535


@dataclass(frozen=True)
class OptionsCodec(Codec[tuple[str, ...]]):
    """Command-line options that a start script puts into a command; YAML says a list or one string.

    With `quoting` the script's shell reads the value a second time, so blanks and patterns inside an option are
    protected by quotes that belong to the value; without it an option cannot hold any.

    The scripts esmtpd and esmtpd-msa let a shell split the value before that, to which these quotes are letters: it
    makes one blank of several, and file names of a word that is a pattern. So words that could be one end in an empty
    pair of quotes, which no file name does. esmtpd-ssl and the scripts for IMAP and POP3 have no such first reading.
    """

    kind: ClassVar[str] = "options"
    names: tuple[str, ...] = ()
    quoting: bool = True

    def encode(self, value: tuple[str, ...]) -> str:
        return " ".join(map(_quoted, value))

    def decode(self, text: str) -> tuple[str, ...]:
        try:
            words = shlex.split(text)
        except ValueError:
            raise ValueError(f"a quote is not closed in {text!r}: close it") from None
        return self._known(tuple(words))

    def accept(self, said: object) -> tuple[str, ...]:
        if isinstance(said, str):
            return self.decode(said)
        if not isinstance(said, list) or not all(isinstance(word, str) for word in said):
            raise ValueError(f"write a list of options such as {self.names[0]}")
        return self._known(tuple(said))

    def _known(self, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if word.partition("=")[0] not in self.names:
                raise ValueError(f"{word!r} is not known here: write some of {', '.join(self.names)}")
            if re.search(r"[\\\t\n\0]|  ", word) or (not self.quoting and shlex.quote(word) != word):
                raise ValueError(f"a start script cannot pass {word!r} on: use letters, digits and simple marks")
        return value

    @property
    def schema(self) -> JsonSchema:
        return {"anyOf": [{"type": "array", "items": {"type": "string", "pattern": "^-"}}, {"type": "string"}]}


def _quoted(option: str) -> str:
    """An option in quotes, if it needs any, and none of its words a pattern of file names."""
    first, *inner = shlex.quote(option).split(" ")
    if not inner:
        return first
    last = inner.pop()
    return " ".join((first, *(f"{word}''" if _PATTERN.search(word) else word for word in inner), last))


@dataclass(frozen=True)
class PairsCodec(Codec[tuple[tuple[str, str], ...]]):
    """Names with values; YAML says a map, or one string in Courier's own spelling."""

    kind: ClassVar[str] = "pairs"
    separator: str = ","
    joint: str = "="
    keys: tuple[str, ...] = ()
    pattern: str = r"[^,\t/|\n]*"
    bare: str = ""
    """The name that a value without one belongs to; empty where every value needs a name."""

    def encode(self, value: tuple[tuple[str, str], ...]) -> str:
        return self.separator.join(f"{name}{self.joint}{part}" for name, part in value)

    def decode(self, text: str) -> tuple[tuple[str, str], ...]:
        parts = (part.strip() for part in text.split(self.separator))
        return self._known(tuple(self._pair(part) for part in parts if part))

    def accept(self, said: object) -> tuple[tuple[str, str], ...]:
        if isinstance(said, str):
            return self.decode(said)
        if self.bare and isinstance(said, int) and not isinstance(said, bool):
            return self.decode(str(said))
        if not isinstance(said, dict):
            raise ValueError(f"write a map of names and values, or {self._example}")
        return self._known(tuple((str(name), _written(value)) for name, value in said.items()))

    def _pair(self, part: str) -> tuple[str, str]:
        name, joint, value = part.rpartition(self.joint) if self.bare else part.partition(self.joint)
        if joint:
            return name.strip(), value.strip()
        if not self.bare:
            raise ValueError(f"{part!r} has no value: write {self._example}")
        return self.bare, part

    @property
    def _example(self) -> str:
        return f"{self.keys[0] if self.keys else self.bare or 'name'}{self.joint}value"

    def _known(self, value: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        for name, part in value:
            if self.keys and name not in self.keys:
                raise ValueError(f"{name!r} is not known here: write some of {', '.join(self.keys)}")
            if not name or self.separator in name or self.joint in name:
                raise ValueError(f"{name!r} cannot be a name here: leave out {self.separator!r} and {self.joint!r}")
            if not re.fullmatch(self.pattern, part):
                raise ValueError(f"Courier cannot read {part!r} as the value of {name}: write {self._example}")
        return value

    @property
    def schema(self) -> JsonSchema:
        names: JsonSchema = {"propertyNames": {"enum": list(self.keys)}} if self.keys else {}
        values: JsonSchema = {"type": ["string", "integer", "boolean"]}
        text: JsonSchema = {"type": ["string", "integer"] if self.bare else "string"}
        return {"anyOf": [{"type": "object", **names, "additionalProperties": values}, text]}


def _written(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class ChoiceCodec(Codec[str]):
    """One of a few words, case significant."""

    kind: ClassVar[str] = "choice"
    words: tuple[str, ...] = field(default=())

    def encode(self, value: str) -> str:
        return value

    def decode(self, text: str) -> str:
        if text not in self.words:
            raise ValueError(f"{text!r} is not known here: write one of {', '.join(self.words)}")
        return text

    def accept(self, said: object) -> str:
        if isinstance(said, bool) or not isinstance(said, (str, int)):
            raise ValueError(f"write one of {', '.join(self.words)}")
        return self.decode(str(said))

    @property
    def schema(self) -> JsonSchema:
        numbers = [int(word) for word in self.words if word.isdecimal()]
        return {"enum": [*self.words, *numbers]}


def choice_of(annotation: object) -> ChoiceCodec:
    """The codec of a `Literal[...]` type."""
    return ChoiceCodec(tuple(map(str, get_args(annotation))))


Flag = Annotated[bool, FlagCodec()]
YesNo = Annotated[bool, FlagCodec("YES", "NO")]
Count = Annotated[int, NumberCodec()]
Positive = Annotated[int, NumberCodec(least=1)]
Seconds = Annotated[int, NumberCodec("seconds")]
Octets = Annotated[int, NumberCodec("bytes", most=2**63 - 1)]
Kibibytes = Annotated[int, NumberCodec("KiB")]
Duration = Annotated[str, DurationCodec()]
Text = Annotated[str, TextCodec()]
Lines = Annotated[str, TextCodec(lines=True)]
Words = Annotated[tuple[str, ...], WordsCodec()]
Commas = Annotated[tuple[str, ...], WordsCodec(",")]
Colons = Annotated[tuple[str, ...], WordsCodec(":")]
Ports = Annotated[tuple[str, ...], PortsCodec()]
Address = Annotated[str, AddressCodec()]
PlainPath = Annotated[str, PlainPathCodec()]
Statement = Annotated[str, StatementCodec()]
Presence = Annotated[bool, PresenceCodec()]
Include = Annotated[str, IncludeCodec()]
Octal = Annotated[str, TextCodec("0?[0-7]{3}", 'write octal digits in quotes, such as "022"', noun="a file mode")]
Path = Annotated[str, TextCodec(r"(/|\$\{?\w).*", "write an absolute path", noun="a path")]
