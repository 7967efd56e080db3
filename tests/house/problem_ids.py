"""Ids of Problems, read from the source: the argument that names one in whatever makes Problems."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_MAKERS: Final = {
    **dict.fromkeys(("Problem", "problem", "UnreadableFileError", "word", "_warning", "_note"), (0, "")),
    "_refuse_at": (1, ""),
    "_NotLiteralError": (1, "shell-"),
    "_doubt": (2, "preformatted-marker-"),
}
"""Functions that make Problems: the position of the id among their arguments, and what they put in front of it."""
_ID: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_Scope = ast.FunctionDef | ast.Module


def problem_ids() -> Mapping[str, str]:
    """Every id that the source of schema and compiler can report, with the file that does."""
    found: dict[str, str] = {}
    for package in ("schema", "compiler"):
        for file in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(file.read_text())
            found |= dict.fromkeys((*_made(tree), *_tabled(tree)), str(file.relative_to(ROOT)))
    return found


def composed_ids() -> frozenset[str]:
    """Beginnings of ids that are put together of two texts."""
    trees = (
        ast.parse(file.read_text()) for package in ("schema", "compiler") for file in (ROOT / package).rglob("*.py")
    )
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    named = (call.args[0] for call in calls if _name(call.func) == "Problem" and call.args)
    return frozenset(
        part.value
        for text in named
        if isinstance(text, ast.JoinedStr)
        for part in text.values[:1]
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


def known_beginnings() -> frozenset[str]:
    """Those of them whose ends are found."""
    return frozenset(prefix for _, prefix in _MAKERS.values() if prefix)


def _made(tree: ast.Module) -> Iterator[str]:
    for scope in ast.walk(tree):
        if isinstance(scope, _Scope):
            for call in ast.walk(scope):
                if isinstance(call, ast.Call) and _name(call.func) in _MAKERS:
                    position, prefix = _MAKERS[_name(call.func)]
                    named = [keyword.value for keyword in call.keywords if keyword.arg == "id"]
                    for value in named or call.args[position : position + 1]:
                        yield from (f"{prefix}{text}" for text in _constants(value, scope))


def _tabled(tree: ast.Module) -> Iterator[str]:
    """Keys of tables that give each id its fact and its remedy."""
    for table in ast.walk(tree):
        if isinstance(table, ast.Dict) and table.keys and all(map(_is_fact_and_remedy, table.values)):
            texts = [key.value for key in table.keys if isinstance(key, ast.Constant)]
            yield from (text for text in texts if isinstance(text, str) and "-" in text and _ID.fullmatch(text))


def _is_fact_and_remedy(value: ast.expr) -> bool:
    pair = value.elts if isinstance(value, ast.Tuple) else []
    return len(pair) == 2 and all(isinstance(text, ast.Constant) and " " in str(text.value) for text in pair)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _constants(value: ast.expr, scope: _Scope) -> Iterator[str]:
    """The texts that an argument may be: written out, chosen between two, or put into a variable before."""
    match value:
        case ast.Constant(value=str(text)) if _ID.fullmatch(text):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_constants(body, scope), *_constants(orelse, scope))
        case ast.Name(id=name) if isinstance(scope, ast.FunctionDef):
            for node in ast.walk(scope):
                if isinstance(node, ast.Assign) and any(_name(target) == name for target in node.targets):
                    yield from _constants(node.value, scope)
