"""Whether what the board answered can be: checked trial by trial before any figure is believed."""

import json
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

from harness.records.board import Trial
from harness.records.errors import TrialError
from harness.records.operators import RESOLUTION_S
from harness.records.plan import BlockSpec, TrialSpec

STUCK_READS = 50
"""So many clock reads that all give the same nanosecond come from a clock that does not tell time."""
MOST_ANSWERS = 1000
MOST_ANSWER_CHARACTERS = 10_000
MOST_ANSWER_LEVELS = 100
"""Lists and tables within each other; those who compare or show an answer walk it level by level."""
MOST_READINGS = 2000
"""Of a power sensor in one window."""
MOST_SLICES = 64
"""Of one process: what the agent sends is less, so that a block's are at most 20 kB."""
TURNS_TOLERANCE = 0.01
"""What rounding and the middle of an even number of reads may do to p50 and mean."""
OPERATORS_TOLERANCE = 0.05
"""What operators may sum to above the inference, as the profiler reads the clock for each."""
NO_ANSWER = "the measuring process gave no answer"


def validate_trials(block: BlockSpec, trials: Iterable[Trial]) -> Iterator[Trial]:
    """The block's trials as they come, each fitting its request; nonsense becomes a death with its reason.

    A trial that was asked for and did not come is given at the end, dead. Raises TrialError for an answer
    that nobody asked for, in which case nothing of the block can be told apart.
    """
    asked = {spec.index: spec for spec in block.trials}
    for trial in trials:
        spec = asked.pop(trial.index, None)
        if spec is None:
            raise TrialError(
                f"block {block.index}: the board answered for trial {trial.index}, which was not asked for or "
                f"came twice; expected one of {sorted(asked)}; run again, and if it stays remove the agent's cache"
            )
        yield _judged(block, spec, trial)
    for spec in asked.values():
        yield Trial(index=spec.index, block=block.index, arm=spec.arm, kind=spec.kind, died=NO_ANSWER)


def _judged(block: BlockSpec, spec: TrialSpec, trial: Trial) -> Trial:
    if (trial.block, trial.arm, trial.kind) != (block.index, spec.arm, spec.kind):
        raise TrialError(
            f"trial {trial.index}: the board answered with block {trial.block}, arm {trial.arm!r}, kind {trial.kind}; "
            f"expected block {block.index}, arm {spec.arm!r}, kind {spec.kind}; run again"
        )
    nonsense = None if trial.died is not None else next(chain(_not_asked(spec, trial), _nonsense(trial)), None)
    if nonsense is None:
        return trial
    return Trial(
        index=trial.index,
        block=trial.block,
        arm=trial.arm,
        kind=trial.kind,
        died=f"the board's answer makes no sense: {nonsense}",
    )


def _nonsense(trial: Trial) -> Iterator[str]:
    """What cannot be in the answer of a process that lived."""
    yield from _bad_samples(trial)
    if trial.init_s is not None and trial.init_s <= 0.0:
        yield f"init time {trial.init_s} s"
    if trial.first_inference_s is not None and trial.first_inference_s <= 0.0:
        yield f"first inference {trial.first_inference_s} s"
    yield from _bad_memory(trial)
    yield from _bad_telemetry(trial)
    yield from _bad_load(trial)
    yield from _bad_energy(trial)
    yield from _bad_stages(trial)
    yield from _bad_turns(trial)
    yield from _bad_operators(trial)
    yield from _bad_placement(trial)
    if trial.kind == "cross_check" and trial.vendor is None:
        yield "a cross-check trial without figures"


def _not_asked(spec: TrialSpec, trial: Trial) -> Iterator[str]:
    """What a trial tells that is another than was asked for."""
    if trial.load is not None and trial.load.cold != spec.cold:
        told, asked = ("cold", "warm") if trial.load.cold else ("warm", "cold")
        yield f"a {told} load where a {asked} one was asked for"
    if trial.limit is not None and trial.limit.limit_bytes != spec.memory_limit_bytes:
        yield f"a memory limit of {trial.limit.limit_bytes} B where {spec.memory_limit_bytes} B were asked for"


def _bad_samples(trial: Trial) -> Iterator[str]:
    if trial.batch < 1:
        yield f"batch {trial.batch}"
    for name, samples in (("samples", trial.samples_ns), ("single reads", trial.singles_ns)):
        if any(sample <= 0 for sample in samples):
            yield f"{name} of {min(samples)} ns"
        if len(samples) >= STUCK_READS and len(set(samples)) == 1:
            yield f"{len(samples)} {name} that are all {samples[0]} ns: the clock is stuck"
    if trial.kind == "latency" and not trial.samples_ns:
        yield "no samples"
    if trial.kind == "latency" and trial.n < len(trial.samples_ns):
        yield f"{trial.n} inferences in {len(trial.samples_ns)} clock reads"


def _bad_memory(trial: Trial) -> Iterator[str]:
    memory = trial.memory
    if trial.kind == "memory" and memory is None:
        yield "a memory trial without memory figures"
    # Both are zero on a kernel that does not tell; the metric then is unknown, with that reason.
    if memory is not None and not 0 <= memory.hwm_before_bytes <= memory.hwm_bytes:
        yield f"VmHWM {memory.hwm_bytes} B after {memory.hwm_before_bytes} B"
    if memory is not None and max(memory.load_hwm_bytes or 0, memory.run_hwm_bytes or 0) > memory.hwm_bytes:
        yield f"VmHWM {memory.hwm_bytes} B, less than that of loading or of running"


def _bad_load(trial: Trial) -> Iterator[str]:
    load = trial.load
    if load is None:
        if trial.kind == "load":
            yield "a load trial without a load"
        return
    if any(seconds is not None and seconds <= 0.0 for seconds in (load.load_s, load.read_s)):
        yield f"{load.load_s} s of loading and {load.read_s} s of reading"
    if (load.load_s is None) != (load.not_cold is not None):
        yield "a load that was timed and not cold, or neither"


def _bad_telemetry(trial: Trial) -> Iterator[str]:
    telemetry = trial.telemetry
    if telemetry is None:
        return
    if telemetry.wall_s < 0.0 or telemetry.cpu_s < 0.0:
        yield f"{telemetry.wall_s} s of wall clock and {telemetry.cpu_s} s of CPU"
    if telemetry.utilisation is not None and not 0.0 <= telemetry.utilisation <= 1.0:
        yield f"utilisation {telemetry.utilisation}, outside 0..1"


def _bad_energy(trial: Trial) -> Iterator[str]:
    reading = trial.energy
    if trial.kind == "energy" and reading is None:
        yield "an energy trial without a reading"
    # Watts that cannot be are a sensor's fault, which is told with its name.
    if reading is not None and (reading.window_s <= 0.0 or reading.readings < 1):
        yield f"{reading.readings} readings over {reading.window_s} s"
    if reading is not None and not (
        len(reading.at_s) == len(reading.watts) <= MOST_READINGS
        and len(reading.idle_at_s) == len(reading.idle_watts) <= MOST_READINGS
    ):
        yield f"{len(reading.watts)} and {len(reading.idle_watts)} readings, or not as many times"
    elif reading is not None and any(later < one for one, later in pairwise((*reading.at_s,))):
        yield "readings out of their order"


def _bad_stages(trial: Trial) -> Iterator[str]:
    times = trial.stages
    if times is None:
        if trial.kind == "stages":
            yield "a stages trial without stages"
        return
    columns = (times.preprocess_ns, times.inference_ns, times.postprocess_ns, times.end_to_end_ns)
    if not times.end_to_end_ns or len({len(column) for column in columns}) > 1:
        yield f"{', '.join(str(len(column)) for column in columns)} runs of the stages and the whole"
    elif any(min(run) < 0 or sum(run[:3]) > run[3] for run in zip(*columns, strict=True)):
        yield "stages that take longer than the whole"
    if len(times.answers) > MOST_ANSWERS or not all(map(_is_answer, times.answers)):
        yield "an answer that is no JSON text, or too much of it"


def _bad_turns(trial: Trial) -> Iterator[str]:
    turns = trial.turns
    if turns is None:
        if trial.kind == "slices":
            yield "slices without turns"
        return
    if not 0 < len(turns.slices) <= MOST_SLICES:
        yield f"{len(turns.slices)} slices, expected 1 to {MOST_SLICES}"
        return
    if any(one.n < 1 or one.sum_ns <= 0 or one.median_ns <= 0.0 for one in turns.slices):
        yield "a slice without inferences, or of no time"
        return
    inferences, spent = sum(one.n for one in turns.slices), sum(one.sum_ns for one in turns.slices)
    if trial.n != inferences or abs(turns.mean_ns * inferences - spent) > TURNS_TOLERANCE * spent:
        yield f"a mean of {turns.mean_ns:.6g} ns of {trial.n} inferences; slices hold {inferences} in {spent} ns"
    medians = [one.median_ns for one in turns.slices]
    if not min(medians) * (1 - TURNS_TOLERANCE) <= turns.p50_ns <= max(medians) * (1 + TURNS_TOLERANCE):
        yield f"p50 of {turns.p50_ns:.6g} ns, slices' medians of {min(medians):.6g} to {max(medians):.6g} ns"
    orders = [one.order for one in turns.slices]
    if any(later <= before for before, later in pairwise(orders)):
        yield "slices out of their order"


def _bad_operators(trial: Trial) -> Iterator[str]:
    times = trial.operators
    if times is None:
        if trial.kind == "operators":
            yield "an operators trial without operators"
        return
    if times.runs < 1 or times.inference_ns <= 0.0 or any(each.ns < 0.0 for each in times.operators):
        yield f"operators of {times.runs} inferences of {times.inference_ns:.6g} ns, or of less than no time"
        return
    together, numbers = sum(each.ns for each in times.operators), [each.node for each in times.operators]
    cut_off = 1e9 * RESOLUTION_S * len(numbers)
    if together > times.inference_ns * (1 + OPERATORS_TOLERANCE) + cut_off:
        yield f"operators of {together:.6g} ns in an inference of {times.inference_ns:.6g} ns"
    known = [number for number in numbers if number is not None]
    if len(known) != len(set(known)):
        yield "one operator twice"


def _bad_placement(trial: Trial) -> Iterator[str]:
    placement = trial.placement
    if placement is None:
        return
    numbers, count = placement.delegated, len(placement.operators)
    if len(set(numbers)) != len(numbers) or any(number >= count for number in numbers):
        yield f"a delegate that took {len(numbers)} of {count} operators, one of them twice or none of these"
    if (placement.parts > 0) != bool(numbers) or placement.parts > len(numbers):
        yield f"{len(numbers)} operators in {placement.parts} parts of a delegate"


def _is_answer(text: str) -> bool:
    """A JSON text as the agent writes it: printable ASCII of bounded length and depth, no NaN."""
    if len(text) > MOST_ANSWER_CHARACTERS or not (text.isascii() and text.isprintable()):
        return False
    try:
        answer = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return False
    return _levels(answer) <= MOST_ANSWER_LEVELS


def _levels(answer: object) -> int:
    """How many lists and tables stand within each other, counted without recursion."""
    levels, within = 0, [answer]
    while containers := [one for one in within if isinstance(one, list | dict)]:
        levels += 1
        within = [value for one in containers for value in (one.values() if isinstance(one, dict) else one)]
    return levels


def _refused(constant: str) -> None:
    raise ValueError(constant)
