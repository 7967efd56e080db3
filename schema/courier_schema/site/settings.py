"""settings: every legacy setting under Courier's own name, by the file it stands in.

Which files and names exist, and what each takes, is the catalogue's knowledge (`courier_schema.legacy.tables`);
here is only their shape.
"""

from typing import Annotated

from pydantic import Field

from courier_schema.words import SettingsFile, Word

Said = Annotated[
    bool | int | float | str | list[str | int] | dict[Word, str | int | bool] | None, Field(union_mode="smart")
]
"""What may stand behind a setting; null leaves it unset."""

Settings = dict[SettingsFile, dict[Word, Said]]
