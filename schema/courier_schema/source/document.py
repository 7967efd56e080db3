"""Document: a site as read, before anything is known of its meaning."""

from __future__ import annotations

from dataclasses import dataclass, field

from courier_schema.marks import MarkMap
from courier_schema.report import Problem


@dataclass(frozen=True, slots=True)
class Document:
    """A plain tree with the place of each of its values, the files it was read from, and what is wrong with them.

    The tree holds only dict, list, str, int, float, bool and None; subtrees are shared with the marks and with other
    documents, so it is read only. After an error the tree may lack what could not be read.
    """

    tree: dict[str, object] = field(default_factory=dict)
    marks: MarkMap = field(default_factory=MarkMap)
    files: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
