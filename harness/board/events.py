"""What a steward says, one record an event: checked by these before it is believed."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from harness.records.base import Record
from harness.records.board import BlockDone, BoardFacts, Trial, TrialTelemetry
from harness.records.health import Footprint, SystemState
from harness.records.metrics import TrialKind
from harness.records.operating_point import OperatingPoint


class ReadyEvent(Record):
    """The steward holds the lease; ``restored`` are sentences on what a dead one had left."""

    event: Literal["ready"]
    protocol: Literal[1]
    restored: tuple[str, ...]


class HeldEvent(Record):
    """Somebody else holds it."""

    event: Literal["held"]
    holder: str
    since: str


class WaitingEvent(Record):
    """Somebody else holds it, and the steward waits in the queue."""

    event: Literal["waiting"]
    holder: str
    since: str
    ahead: int = Field(ge=0, le=100_000)
    """How many came before and still wait."""


class _Answer(Record):
    id: int


class FactsEvent(_Answer):
    """What a probe read."""

    event: Literal["facts"]
    facts: BoardFacts


class StateEvent(_Answer):
    """How the board is right now."""

    event: Literal["state"]
    state: SystemState


class Watched(_Answer):
    """How the board was while nothing of ours ran."""

    event: Literal["watched"]
    telemetry: TrialTelemetry


class FootprintEvent(_Answer):
    """What the operating system takes at rest."""

    event: Literal["footprint"]
    footprint: Footprint


class Tuned(_Answer):
    """The operating point that was reached."""

    event: Literal["tuned"]
    point: OperatingPoint


class Have(_Answer):
    """Which of the files asked for are not in the store."""

    event: Literal["have"]
    missing: tuple[str, ...]


class Cleaned(_Answer):
    """How many bytes were freed."""

    event: Literal["cleaned"]
    bytes: int


class Working(_Answer):
    """A request that takes long is being fulfilled."""

    event: Literal["working"]


class Started(_Answer):
    """The block's process has imported its runtime: trials follow."""

    event: Literal["started"]


class TrialEvent(_Answer):
    """One trial has ended."""

    event: Literal["trial"]
    trial: Trial


class BlockEvent(_Answer):
    """All trials of a block have ended."""

    event: Literal["block"]
    done: BlockDone


class Done(_Answer):
    """The request is fulfilled."""

    event: Literal["done"]


class Failed(_Answer):
    """The request is not fulfilled."""

    event: Literal["error"]
    kind: Literal["bad_request", "unfit", "disk_full", "not_found", "runtime", "trial", "internal"]
    message: str


class TrialHead(Record):
    """A trial's own words, whatever else stands in it."""

    model_config = ConfigDict(extra="ignore")
    index: int
    block: int
    arm: str
    kind: TrialKind


class HeadEvent(_Answer):
    """A trial that is not whole or not sensible: what it names itself."""

    model_config = ConfigDict(extra="ignore")
    event: Literal["trial"]
    trial: TrialHead


Event = (
    FactsEvent
    | StateEvent
    | Watched
    | FootprintEvent
    | Tuned
    | Have
    | Cleaned
    | Working
    | Started
    | TrialEvent
    | BlockEvent
    | Done
    | Failed
)
Greeting = ReadyEvent | HeldEvent | WaitingEvent | Failed
GREETING: TypeAdapter[Greeting] = TypeAdapter(Annotated[Greeting, Field(discriminator="event")])
EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])
