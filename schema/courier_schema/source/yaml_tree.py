"""YAML text to a plain tree with marks, straight from libyaml's events, refusing what a site has no use for.

Plain scalars follow the core schema of YAML 1.2, so `no` and `on` are strings; keys are always strings. Tags,
anchors, aliases, merge keys, duplicate keys and several documents are Problems. No text raises.
"""

from __future__ import annotations

import re
from array import array
from contextlib import contextmanager
from sys import intern
from typing import TYPE_CHECKING, Any

import _ruamel_yaml
from _ruamel_yaml import (
    AliasEvent,
    CParser,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ReaderError,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    YAMLError,
)

from courier_schema.marks import CONTAINER, LINE_SHIFT, FileMarks, MarkMap
from courier_schema.report import Mark, Problem
from courier_schema.source.document import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from courier_schema.report import SitePath

Scalar = str | int | float | bool | None

MAX_DEPTH = 100
"""Lists and maps within each other; deeper text is a mistake or an attack."""
MAX_PROBLEMS = 100
"""After so many problems of one file the rest is not read: nobody reads on either."""

_INVISIBLE_BREAKS = ("\x85", "\u2028", "\u2029")
"""Line breaks to libyaml, but to no editor: all line numbers after them would be wrong."""

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMERIC = frozenset("+-.0123456789")
_MAX_DIGITS = 4000
_INTEGER = re.compile(rf"[-+]?[0-9]{{1,{_MAX_DIGITS}}}")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_STARTS = (MappingStartEvent, SequenceStartEvent)
_ENDS = (MappingEndEvent, SequenceEndEvent)


def parse_yaml(text: str, file: str) -> Document:
    """Read one file's text; `file` is the name that its marks carry.

    After a syntax error the tree is empty, and the sections behind it are read only to find further problems.
    """
    text = text.removeprefix("\ufeff")
    reading = _Reading(file)
    try:
        _read_all(reading, text, file)
    except _Enough:
        reading.break_off()
    return reading.document


def _read_all(reading: _Reading, text: str, file: str) -> None:
    if any(character in text for character in _INVISIBLE_BREAKS):
        return _refuse_characters(reading, text, file)
    rest: str | None = text
    while rest is not None:
        try:
            with _lean_scalars():
                return reading.read(rest)
        except (ReaderError, UnicodeEncodeError):
            return _refuse_characters(reading, text, file)
        except YAMLError as error:
            from courier_schema.source import yaml_syntax  # milliseconds that good files should not pay

            reading.break_off()
            lines = yaml_syntax.LINE_BREAK.split(rest)
            reading.refuse(yaml_syntax.explain(error, lines, file))
            rest = yaml_syntax.sections_behind(lines, error.problem_mark.line)
    return None


def _refuse_characters(reading: _Reading, text: str, file: str) -> None:
    from courier_schema.source import yaml_syntax

    reading.break_off()
    for problem in yaml_syntax.forbidden_characters(text, file):
        reading.refuse(problem)


def _unread(file: str, *problems: Problem) -> Document:
    marks = FileMarks(file, array("Q", [CONTAINER, 0]))
    return Document({}, MarkMap.of_file(marks, {}), (file,), problems)


def _number_or_text(text: str) -> Scalar:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


_Fields = tuple[Any, Any, Any, str, Any, Any, str | None]
"""Of a scalar: anchor, tag, whether it needs one, value, where it begins and ends, style."""


def _fields(*fields: Any) -> tuple[Any, ...]:
    return fields


@contextmanager
def _lean_scalars() -> Iterator[None]:
    """Let the parser hand out the bare fields of scalars.

    Its own events pass three constructors, a fifth of the time of reading, and the binding knows no way around them.

    Events of its own may still come where another thread ends reading.
    """
    _ruamel_yaml.ScalarEvent = _fields
    try:
        yield
    finally:
        _ruamel_yaml.ScalarEvent = ScalarEvent


def _fields_of(event: Any) -> _Fields:
    return event.anchor, event.ctag, None, event.value, event.start_mark, None, event.style


class _Enough(Exception):
    """Reading on would help nobody."""


_Frame = tuple[Any, str | None, bool, int]
"""A container left half filled while one of its values is read: it, the value's key, whether it is a map, its slots."""


class _Reading:
    """One file being read: the tree and its slots, and the problems found so far."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._broken = False
        self._begin()

    def _begin(self) -> None:
        self._roots: list[Any] = []
        self._slots = array("Q")
        self._stack: list[_Frame] = []

    def break_off(self) -> None:
        """Forget the tree: what remains to be read is no whole file any more."""
        self._broken = True
        self._begin()

    def refuse(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Enough

    @property
    def document(self) -> Document:
        file = self._file
        if self._broken:
            return _unread(file, *self.problems)
        if not self._roots or self._roots[0] is None:
            remedy = "write at least one section, or remove the file"
            return _unread(file, *self.problems, Problem("empty-file", "the file says nothing", remedy, Mark(file, 1)))
        tree, marks = self._roots[0], FileMarks(file, self._slots)
        if not isinstance(tree, dict):
            remedy = "write sections as `key: value`, beginning in the first column"
            problem = Problem("root-not-a-map", "the file is not a map of sections", remedy, marks.mark(0))
            return _unread(file, *self.problems, problem)
        return Document(tree, MarkMap.of_file(marks, tree), (file,), tuple(self.problems))

    def read(self, text: str) -> None:
        """Fill the tree from the text. One long loop: at a million events every call is felt.

        Raises `YAMLError` and `UnicodeEncodeError` for text that is not YAML, `_Enough` where reading must stop.
        """
        get = CParser(text).get_event
        slots = self._slots
        append = slots.append
        stack = self._stack
        container: Any = self._roots
        key: str | None = None
        is_map = False
        start = 0
        documents = 0
        while True:
            event = get()
            kind = type(event)
            if kind is tuple or kind is ScalarEvent:
                anchor, tag, _, value, mark, _, style = event if kind is tuple else _fields_of(event)
                if tag is not None or anchor is not None:
                    self._inspect(anchor, tag, mark, container, key)
                if style == '"' and not value.isprintable():
                    self._inspect_escapes(value, mark, container, key)
                if is_map and key is None:
                    if value in container or (value == "<<" and not style):
                        self._refuse_key(value, mark, container, start)
                        self._skip(get, 1)
                        continue
                    append(mark.line << LINE_SHIFT | mark.column)
                    key = intern(value)
                    continue
                append(mark.line << LINE_SHIFT | mark.column)
                if not style:
                    if value in _WORDS:
                        value = _WORDS[value]
                    elif value[0] in _NUMERIC:
                        value = _number_or_text(value)
            elif kind in _STARTS:
                mark = event.start_mark
                if event.ctag is not None or event.anchor is not None:
                    self._inspect(event.anchor, event.ctag, mark, container, key)
                if is_map and key is None:
                    self._refuse_compound_key(mark, container)
                    self._skip(get, 2, depth=1)
                    continue
                append(mark.line << LINE_SHIFT | mark.column | CONTAINER)
                append(0)
                stack.append((container, key, is_map, start))
                is_map = kind is MappingStartEvent
                container, key, start = {} if is_map else [], None, len(slots)
                if len(stack) > MAX_DEPTH:
                    self._refuse_depth(mark)
                continue
            elif kind in _ENDS:
                slots[start - 1] = len(slots) - start
                value = container
                container, key, is_map, start = stack.pop()
            elif kind is AliasEvent:
                mark = event.start_mark
                self._refuse_alias(event, container, key)
                if is_map and key is None:
                    self._skip(get, 1)
                    continue
                append(mark.line << LINE_SHIFT | mark.column)
                value = None
            elif kind is StreamEndEvent:
                return None
            else:
                documents += kind is DocumentStartEvent
                if documents > 1:
                    return self._refuse_document(event.start_mark)
                continue
            if is_map:
                container[key] = value
                key = None
            else:
                container.append(value)

    def _skip(self, get: Callable[[], Any], nodes: int, depth: int = 0) -> None:
        """Pass over the events of so many nodes, the first of them already entered `depth` containers deep."""
        while nodes:
            event = get()
            depth += (type(event) in _STARTS) - (type(event) in _ENDS)
            if len(self._stack) + depth > MAX_DEPTH:
                self._refuse_depth(event.start_mark)
            nodes -= depth == 0

    def _path(self, container: Any, key: str | None) -> SitePath:
        """Path of the value about to be read, or of the map whose key is."""
        frames = [(holder, name) for holder, name, _, _ in self._stack] + [(container, key)]
        steps = [name if isinstance(holder, dict) else len(holder) for holder, name in frames[1:]]
        return tuple(step for step in steps if step is not None)

    def _refuse_at(self, mark: Any, name: str, says: str, remedy: str, path: SitePath = ()) -> None:
        self.refuse(Problem(name, says, remedy, Mark(self._file, mark.line + 1, mark.column + 1), path))

    def _inspect(self, anchor: Any, tag: Any, mark: Any, container: Any, key: str | None) -> None:
        path = self._path(container, key)
        if tag is not None:
            remedy = "remove the tag; write numbers bare, strings in quotes, secrets as {from_file: name}"
            self._refuse_at(mark, "yaml-tag", f"a site has no tags, but here is {tag}", remedy, path)
        if anchor is not None:
            remedy = "share sections by `include:` or `hosts:`; put a value that begins with & in quotes"
            says = f"a site has no anchors, but here is &{anchor}"
            self._refuse_at(mark, "yaml-anchor", says, remedy, path)

    def _inspect_escapes(self, value: str, mark: Any, container: Any, key: str | None) -> None:
        for character in _CONTROL.findall(value)[:1]:
            says = f"an escape in this value makes the control character U+{ord(character):04X}"
            path = self._path(container, key)
            self._refuse_at(mark, "control-character", says, "remove the escape", path)

    def _refuse_key(self, key: str, mark: Any, container: dict[str, object], start: int) -> None:
        path = self._path(container, key)
        if key not in container:
            remedy = "share sections by `include:` or `hosts:`; put a key that is really << in quotes"
            return self._refuse_at(mark, "yaml-merge-key", "a site has no merge keys", remedy, path)
        marks = FileMarks(self._file, self._slots)
        position = list(container).index(key)
        first = [*marks.children(start - 2, position + 1, 1)][-1] - 1
        says = f"the key {key} was given before, at {marks.mark(first)}"
        return self._refuse_at(mark, "duplicate-key", says, "merge the two, or remove one", path)

    def _refuse_compound_key(self, mark: Any, container: Any) -> None:
        says = "a key is a single word, not a list or a map"
        remedy = "write `key: value`; put a key that begins with [ or { in quotes"
        self._refuse_at(mark, "compound-key", says, remedy, self._path(container, None))

    def _refuse_alias(self, event: Any, container: Any, key: str | None) -> None:
        says = f"a site has no aliases, but here is *{event.anchor}"
        remedy = "put a word that begins with * in quotes; share sections by `include:` or `hosts:`"
        self._refuse_at(event.start_mark, "yaml-alias", says, remedy, self._path(container, key))

    def _refuse_depth(self, mark: Any) -> None:
        says = f"lists and maps lie within each other more than {MAX_DEPTH} deep"
        self._refuse_at(mark, "too-deep", says, "close the brackets that were opened by mistake")
        raise _Enough

    def _refuse_document(self, mark: Any) -> None:
        says = "a second document begins here, and a site is one document"
        self._refuse_at(mark, "several-documents", says, "move it to a file of its own and `include:` it")
