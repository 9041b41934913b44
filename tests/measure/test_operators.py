"""From what a profiler tells to the operators of a file: fused and helping ones, intervals, and changes."""

from dataclasses import replace
from random import Random

import pytest

from harness.measure import make_plan, order_of
from harness.measure.operator_attribution import FileOperator, attribute
from harness.measure.operator_profile import operator_changes, operator_profile
from harness.measure.planning import OPERATOR_PAIRS, OPERATOR_PROCESSES
from harness.measure.validate_trials import validate_trials
from harness.records.artifact import Artifact, Inside, OperatorTally
from harness.records.board import Trial
from harness.records.operators import OperatorTime, OperatorTimes
from harness.records.settings import Settings
from harness.testing import make_artifact, make_runner

CONV, FC = "Convolution (NHWC, QC8) IGEMM", "Fully Connected (NC, QS8, QC8W) GEMM"
FILE = [
    FileOperator("PAD", 0),
    FileOperator("CONV_2D", 900),
    FileOperator("RELU", 0),
    FileOperator("MEAN", 0),
    FileOperator("FULLY_CONNECTED", 100),
    FileOperator("SOFTMAX", 0),
]


def kernel(name: str, ns: float = 1000.0) -> OperatorTime:
    return OperatorTime(name=name, node=None, ns=ns)


def own(name: str, node: int, ns: float = 1000.0) -> OperatorTime:
    return OperatorTime(name=name, node=node, ns=ns)


def artifact(file: list[FileOperator] = FILE) -> Artifact:
    names = list(dict.fromkeys(one.name for one in file))
    tallies = tuple(
        OperatorTally(
            name=name,
            count=sum(one.name == name for one in file),
            macs=sum(one.macs for one in file if one.name == name),
        )
        for name in names
    )
    inside = Inside(
        operators=tallies,
        parameters=0,
        macs=sum(one.macs for one in file),
        weight_bytes=0,
        activation_bytes=0,
        order=tuple((names.index(one.name), one.macs) for one in file),
    )
    return make_artifact().model_copy(update={"inside": inside})


def times(told: list[OperatorTime], inference_ns: float = 100_000.0) -> OperatorTimes:
    return OperatorTimes(inference_ns=inference_ns, runs=10, operators=tuple(told))


def profiled(told: OperatorTimes, *, arm: str = "candidate", block: int = 1, index: int = 0) -> Trial:
    return Trial(index=index, block=block, arm=arm, kind="operators", n=20, operators=told)


def test_fused_operators_take_no_time_and_helpers_count_for_the_next():
    told = [
        kernel("Transpose (ND, X8)", 2000.0),
        kernel(CONV, 50_000.0),
        own("MEAN", 3, 7000.0),
        kernel("Static Reshape (NC)", 500.0),
        kernel(FC, 10_000.0),
        own("SOFTMAX", 5, 900.0),
    ]
    found = attribute(FILE, told, 100_000.0)
    assert found.delegated == (True, True, True, False, True, False)
    assert found.ns == (0.0, 52_000.0, 0.0, 7000.0, 10_500.0, 900.0)
    assert found.untold is None


def test_a_pointwise_convolution_is_told_as_a_dense_layer_by_xnnpack():
    file = [FileOperator("CONV_2D", 5), FileOperator("CONV_2D", 5)]
    assert attribute(file, [kernel(FC, 10.0), kernel(CONV, 20.0)], 100.0).ns == (10.0, 20.0)


def test_a_helper_after_the_last_operator_counts_for_it():
    file = [FileOperator("CONV_2D", 5)]
    assert attribute(file, [kernel(CONV, 10_000.0), kernel("Copy (NC, X8)", 4.0)], 20_000.0).ns == (10_004.0,)


@pytest.mark.parametrize(
    ("told", "odd"),
    [
        ([kernel(CONV), kernel("Attention (NC)", 60_000.0), kernel(FC)], "Attention (NC)"),
        ([kernel(FC)], "CONV_2D"),
        ([kernel("Copy (NC)", 1.0)], "CONV_2D"),
        ([], "CONV_2D"),
    ],
)
def test_what_cannot_be_told_apart_has_no_time(told: list[OperatorTime], odd: str):
    runtime = [own("MEAN", 3, 7000.0), own("SOFTMAX", 5, 900.0)]
    found = attribute(FILE, [*told, *runtime], 100_000.0)
    assert found.untold == f"the delegate's operators are not told apart by those of the file ({odd})"
    assert found.ns == (None, None, None, 7000.0, None, 900.0)
    assert found.delegated == (True, True, True, False, True, False)


@pytest.mark.parametrize("told", [own("MEAN", 2), own("CONV_2D", 6), own("Custom", 0)])
def test_an_operator_that_the_file_does_not_have_is_refused(told: OperatorTime):
    with pytest.raises(ValueError, match="which the file does not have"):
        attribute(FILE, [told], 1e6)
    profile = operator_profile([profiled(times([told]))], artifact(), make_runner())
    assert "which the file does not have" in (profile.reason or "")


def test_a_custom_operators_name_may_be_written_in_another_way():
    file = [FileOperator("TFLite_Detection_PostProcess", 0)]
    assert attribute(file, [own("TFLITE_DETECTION_POSTPROCESS", 0, 5.0)], 10.0).ns == (5.0,)


def told_by(process: int) -> OperatorTimes:
    extra = 100.0 * process
    return times([kernel(CONV, 50_000.0 + extra), own("MEAN", 3), kernel(FC, 10_000.0), own("SOFTMAX", 5)])


def test_a_profile_has_the_names_and_counts_of_the_file_most_time_first():
    trials = [profiled(told_by(process), block=process) for process in range(3)]
    found = operator_profile(trials, artifact(), make_runner())
    assert found.reason is None
    assert [(kind.name, kind.count, kind.delegated, kind.macs) for kind in found.kinds] == [
        ("CONV_2D", 1, 1, 900),
        ("FULLY_CONNECTED", 1, 1, 100),
        ("MEAN", 1, 0, 0),
        ("SOFTMAX", 1, 0, 0),
        ("PAD", 1, 1, 0),
        ("RELU", 1, 1, 0),
    ]
    assert [one.name for one in found.operators] == [one.name for one in FILE]
    conv = found.kinds[0]
    assert conv.seconds == pytest.approx(50.1e-6)
    assert conv.share == pytest.approx(0.501)
    assert conv.ci_low is not None
    assert conv.ci_high is not None
    # Whole microseconds leave half of one open, whatever the processes agree on.
    assert conv.ci_high - conv.ci_low >= 1e-6
    assert found.told_share == pytest.approx(0.621)
    assert (found.processes, found.runs) == (3, 30)
    assert found.path == "CompiledModel of litert 2.3.0, 1 thread, xnnpack"


def test_what_is_not_told_apart_stands_by_the_delegates_own_names():
    told = times([kernel("Fused Block (NC)", 50_000.0), kernel("Fused Block (NC)", 10_000.0), own("SOFTMAX", 5)])
    found = operator_profile([profiled(told)], artifact(), make_runner())
    assert found.reason is None
    assert found.untold
    assert [(one.name, one.count, one.seconds) for one in found.kernels] == [
        ("Fused Block (NC)", 2, pytest.approx(6e-5))
    ]
    assert [kind.name for kind in found.kinds if kind.seconds is not None] == ["SOFTMAX"]
    assert sum(kind.delegated for kind in found.kinds) == 5


@pytest.mark.parametrize(
    ("runner", "reason"),
    [
        (make_runner(package="tflite"), "tflite has no profiler that tells operators; LiteRT has"),
        (make_runner(delegate="/opt/npu.so"), "LiteRT's profiler does not reach into an external delegate"),
    ],
)
def test_where_operators_cannot_be_told_none_is_asked_and_the_reason_stands(runner, reason):
    assert operator_profile([], artifact(), runner).reason == reason
    plan = make_plan(Settings(operators=True), artifact(), runner)
    assert all(trial.kind != "operators" for block in order_of(plan) for trial in block.trials)


def test_dead_trials_are_the_reason():
    dead = Trial(index=0, block=1, arm="candidate", kind="operators", died="killed by SIGSEGV")
    assert operator_profile([dead], artifact(), make_runner()).reason == "every operators trial died: killed by SIGSEGV"
    assert operator_profile([], artifact(), make_runner()).reason == "no operators trial counts"
    unread = artifact().model_copy(update={"inside": None})
    assert operator_profile([profiled(told_by(0))], unread, make_runner()).reason


def test_operators_are_timed_only_where_asked_and_after_all_trials():
    alone = order_of(make_plan(Settings(), artifact(), make_runner()))
    assert all(trial.kind != "operators" for block in alone for trial in block.trials)
    asked = order_of(make_plan(Settings(operators=True), artifact(), make_runner()))
    assert [block for block in asked if block.trials[0].kind != "operators"] == list(alone)
    last = asked[-OPERATOR_PROCESSES:]
    assert [[trial.kind for trial in block.trials] for block in last] == [["operators"]] * OPERATOR_PROCESSES
    plan = make_plan(Settings(operators=True), artifact(), make_runner(), baseline=artifact())
    pairs = [[trial.arm for trial in block.trials] for block in order_of(plan)[-OPERATOR_PAIRS:]]
    assert all(sorted(arms) == ["baseline", "candidate"] for arms in pairs)
    assert ["baseline", "candidate"] in pairs
    assert ["candidate", "baseline"] in pairs


def compared(slow: float, seed: int, *, base: list[FileOperator] = FILE) -> tuple:
    """Six pairs of processes, 1 % of noise, the convolution of the candidate ``slow`` times slower."""
    random = Random(seed)  # noqa: S311 - simulated noise
    trials = []
    for block in range(OPERATOR_PAIRS):
        for arm, factor in (("candidate", slow), ("baseline", 1.0)):
            noisy = [
                one.model_copy(update={"ns": one.ns * random.gauss(1.0, 0.01) * (factor if one.name == CONV else 1.0)})
                for one in told_by(0).operators
            ]
            trials.append(profiled(times(noisy), arm=arm, block=block))
    return operator_changes(trials, {"candidate": artifact(), "baseline": artifact(base)})


def test_the_operator_that_got_slower_is_found_and_no_other():
    found = [compared(1.1, seed) for seed in range(40)]
    assert [[one.name for one in changes if one.changed] for changes in found].count(["CONV_2D 2"]) >= 38
    first = found[0][0]
    assert first.name == "CONV_2D 2"
    assert first.difference_s == pytest.approx(5e-6, rel=0.25)
    assert first.ci_low < 5e-6 < first.ci_high


def test_operators_that_stayed_alike_are_rarely_called_changed():
    alarms = sum(any(one.changed for one in compared(1.0, seed)) for seed in range(400))
    assert alarms <= 32


def test_of_files_with_other_operators_kinds_are_compared():
    base = [replace(one, name="CONV_2D") if one.name == "PAD" else one for one in FILE]
    assert {one.name for one in compared(1.0, 1, base=base)} <= {one.name for one in FILE}


def test_without_two_blocks_of_both_nothing_is_compared():
    trials = [profiled(told_by(0), arm=arm) for arm in ("candidate", "baseline")]
    assert operator_changes(trials, {"candidate": artifact(), "baseline": artifact()}) == ()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, "an operators trial without operators"),
        (times([kernel(CONV, -1.0)]), "less than no time"),
        (times([kernel(CONV)], inference_ns=0.0), "of less than no time"),
        (times([kernel(CONV, 200_000.0)]), "operators of 200000 ns in an inference of 100000 ns"),
        (times([own("MEAN", 3), own("MEAN", 3)]), "one operator twice"),
    ],
)
def test_times_that_cannot_be_are_no_figures(told: OperatorTimes | None, said: str):
    block = order_of(make_plan(Settings(operators=True, trials=1), artifact(), make_runner()))[-1]
    asked = block.trials[0]
    trial = Trial(index=asked.index, block=block.index, arm="candidate", kind="operators", n=9, operators=told)
    (found,) = validate_trials(block, [trial])
    assert said in (found.died or "")
