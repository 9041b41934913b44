"""Settings and artifacts to a plan, fixed before the board is touched."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from pathlib import Path

from harness.records.artifact import Artifact
from harness.records.device import Meter
from harness.records.errors import UsageError
from harness.records.limit_test import FIRST_LOOK, LimitTest, bound_looks, fewest_draws
from harness.records.metrics import METRICS
from harness.records.plan import BESIDE_WINDOW_S, Arm, MeterCommand, Plan, RunnerSpec, SlicesPlan
from harness.records.settings import Settings
from harness.records.units import parse_duration

DEFAULT_TRIALS = 10
TRIALS_PER_BLOCK = 5
"""With one arm: trials that share a warm parent, and so a layout of addresses."""
TRIALS_PER_LAYOUT = 2
"""Likewise where a limit compares runs: the parent is what is tested, and two of them tell next to nothing."""
TRIALS_PER_ABBA = 4
SLICE_S = 0.02
"""A slice of 2 ms measures the caches, 5 ms is slightly off for small models."""
OPERATOR_PROCESSES = 3
OPERATOR_PAIRS = 6
"""Processes of either arm where operators are compared: fewer find nothing."""
PROCESS_S = 0.15
"""Seconds of each process' slices: short and many, as processes and layouts of addresses are what has to be sampled."""
PILOT_S = 0.25
"""Least seconds of a trial before the first blocks have shown how long one is worth being."""
LOAD_PAIRS = 4
"""Cold and warm loads of an entry: the fewest with an interval worth its name."""
MOST_BLOCKS = 130
"""Blocks that a limit may take; the time limit often ends measuring earlier."""
MEASURING_SHARE = 0.8
"""Of the time limit; the rest goes to starting processes, loading and warming up."""


def make_plan(  # noqa: PLR0913 - all that a plan is made of, by keyword
    settings: Settings,
    artifact: Artifact,
    runner: RunnerSpec,
    *,
    baseline: Artifact | None = None,
    baseline_runner: RunnerSpec | None = None,
    sensors: tuple[str, ...] = (),
    questions: tuple[LimitTest, ...] = (),
    across_runs: bool = False,
    energy_limited: bool = False,
    energy_questions: tuple[LimitTest, ...] = (),
    meter: Meter | None = None,
    load_pairs: int = 0,
) -> Plan:
    """The plan for one artifact, or for one with its baseline in ABBA blocks; UsageError for too few ``--trials``."""
    runner, baseline_runner = _limited(settings, runner), baseline_runner and _limited(settings, baseline_runner)
    arms = _arms(artifact, baseline, baseline_runner if baseline_runner != runner else None)
    check_trials(settings, [question.metric for question in questions], arms=len(arms))
    balanced = bool(questions) and not settings.fixed_length
    trials = _trials(settings.trials or DEFAULT_TRIALS, len(arms))
    shared_by = max(trials * len(arms), 2 * FIRST_LOOK * TRIALS_PER_ABBA) if balanced else trials * len(arms)
    fewest_reads = max((_reads_of(question.metric) for question in questions), default=1)
    kept = sensors if energy_questions else _sensors_within(settings, sensors, arms=len(arms))
    room = settings.time_limit_s - (0.0 if energy_questions else len(kept) * energy_seconds(settings, arms=len(arms)))
    relative = [question for question in questions if question.relative and baseline is not None]
    whole_trials = why_whole_trials(settings, runner, baseline_runner, relative) if relative else ""
    by_turns = settings.design == "slices" and bool(relative) and not whole_trials
    share = room * MEASURING_SHARE / (shared_by * (1 + _staged(arms) / len(arms)))
    return Plan(
        arms=arms,
        trials=trials,
        trials_per_block=_trials_per_block(paired=bool(questions) or baseline is not None, across_runs=across_runs),
        order="single" if baseline is None else "abba",
        runner=runner,
        warmup_runs=settings.warmup_runs,
        num_runs=max(settings.num_runs, fewest_reads) if balanced else settings.num_runs,
        min_secs=min(settings.min_secs, PILOT_S, _bounded_within(room, questions)) if balanced else settings.min_secs,
        max_secs=min(settings.max_secs, share if balanced else max(share, settings.min_secs)),
        time_limit_s=settings.time_limit_s,
        meter=_meter_command(meter),
        sensors=kept,
        energy_limited=energy_limited,
        energy_questions=energy_questions if kept else (),
        energy_window_s=settings.energy_window_s,
        rate=settings.rate,
        seed=settings.seed,
        questions=questions,
        most_blocks=most_blocks(settings, arms=len(arms)) if questions else None,
        balanced=balanced,
        fewest_reads=fewest_reads,
        slices=SlicesPlan(SLICE_S, settings.min_secs if settings.fixed_length else PROCESS_S) if by_turns else None,
        whole_trials=whole_trials,
        cross_check=settings.cross_check,
        operator_processes=_operator_processes(settings, arms=len(arms)),
        load_pairs=load_pairs,
        memory_limit_bytes=settings.memory_limit or 0,
    )


def _meter_command(meter: Meter | None) -> MeterCommand | None:
    if meter is None:
        return None
    seconds = parse_duration(meter.interval)
    return MeterCommand(command=tuple(meter.command), interval_s=seconds, on_host=meter.on == "host")


def _limited(settings: Settings, runner: RunnerSpec) -> RunnerSpec:
    """The runner; with a memory limit each trial is exec'd, so that a limit holds for one process."""
    return runner if settings.memory_limit is None else runner.model_copy(update={"start": "exec"})


def _trials_per_block(*, paired: bool, across_runs: bool) -> int:
    if paired:
        return TRIALS_PER_ABBA
    return TRIALS_PER_LAYOUT if across_runs else TRIALS_PER_BLOCK


def _operator_processes(settings: Settings, *, arms: int) -> int:
    if not settings.operators:
        return 0
    return OPERATOR_PROCESSES if arms == 1 else OPERATOR_PAIRS


def why_whole_trials(
    settings: Settings, runner: RunnerSpec, baseline_runner: RunnerSpec | None, relative: Sequence[LimitTest]
) -> str:
    """Why no two processes take turns for limits against a baseline; empty where they do, or were not asked to."""
    if settings.design != "slices":
        return ""
    if not any(METRICS[question.metric].batched for question in relative):
        titles = dict.fromkeys(METRICS[question.metric].title for question in relative)
        return f"slices do not tell {' and '.join(titles)}"
    if baseline_runner is not None and baseline_runner != runner:
        return "the baseline is run by another runtime"
    if runner.package == "command":
        return "a program of one's own times its inferences itself"
    if runner.start == "exec":
        why = "a memory limit is one process'" if settings.memory_limit else "a delegate may allow one context only"
        return f"every trial is a process started anew here, and {why}"
    return ""


def most_blocks(settings: Settings, *, arms: int) -> int:
    """The largest number of blocks that questions may take: those of an explicit ``--trials``, else MOST_BLOCKS.

    Never fewer than a first look has: memory that differs between processes, which one may do without, needs it too.
    """
    return MOST_BLOCKS if settings.trials is None else max(FIRST_LOOK, ceil(settings.trials * arms / TRIALS_PER_ABBA))


def check_trials(settings: Settings, metrics: Iterable[str], *, arms: int) -> None:
    """Refuse ``--trials`` that no limit on a sampled metric can be judged by. Raises UsageError."""
    asked = sorted({metric for metric in metrics if METRICS[metric].repeats != "identical"})
    fewest = ceil(FIRST_LOOK * TRIALS_PER_ABBA / arms)
    if asked and settings.trials is not None and settings.trials < fewest:
        raise UsageError(
            f"--trials {settings.trials}: a limit on {asked[0]} needs {fewest} at least, {FIRST_LOOK} blocks of "
            f"{TRIALS_PER_ABBA}; leave --trials out, so that as many are measured as the limits need"
        )


def energy_seconds(settings: Settings, *, arms: int) -> float:
    """Seconds that a window of every arm takes, with the idle one before it."""
    return arms * (settings.energy_window_s + BESIDE_WINDOW_S)


@dataclass(frozen=True)
class Extent:
    """Trials of all arms and seconds of an entry's measuring, at least and at most."""

    least_trials: int
    most_trials: int
    least_s: float
    most_s: float


def expected_extent(settings: Settings, asked: Sequence[str], *, arms: int, relative: bool = False) -> Extent:
    """What an entry takes if every trial ends at its least seconds. Pure.

    ``asked`` are metrics with a limit that trials answer: then measuring goes on for as many blocks as it takes, and
    the time limit is the most. ``relative``: all of them are limits against the baseline, so that two processes may
    take turns and a trial is one's slices. Energy passes, pre- and post-processing and starting processes come on top.
    """
    trials = _trials(settings.trials or DEFAULT_TRIALS, arms) * arms
    if not asked:
        seconds = min(settings.time_limit_s, trials * settings.min_secs)
        return Extent(trials, trials, seconds, seconds)
    least = max(trials, FIRST_LOOK * TRIALS_PER_ABBA)
    most = max(least, most_blocks(settings, arms=arms) * TRIALS_PER_ABBA)
    by_turns = relative and settings.design == "slices" and all(METRICS[metric].batched for metric in asked)
    pilot = PROCESS_S if by_turns else min(settings.min_secs, PILOT_S)
    shortest = settings.min_secs if settings.fixed_length else pilot
    return Extent(least, most, min(settings.time_limit_s, least * shortest), settings.time_limit_s)


def energy_extent(settings: Settings, most_windows: int, *, arms: int) -> tuple[float, float]:
    """Seconds, at least and at most, of the windows that a limit on energy takes beside the time limit. Pure."""
    a_pair = energy_seconds(settings, arms=arms)
    return min(FIRST_LOOK, most_windows) * a_pair, most_windows * a_pair


def _bounded_within(room_s: float, questions: Iterable[LimitTest]) -> float:
    """Seconds of a trial at which the draws fit that an absolute limit on a percentile takes; infinite for others."""
    asked = [METRICS[question.metric].percentile for question in questions if not question.relative]
    blocks = [_draws_in_blocks(percentile) for percentile in asked if percentile is not None]
    return room_s * MEASURING_SHARE / (max(blocks) * TRIALS_PER_ABBA) if blocks else inf


def _draws_in_blocks(percentile: float) -> int:
    """Blocks with one arm that hold the fewest draws of a percentile's bound, at the first look that may tell it."""
    looks = bound_looks(percentile)
    return looks[0] if looks else ceil(fewest_draws(percentile) / TRIALS_PER_ABBA)


def _reads_of(metric: str) -> int:
    """Reads of one process whose percentile is not merely its slowest: 1 / (1 - q); 1 for other metrics."""
    return ceil(round(1.0 / (1.0 - (METRICS[metric].percentile or 0.0)), 9))


def _staged(arms: tuple[Arm, ...]) -> int:
    """Arms with pre- and post-processing, which have a stages trial for each latency trial."""
    return sum(arm.stages_sha256 is not None for arm in arms)


def _arms(artifact: Artifact, baseline: Artifact | None, baseline_runner: RunnerSpec | None) -> tuple[Arm, ...]:
    candidate = _arm("candidate", artifact)
    if baseline is None:
        return (candidate,)
    return (candidate, replace(_arm("baseline", baseline), runner=baseline_runner))


def _arm(name: str, artifact: Artifact) -> Arm:
    golden, stages = artifact.verification.golden, artifact.stages
    return Arm(
        name=name,
        model_sha256=artifact.sha256,
        inputs_sha256=golden.inputs_sha256 if golden else None,
        expected_sha256=golden.outputs_sha256 if golden else None,
        expected_builtin_sha256=golden.builtin.outputs_sha256 if golden and golden.builtin else None,
        below=tuple(tensor.below for tensor in artifact.inputs),
        stages_sha256=stages.sha256 if stages else None,
        stages_name=Path(stages.path).name if stages else None,
        raw_sha256=stages.raw_sha256 if stages else None,
    )


def _trials(wanted: int, arms: int) -> int:
    each = TRIALS_PER_ABBA // arms
    return wanted if arms == 1 else ceil(wanted / each) * each


def _sensors_within(settings: Settings, sensors: tuple[str, ...], *, arms: int) -> tuple[str, ...]:
    """The best sensors whose windows leave half of the time limit to the trials."""
    return sensors[: int(settings.time_limit_s / 2 // energy_seconds(settings, arms=arms))]
