"""Which operators XNNPACK takes, as LiteRT on this host hands them over, asked in a limited process.

A file does not say it: XNNPACK looks at types, shapes and options of each operator, and its rules change from version
to version. So LiteRT loads the model with its default delegate and allocates tensors, which is when operators are
handed over; nothing is run. The interpreter then lists the file's operators, followed by one DELEGATE node for each
part that XNNPACK took, with what that part reads and writes. An operator is in a part when walking back from what the
part writes meets it before anything the part reads: as parts are made (tensorflow/lite/graph_info.cc) that is exact,
save for operators whose results nobody reads.
"""

import platform
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.pipeline.cache import litert_version
from harness.pipeline.check import sandbox
from harness.pipeline.check.inspection.model_file import ModelInfo
from harness.records.artifact import OperatorTally
from harness.records.base import Record
from harness.records.errors import ModelFileError
from harness.records.files import real_path

DEADLINE_S: Final = 60.0
_MAIN: Final = "harness.pipeline.check.inspection.delegation_main"


class DelegationJob(Record):
    """A model to load."""

    model: str


class DelegationAnswer(Record):
    """The operators of the model's first graph in the order they run, and which of them were taken; or the refusal."""

    operators: tuple[str, ...] = ()
    taken: tuple[int, ...] = ()
    parts: int = 0
    refused: str | None = None
    unresolved: str | None = None
    """What LiteRT says of a custom operator that it does not have."""


@dataclass(frozen=True)
class Delegation:
    """How many operators of each name XNNPACK took, and in how many parts; or why that is not known."""

    taken: dict[str, int] | None
    parts: int
    told_by: str
    """e.g. "LiteRT 2.3.0 on this host (x86_64)"."""
    reason: str | None = None
    unresolved: tuple[str, ...] = ()
    """Custom operators that LiteRT does not have: those that it names."""


def refuse_unresolved_operators(path: Path, info: ModelInfo) -> None:
    """Raise ModelFileError where the model has custom operators and LiteRT on this host does not have one of them.

    It is LiteRT itself that is asked; where that is not possible, nothing is refused and the board's runtime will say.
    """
    if not info.custom_operators:
        return
    delegation = ask_xnnpack(path, info)
    if not delegation.unresolved:
        return
    name = delegation.unresolved[0]
    if name.startswith("Flex"):
        kind, remedy = "the TensorFlow (Flex) operator", "convert it with TensorFlow Lite built-ins only"
    elif name == "edgetpu-custom-op":
        kind, remedy = "the Edge TPU operator", "give the file from before the Edge TPU compiler"
    else:
        kind, remedy = "the custom operator", "replace it by built-in ones"
    raise ModelFileError(f'{path} needs {kind} "{name}", which {delegation.told_by} does not have: {remedy}')


def ask_xnnpack(path: Path, info: ModelInfo, *, deadline_s: float = DEADLINE_S) -> Delegation:
    """What XNNPACK takes of the model's first graph. Never raises: what goes wrong is the reason."""
    version = litert_version()
    if version is None:
        return Delegation(None, 0, "", "this host has no LiteRT to ask")
    told_by = f"LiteRT {version} on this host ({platform.machine()})"
    answer = _ask(DelegationJob(model=str(real_path(path))), deadline_s)
    if answer.refused is None and answer.operators == info.contents.order:
        taken = Counter(answer.operators[index] for index in answer.taken)
        return Delegation(dict(taken), answer.parts, told_by)
    reason = answer.refused or f"{told_by} lists other operators than the file"
    return Delegation(None, 0, told_by, reason, unresolved=_named_operators(answer.unresolved, info.custom_operators))


def _named_operators(told: str | None, custom: tuple[str, ...]) -> tuple[str, ...]:
    """The custom operators that LiteRT names as unresolved; the first of all where it names none of them."""
    if told is None:
        return ()
    shown = "".join(char if char.isprintable() else "?" for char in told)
    return tuple(name for name in custom if f"({name})" in shown or f": {name}." in shown) or custom[:1]


def with_xnnpack(tallies: tuple[OperatorTally, ...], delegation: Delegation) -> tuple[OperatorTally, ...]:
    """The tallies with what XNNPACK took; unchanged where that is not known."""
    taken = delegation.taken
    if taken is None:
        return tallies
    return tuple(tally.model_copy(update={"xnnpack": taken.get(tally.name, 0)}) for tally in tallies)


def _ask(job: DelegationJob, deadline_s: float) -> DelegationAnswer:
    reply = sandbox.run(_MAIN, job, sandbox.ProcessLimits(deadline_s=deadline_s))
    return reply.first(DelegationAnswer) or DelegationAnswer(refused=reply.failure())
