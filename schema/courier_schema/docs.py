"""Sentences of the catalogue and of the site language: the string below an attribute is its documentation.

They are read from the source, each module once, only when something is about to show them.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise


def attribute_docs(cls: type) -> dict[str, str]:
    """Attribute name to its sentence, own attributes over those of the bases; empty for a frozen build."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("courier_"):
            docs.update(_module_docs(base.__module__).get(base.__name__, {}))
    return docs


@cache
def _module_docs(name: str) -> dict[str, dict[str, str]]:
    """Class name to attribute name to sentence, for the classes of one module."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except OSError:
        return {}
    return {node.name: _class_docs(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _class_docs(body: ast.ClassDef) -> dict[str, str]:
    return {
        first.target.id: inspect.cleandoc(second.value.value)
        for first, second in pairwise(body.body)
        if isinstance(first, ast.AnnAssign)
        and isinstance(first.target, ast.Name)
        and isinstance(second, ast.Expr)
        and isinstance(second.value, ast.Constant)
        and isinstance(second.value.value, str)
    }
