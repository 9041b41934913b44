"""Two arms that take turns in slices, in real processes: what they bring back, and what becomes of a dead one."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from agent.agent_conversation import Message, Steward, block, put, run, trial

from harness.records.board import NO_TURNS, Trial

Start = Callable[..., Steward]

MODEL = "models/support_mobilenet_v1_0.25_224_quant.tflite"
QUICK = "models/tflm_hello_world_fp32.tflite"
ABORTS = "bad/abort_blockwise_quantized.tflite"


def pair(candidate: str, baseline: str, **changes: object) -> list[Message]:
    """A pair of trials that take turns."""
    arms = (("candidate", candidate), ("baseline", baseline))
    same = {"kind": "slices", "min_secs": 0.05, "slice_s": 0.005, **changes}
    return [trial(model, arm=arm, index=at, **same) for at, (arm, model) in enumerate(arms)]


def in_order(found: list[Trial]) -> list[tuple[int, str, str | None]]:
    told = [(one, each.arm) for each in found if each.turns is not None for one in each.turns.slices]
    return [(one.order, arm, one.after) for one, arm in sorted(told, key=lambda of: of[0].order)]


@pytest.mark.parametrize("model", [MODEL, QUICK])
def test_both_arms_bring_back_their_slices(steward: Start, model: str) -> None:
    one = steward()
    sha256 = put(one, model)
    found = run(one, pair(sha256, sha256))
    assert [(each.arm, each.kind, each.died) for each in found] == [
        ("candidate", "slices", None),
        ("baseline", "slices", None),
    ]
    for each in found:
        assert each.turns is not None
        assert each.samples_ns == ()
        assert each.n == sum(of.n for of in each.turns.slices)
        # Fewer where the machine was so busy that the first inferences took as long as a slice: then it ends by time.
        by_time = all(of.sum_ns >= 0.9 * 0.005e9 for of in each.turns.slices)
        assert all(of.n >= 10 for of in each.turns.slices) or by_time
        assert sum(of.sum_ns for of in each.turns.slices) >= 0.05e9
        medians = [of.median_ns for of in each.turns.slices]
        assert min(medians) <= each.turns.p50_ns <= max(medians)
        assert each.turns.mean_ns * each.n == pytest.approx(sum(of.sum_ns for of in each.turns.slices))
        assert each.init_s
        assert each.telemetry


def test_slices_come_two_by_two_in_an_order_that_the_seed_fixes(steward: Start) -> None:
    one = steward()
    model = put(one, MODEL)
    first, second = (in_order(run(one, pair(model, model, seed=3, min_secs=0.1))) for _ in range(2))
    fewest = min(len(first), len(second))
    assert first[:fewest] == second[:fewest]
    assert [order for order, _, _ in first] == list(range(len(first)))
    assert [after for _, _, after in first] == [None, *(arm for _, arm, _ in first[:-1])]
    assert {frozenset(arm for _, arm, _ in first[at : at + 2]) for at in range(0, len(first), 2)} == {
        frozenset(("candidate", "baseline"))
    }


def test_a_block_has_as_many_pairs_as_it_is_told(steward: Start) -> None:
    one = steward()
    model = put(one, QUICK)
    trials = [*pair(model, model), *pair(model, model)]
    found = run(one, [each | {"index": at} for at, each in enumerate(trials)])
    assert [each.index for each in found] == [0, 1, 2, 3]


def test_an_arm_that_dies_is_named_and_voids_the_other(steward: Start) -> None:
    one = steward()
    candidate, baseline = run(one, pair(put(one, QUICK), put(one, ABORTS)))
    assert baseline.died == "killed by SIGABRT"
    assert candidate.died == "not measured: by turns with arm baseline: killed by SIGABRT"


def test_a_model_that_the_runtime_refuses_says_why(steward: Start) -> None:
    one = steward()
    candidate, baseline = run(one, pair(one.put(b"no model"), put(one, QUICK)))
    assert candidate.died is not None
    assert candidate.died.startswith("the runtime refused the model at load")
    assert baseline.died == f"not measured: by turns with arm candidate: {candidate.died}"


def test_arms_that_the_memory_cannot_hold_both_take_no_turns(steward: Start) -> None:
    one = steward()
    model = put(one, QUICK)
    (one.root / "proc").mkdir(exist_ok=True)
    (one.root / "proc" / "meminfo").write_text("MemAvailable:  99000 kB\n")
    found = run(one, pair(model, model, room_bytes=10**8))
    why = "the arms cannot take turns: both at once need 125 MB of memory, 101 MB are there"
    assert [each.died for each in found] == [why, why]


def test_slices_of_one_arm_alone_are_refused(steward: Start) -> None:
    one = steward()
    model = put(one, QUICK)
    kind, message = one.refusal("block", block=block(pair(model, model)[:1]))
    assert (kind, message) == ("bad_request", "trials of kind slices have to come in pairs, one of each arm")


def test_an_arm_that_works_while_it_waits_is_stopped_and_then_given_up(agent: Path, tmp_path: Path) -> None:
    """An agent to which any CPU time of the waiting arm is too much: it stops the arm in turns, and says why."""
    strict = tmp_path / "strict"
    shutil.copytree(agent, strict)
    source = strict / "edge_agent" / "slices.py"
    text = source.read_text()
    assert "MOST_WAITING = 0.005\n" in text
    source.write_text(text.replace("MOST_WAITING = 0.005\n", "MOST_WAITING = -1.0\n"))
    (tmp_path / "root").mkdir()
    options = {
        "cache": str(tmp_path / "cache"),
        "root": str(tmp_path / "root"),
        "holder": "strict",
        "lease": str(tmp_path)[-90:],
    }
    one = Steward(strict, options)
    try:
        model = put(one, MODEL)
        found = run(one, pair(model, model))
    finally:
        one.end()
    assert {(each.died or "").partition(" the one that waited took ")[0] for each in found} == {NO_TURNS.strip()}
