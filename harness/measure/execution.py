"""A plan and a board to an entry."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.measure.fitness import fitness_rule
from harness.measure.readiness import wait_until_fit
from harness.measure.run_blocks import Progress, RunContext, run_blocks
from harness.records.artifact import Artifact
from harness.records.board import Trial
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.emulation import is_emulated, withhold_speed
from harness.records.entry import Entry
from harness.records.errors import EntryError, TrialError
from harness.records.plan import Plan
from harness.records.units import format_quantity

if TYPE_CHECKING:
    from harness.board import Board


def _silent(_heard: object) -> None:
    """Nobody listens."""


def execute(  # noqa: PLR0913 - each is a part of the sequence that a test or a session replaces
    board: "Board",
    plan: Plan,
    artifact: Artifact,
    *,
    candidate: Candidate,
    test: str = "",
    profile: DeviceProfile | None = None,
    baseline: Artifact | None = None,
    on_event: Callable[[Progress], None] = _silent,
    on_trial: Callable[[Trial], None] = _silent,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Entry:
    """Ship, run the plan's blocks, and give the entry: MEASURED, INVALID, FAIL or ERROR; budgets come later.

    ``profile`` is the board's own unless given; ``baseline`` is the artifact of the plan's second arm. ``on_trial``
    hears each trial as it comes. ``now`` and ``sleep`` count seconds.
    A model or process that fails makes an ERROR entry; BoardUnavailableError is passed on.
    """
    profile = profile or board.profile
    artifacts = {"candidate": artifact} if baseline is None else {"candidate": artifact, "baseline": baseline}
    rule = fitness_rule(profile, board.facts)
    run_context = RunContext(rule, str(candidate), on_event, on_trial, now, sleep)
    began = now()
    shipped, waited, failure, unfit, results = 0.0, 0.0, "", "", None
    try:
        _refuse_too_large(board, artifacts)
        on_event(Progress(profile.name, f"{candidate}: sending files"))
        _ship(board, artifacts)
        shipped = now() - began
        unfit = _wait_until_fit(board, run_context, profile.limits.max_wait_s)
        waited = now() - began - shipped
        results = None if unfit else run_blocks(board, plan, run_context)
    except EntryError as error:
        failure = str(error)
    # Figures need numpy: imported only here, while a remote board measures somebody may have done it already.
    from harness.measure.build_entry import EntryContext, build_entry, error_entry, unfit_entry

    context = EntryContext(test, candidate, artifacts, profile, board.facts)
    if unfit:
        entry = unfit_entry(context, plan, unfit)
    elif results is None:
        return error_entry(context, plan, failure)
    else:
        entry = build_entry(context, plan, rule=rule, results=results)
    if is_emulated(profile, board.facts):
        entry = withhold_speed(entry)
    return entry.model_copy(update={"seconds": {"ship": shipped, "wait": waited, **entry.seconds}})


def _wait_until_fit(board: "Board", context: RunContext, most_s: float) -> str:
    """Why the board is not fit after so many seconds; empty where it is."""

    def on_wait(why: str) -> None:
        context.on_event(Progress(board.profile.name, f"{context.what}: waiting for the board: {why}"))

    return wait_until_fit(board, context.rule, most_s=most_s, on_wait=on_wait, sleep=context.sleep)


def _refuse_too_large(board: "Board", artifacts: Mapping[str, Artifact]) -> None:
    """Raise TrialError before anything is sent where the tensors a model declares cannot fit the board's memory."""
    facts = board.facts
    limits = [
        (size, whose)
        for size, whose in ((facts.memory_bytes, "the board has"), (facts.memory_limit_bytes, "its cgroup allows"))
        if size is not None
    ]
    for arm, artifact in artifacts.items():
        needed = artifact.inside.activation_bytes if artifact.inside is not None else 0
        for size, whose in limits:
            if needed > size:
                raise TrialError(
                    f"out of memory before it began: the {arm}'s tensors take {format_quantity(needed, 'B')} at one "
                    f"time, as its file declares, and {whose} {format_quantity(size, 'B')}"
                )


def _ship(board: "Board", artifacts: Mapping[str, Artifact]) -> None:
    """Models, inputs, expected outputs, pre- and post-processing, before the first block."""
    for artifact in artifacts.values():
        board.ship(artifact.local_path, artifact.sha256)
        if artifact.verification.golden is not None:
            for path, sha256 in artifact.verification.golden.files.items():
                board.ship(Path(path), sha256)
        if artifact.stages is not None:
            board.ship(Path(artifact.stages.path), artifact.stages.sha256)
            board.ship(Path(artifact.stages.raw_path), artifact.stages.raw_sha256)
