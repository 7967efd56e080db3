"""Revealed: a settings file with its secrets, in the one moment in which its bytes are made."""

from __future__ import annotations

from courier_compiler.context import Context
from courier_compiler.resolved import Settings
from courier_compiler.said import spell
from courier_schema.legacy.table import Table, rows, rows_by_attribute


def revealed(context: Context, settings: Settings) -> Table:
    """The table in force without masks. A secret that the file cannot hold is a problem, and leaves its row unset.

    SecretUnavailable when the source of a secret does not give it.
    """
    table = type(settings.table)
    values: dict[str, object] = {}
    for attribute, concealed in settings.concealed.items():
        row = rows_by_attribute(table)[attribute]
        text = concealed.spell(context.reveal(concealed.secret))
        try:
            row.codec.decode(text)
            spell(table, row, text)
            values[attribute] = text
        except ValueError:
            values[attribute] = None
            says = f"the secret cannot stand in {table.file}, where a value is one line without blanks around it"
            context.problem("unusable-secret", says, "choose another password", settings.origin(attribute).path)
    return table(**values).over(settings.table)


def is_secret(settings: Settings) -> bool:
    """Whether a file holds a password."""
    passwords = (row.attribute for row in rows(type(settings.table)) if row.secret)
    return any(getattr(settings.table, attribute) is not None for attribute in passwords)
