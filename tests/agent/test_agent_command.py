"""A program on the board in place of an interpreter: what it tells is believed only where it can be."""

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from agent.agent_conversation import Steward, run, trial

from harness.records.board import Trial

Start = Callable[..., Steward]
PROGRAM = Path(__file__).parents[1] / "support" / "dense_runner.py"
WEIGHTS = np.random.default_rng(0).normal(size=(16, 8)).astype(np.float32)


def stored(**arrays: np.ndarray) -> bytes:
    file = BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def measured(one: Steward, bad: str = "", *, kind: str = "latency", **more: object) -> Trial:
    command = [sys.executable, str(PROGRAM), "{model}", bad]
    asked = trial(one.put(stored(w=WEIGHTS)), kind=kind, **more)
    (found,) = run(one, [asked], package="command", delegate="none", command=command)
    return found


def test_its_own_durations_are_the_samples(steward: Start) -> None:
    found = measured(steward(), num_runs=200, min_secs=0.05)
    assert found.died is None
    assert found.batch == 1
    assert found.n == len(found.samples_ns) >= 200
    assert min(found.samples_ns) > 0
    assert (found.inputs[0].name, found.inputs[0].shape, found.inputs[0].dtype) == ("x", (1, 16), "float32")
    assert found.outputs[0].shape == (1, 8)
    assert found.init_s
    assert found.first_inference_s


def test_outputs_are_compared_with_stored_ones(steward: Start) -> None:
    one = steward()
    inputs = np.random.default_rng(1).normal(size=(5, 1, 16)).astype(np.float32)
    golden = one.put(stored(i0=inputs, o0=np.tanh(inputs @ WEIGHTS)))
    right = measured(one, kind="check", inputs=golden, expected=golden)
    assert right.check
    assert right.check.samples == 5
    assert right.check.top1_agree == 5
    assert right.check.max_error < 1e-5
    wrong = measured(one, "wrong", kind="check", inputs=golden, expected=golden)
    assert wrong.check
    assert wrong.check.max_error > 0.1


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("few", "answers nonsense: 0 durations to run 1"),
        ("slow", "answers nonsense: inferences of 9 s in "),
        ("short", "answers nonsense: no line output 0 32 before that output"),
        ("type", "answers nonsense: x of type float99, expected one of bool, int8"),
        ("dies", "was killed by SIGABRT"),
        ("refuses", "ended with exit status 1: no such device: /dev/npu0"),
    ],
)
def test_what_cannot_be_is_told_and_its_death_is_named(steward: Start, bad: str, said: str) -> None:
    died = measured(steward(), bad).died
    assert died
    assert f"the program {sys.executable} {said}" in died
    assert "\n" not in died


def test_a_program_that_says_nothing_meets_the_deadline(steward: Start) -> None:
    died = measured(steward(), "silent", deadline_s=2.0).died
    assert died == f"the program {sys.executable} gave no answer to its greeting in time"


def test_inputs_that_do_not_fit_are_refused(steward: Start) -> None:
    one = steward()
    other = one.put(stored(i0=np.zeros((3, 1, 9), np.float32)))
    assert "takes x of [1, 16], not [1, 9]" in (measured(one, inputs=other).died or "")


def test_a_program_that_is_not_there_is_named(steward: Start) -> None:
    one = steward()
    asked = trial(one.put(stored(w=WEIGHTS)))
    (found,) = run(one, [asked], package="command", delegate="none", command=["/opt/absent", "{model}"])
    assert found.died == "the program /opt/absent cannot be started: No such file or directory"
