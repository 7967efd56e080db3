"""Walk: the notes that the stages take while an envelope passes through them; grows, and never forgets."""

from __future__ import annotations

from dataclasses import dataclass, field

from courier_compiler.tracing.host import CompiledHost, Value, Variables
from courier_compiler.tracing.values import Delivery, Envelope, Kind, Stage, Step, Why


@dataclass(slots=True)
class Walk:
    """One envelope on its way through one host."""

    host: CompiledHost
    envelope: Envelope
    steps: list[Step] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    deliveries: dict[tuple[Kind, str], Delivery] = field(default_factory=dict)

    def note(self, stage: Stage, says: str, why: Why | None = None) -> None:
        self.steps.append(Step(stage, says, why))

    def assume(self, stage: Stage, says: str, why: Why | None = None) -> None:
        """Note something that only the network or the mail host could tell."""
        self.note(stage, says, why)
        self.assumed.append(says)

    def deliver(self, delivery: Delivery) -> None:
        """Note an end; Courier delivers once to each."""
        self.deliveries.setdefault((delivery.kind, delivery.target), delivery)


def flag(variables: Variables, name: str) -> bool:
    """Whether a variable is a number other than 0, as Courier's programs ask."""
    return variables.get(name, Value("")).text.strip()[:1] in set("123456789")
