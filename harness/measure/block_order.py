"""A plan to blocks of trials, in the order in which the board runs them."""

from collections.abc import Iterator, Sequence
from itertools import count
from random import Random

from harness.records.board import Trial
from harness.records.device import METER
from harness.records.energy import HOST_METER
from harness.records.limit_test import LimitTest
from harness.records.metrics import METRICS, TrialKind
from harness.records.plan import Arm, BlockSpec, Plan, RunnerSpec, TrialSpec

START_AND_LOAD_S = 30.0
"""What a process may take beyond its measuring: start, imports, loading and warming up a slow model."""
MEMORY_BLOCKS = 2
"""Of arms that take turns: blocks with a memory trial of each, so that what both take alone is known."""
CROSS_CHECK_RUNS = 50
"""As many as litert-benchmark runs by itself."""
OPERATOR_RUNS = 20
OPERATOR_MIN_SECS = 0.25
OPERATOR_MAX_SECS = 5.0
"""Of an operators trial; a slower model is profiled by fewer inferences, at least one."""
MEMORY_WARMUPS = 1
"""A memory trial's inferences after the first: the second shows what is kept between two."""


def order_of(plan: Plan) -> tuple[BlockSpec, ...]:
    """All blocks of a plan; trial indices are unique and rise. Pure.

    Block 0 begins with a check trial for every arm that has expected outputs. With two arms a block is ABBA or BAAB, at
    random in each pair of blocks. Arms with pre- and post-processing have as many stages trials, after the latency
    trials and in the same turns, so that their intervals are over trials too. Each block ends with a memory trial of
    every arm. Blocks of operators trials follow, with one of every arm that can be asked, in turns likewise, then the
    vendor's own benchmark of the candidate. Blocks of energy trials, one a sensor or as many of the best as limits on
    energy may take, come after, and last a block of load trials. Where a plan's questions may take more blocks than its
    trials, the further blocks have those kinds of trials alone that a question is about.
    """
    indices = count()
    blocks = [_latency_block(plan, index, indices) for index in range(_latency_blocks(plan))]
    profiled = [arm for arm in plan.arms if not why_no_operators(plan.runner_of(arm.name))]
    blocks += [
        _block_of_each(plan, profiled, "operators", len(blocks) + place, indices)
        for place in range(plan.operator_processes if profiled else 0)
    ]
    if plan.cross_check:
        blocks.append(_block_of_each(plan, plan.arms[:1], "cross_check", len(blocks), indices))
    sensors = plan.sensors[:1] * plan.energy_windows if plan.energy_questions else plan.sensors
    energy = [
        with_sensor(plan, _block_of_each(plan, plan.arms, "energy", len(blocks) + place, indices), sensor)
        for place, sensor in enumerate(sensors)
    ]
    loads = [_load_block(plan, len(blocks) + len(energy), indices)] if plan.load_pairs else []
    return (*blocks, *energy, *loads)


def why_no_operators(runner: RunnerSpec) -> str:
    """Why a runner's operators cannot be timed one by one; empty where they can."""
    if runner.package not in ("litert", "compiled"):
        return f"{runner.package} has no profiler that tells operators; LiteRT has"
    if runner.delegate not in ("xnnpack", "none"):
        return "LiteRT's profiler does not reach into an external delegate"
    return ""


def repeat_block(block: BlockSpec, *, index: int, first_trial: int) -> BlockSpec:
    """The block's latency and memory trials once more, under a new block index and new trial indices."""
    kept = tuple(trial for trial in block.trials if trial.kind != "check")
    return renumber_block(block.model_copy(update={"trials": kept}), index=index, first_trial=first_trial)


def renumber_block(block: BlockSpec, *, index: int, first_trial: int) -> BlockSpec:
    """All of the block once more, under a new block index and new trial indices."""
    renumbered = [trial.model_copy(update={"index": first_trial + place}) for place, trial in enumerate(block.trials)]
    return block.model_copy(update={"index": index, "trials": tuple(renumbered)})


def needed_blocks(plan: Plan) -> int:
    """Blocks that the plan's trials make, were there no questions."""
    return -(-plan.trials * len(plan.arms) // plan.trials_per_block)


def parts_of(plan: Plan, block: BlockSpec) -> tuple[BlockSpec, ...]:
    """The block as one for each process on the board, in turn.

    A warm parent runs one interpreter; slices have a parent of their own; a memory trial is the last thing that one
    does, as nothing of another model may be in its pages.
    """
    parts: list[list[TrialSpec]] = []
    for before, trial in zip((None, *block.trials), block.trials, strict=False):
        anew = before is None or _apart(before, trial) or plan.runner_of(before.arm) != plan.runner_of(trial.arm)
        parts += [[trial]] if anew else []
        parts[-1] += [] if anew else [trial]
    return tuple(
        block.model_copy(update={"runner": plan.runner_of(part[0].arm), "trials": tuple(part)}) for part in parts
    )


def _apart(before: TrialSpec, trial: TrialSpec) -> bool:
    """Whether two trials that follow each other need a parent each."""
    return before.kind == "memory" or (before.kind == "slices") != (trial.kind == "slices")


def with_room(part: BlockSpec, trials: Sequence[Trial]) -> BlockSpec:
    """The part with what both arms took of memory alone in its slices, as the memory trials so far tell; the worst."""
    if all(trial.kind != "slices" for trial in part.trials):
        return part
    peaks: dict[str, int] = {}
    for trial in trials:
        if trial.memory is not None and trial.kind == "memory":
            peaks[trial.arm] = max(peaks.get(trial.arm, 0), trial.memory.hwm_bytes)
    room = sum(peaks.values())
    return part.model_copy(
        update={"trials": tuple(trial.model_copy(update={"room_bytes": room}) for trial in part.trials)}
    )


def in_plans_slices(plan: Plan, block: BlockSpec) -> BlockSpec:
    """The block with its slices as long as the plan has them now."""
    if plan.slices is None:
        return block
    length = {"slice_s": plan.slices.slice_s, "min_secs": plan.slices.process_s}
    trials = [trial.model_copy(update=length) if trial.kind == "slices" else trial for trial in block.trials]
    return block.model_copy(update={"trials": tuple(trials)})


def in_whole_trials(plan: Plan, block: BlockSpec) -> BlockSpec:
    """The block with a latency trial for each of slices, where it has none anyway; for a ``plan`` without slices."""
    there = any(trial.kind == "latency" for trial in block.trials)
    num_runs, min_secs, max_secs = _length(plan, "latency")
    whole = {"kind": "latency", "num_runs": num_runs, "min_secs": min_secs, "max_secs": max_secs, "slice_s": 0.0}
    trials = [
        trial.model_copy(update=whole) if trial.kind == "slices" else trial
        for trial in block.trials
        if trial.kind != "slices" or not there
    ]
    # The order of a block: what is timed comes before memory.
    return block.model_copy(update={"trials": tuple(sorted(trials, key=lambda trial: trial.kind == "memory"))})


def _latency_blocks(plan: Plan) -> int:
    needed = needed_blocks(plan)
    return max(needed, plan.most_blocks or 0) if plan.questions else needed


def _latency_block(plan: Plan, index: int, indices: Iterator[int]) -> BlockSpec:
    checks = [arm for arm in plan.arms if arm.expected_sha256] if index == 0 else []
    turns = _turns(plan, index)
    kinds = _kinds(plan, index)
    kinds |= {"latency"} if index == 0 else set()
    memory = (plan.arms if index % 2 == 0 else plan.arms[::-1]) if "memory" in kinds else ()
    # Of a program the kernel tells this process' memory, which is not its own.
    memory = tuple(arm for arm in memory if plan.runner_of(arm.name).package != "command")
    staged = [arm for arm in turns if arm.stages_sha256] if "stages" in kinds else []
    trials = [
        *(_trial(plan, arm, "check", next(indices)) for arm in checks),
        *(_trial(plan, arm, "latency", next(indices)) for arm in turns if "latency" in kinds),
        *(_trial(plan, arm, "stages", next(indices)) for arm in staged),
        *(_trial(plan, arm, "memory", next(indices)) for arm in memory),
        *(_trial(plan, arm, "slices", next(indices)) for arm in turns if "slices" in kinds),
    ]
    return BlockSpec(index=index, runner=plan.runner, trials=tuple(trials))


def _kinds(plan: Plan, index: int) -> set[TrialKind | None]:
    """Kinds of trials in a block: all while the plan's trials last, then those that questions are about.

    Where arms take turns, whole trials that no limit is about give absolute values: two an arm, one in each of the
    first blocks of memory, both in the first block of others.
    """
    asked = {kind_of(plan, question) for question in plan.questions}
    if "slices" in asked:
        asked |= {"latency"} if plan.energy_limited and index < needed_blocks(plan) else set()
        timed: set[TrialKind | None] = {"latency", "stages"} if index == 0 else set()
        memory: set[TrialKind | None] = {"memory"} if index < MEMORY_BLOCKS else set()
        return asked | timed | memory
    if index >= needed_blocks(plan):
        return asked
    return {"latency", "memory", "stages"}


def kind_of(plan: Plan, question: LimitTest) -> TrialKind | None:
    """The kind of trials that answer a question: slices for p50 and mean against a baseline, where there are any."""
    metric = METRICS[question.metric]
    by_turns = plan.slices is not None and question.relative and metric.batched
    return "slices" if by_turns else metric.kind


def _turns(plan: Plan, index: int) -> list[Arm]:
    """Whose turn it is, trial by trial, in one block."""
    if plan.order == "single":
        left = plan.trials_per_block if plan.questions else plan.trials - index * plan.trials_per_block
        return [plan.arms[0]] * min(plan.trials_per_block, left)
    first, second = plan.arms if has_outer_places(plan, index) else plan.arms[::-1]
    return [first, second, second, first]


def has_outer_places(plan: Plan, index: int) -> bool:
    """Whether the plan's first arm has the first and last place of a block.

    At random in each pair of blocks, once in either, so that nothing periodic on the board falls in with the order.
    The plan alone decides: its seed and its models.
    """
    models = ":".join(arm.model_sha256 for arm in plan.arms)
    first = Random(f"{plan.seed}:{models}:{index // 2}").random() < 0.5  # noqa: S311 - an order, not a secret
    return first == (index % 2 == 0)


def _block_of_each(plan: Plan, arms: Sequence[Arm], kind: TrialKind, index: int, indices: Iterator[int]) -> BlockSpec:
    """One trial of each arm, in turns from block to block."""
    turns = arms if has_outer_places(plan, index) else arms[::-1]
    trials = tuple(_trial(plan, arm, kind, next(indices)) for arm in turns)
    return BlockSpec(index=index, runner=plan.runner, trials=trials)


def _source(plan: Plan, sensor: str) -> dict[str, object]:
    if sensor != METER:
        return {"sensors": (sensor,), "meter": None}
    return {"sensors": (HOST_METER if plan.meter is not None and plan.meter.on_host else sensor,), "meter": plan.meter}


def with_sensor(plan: Plan, block: BlockSpec, sensor: str) -> BlockSpec:
    """A block of energy trials by another sensor."""
    trials = [trial.model_copy(update=_source(plan, sensor)) for trial in block.trials]
    return block.model_copy(update={"trials": tuple(trials)})


def _load_block(plan: Plan, index: int, indices: Iterator[int]) -> BlockSpec:
    turns = [(arm, cold) for _ in range(plan.load_pairs) for arm in plan.arms for cold in (True, False)]
    trials = (_trial(plan, arm, "load", next(indices)).model_copy(update={"cold": cold}) for arm, cold in turns)
    return BlockSpec(index=index, runner=plan.runner, trials=tuple(trials))


def _trial(plan: Plan, arm: Arm, kind: TrialKind, index: int) -> TrialSpec:
    num_runs, min_secs, max_secs = _length(plan, kind)
    staged = kind == "stages"
    return TrialSpec(
        index=index,
        arm=arm.name,
        kind=kind,
        model=arm.model_sha256,
        inputs=None if staged else arm.inputs_sha256,
        expected=arm.expected_sha256 if kind == "check" else None,
        expected_builtin=arm.expected_builtin_sha256 if kind == "check" else None,
        below=arm.below,
        stages=arm.stages_sha256 if staged else None,
        stages_name=arm.stages_name if staged else None,
        raw=arm.raw_sha256 if staged else None,
        seed=plan.seed,
        warmup_runs=_warmups(plan, kind),
        num_runs=num_runs,
        min_secs=min_secs,
        max_secs=max_secs,
        deadline_s=(START_AND_LOAD_S + 2.0 * max_secs) * (2 if kind == "slices" else 1),
        slice_s=plan.slices.slice_s if plan.slices is not None and kind == "slices" else 0.0,
        # A check holds all samples and expected outputs, which the model needs none of.
        memory_limit_bytes=0 if kind == "check" else plan.memory_limit_bytes,
    )


def _length(plan: Plan, kind: TrialKind) -> tuple[int, float, float]:
    """num_runs, min_secs and max_secs of a trial."""
    if kind == "energy":
        return 1, plan.energy_window_s, max(plan.max_secs, 2.0 * plan.energy_window_s)
    if kind in ("memory", "load"):
        return 1, 0.0, plan.max_secs
    if kind == "cross_check":
        return CROSS_CHECK_RUNS, 0.0, plan.max_secs
    if kind == "operators":
        return OPERATOR_RUNS, OPERATOR_MIN_SECS, min(plan.max_secs, OPERATOR_MAX_SECS)
    if kind == "slices" and plan.slices is not None:
        return 1, plan.slices.process_s, plan.max_secs
    return plan.num_runs, plan.min_secs, plan.max_secs


def _warmups(plan: Plan, kind: TrialKind) -> int:
    if kind in ("check", "load"):
        return 0
    return MEMORY_WARMUPS if kind == "memory" else plan.warmup_runs
