"""Section: the base of every mapping in a site. Unknown keys are refused, values are strict and immutable."""

from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from courier_schema.words import Lines, Name, RelativePath


class Section(BaseModel):
    """A mapping of a site.

    `short` names the field that a bare value fills: where it is "to", `sales: anna` means `sales: {to: anna}`.
    Of the fields that `one_of` names exactly one has to be given; such a section calls `_give_one` when validated.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    short: ClassVar[str] = ""
    one_of: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, said: Any) -> Any:
        return {cls.short: said} if cls.short and not isinstance(said, (dict, cls)) else said

    def _give_one(self) -> Self:
        """Itself; ValueError unless exactly one of those fields is given."""
        given = [name for name in self.one_of if getattr(self, name) is not None]
        if len(given) != 1:
            says = f"{' and '.join(given)} exclude each other" if given else "nothing is given"
            raise ValueError(f"{says}: give exactly one of {', '.join(self.one_of)}")
        return self

    @classmethod
    def unsaid(cls) -> Self:
        """The section of a site that leaves it out. Not validated: that would build validators at import."""
        return cast(Self, cls.model_construct())  # the checker's plugin sees only Section here

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        resolved = handler.resolve_ref_schema(schema)
        if cls.one_of:
            resolved["oneOf"] = [
                {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in cls.one_of
            ]
        if not cls.short:
            return schema
        bare = resolved["properties"][cls.short]
        given = [part for part in bare["anyOf"] if part.get("type") != "null"] if cls.short in cls.one_of else [bare]
        return {"anyOf": [*given, schema]}


class Secret(Section):
    """A password, key or token: written out, or better a reference that is revealed only while building."""

    short: ClassVar[str] = "value"
    one_of: ClassVar[tuple[str, ...]] = ("value", "from_file", "from_env", "from_command")

    value: Lines | None = None
    """The secret itself. Everyone who can read the site can read it."""
    from_file: RelativePath | None = None
    """File that holds the secret, relative to the site; one final line break is dropped."""
    from_env: Name | None = None
    """Environment variable that holds the secret."""
    from_command: Annotated[list[Lines], Field(min_length=1)] | None = None
    """Command and arguments whose output is the secret."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.value is not None and not self.value.strip("\r\n"):
            raise ValueError("an empty secret is none: give its text, or remove the key")
        return self._give_one()
