"""Stages trials on a real agent: a candidate's own file, timed and answered for, in a process of its own."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from agent.agent_conversation import Message, Steward, block, run, trial
from edge_agent import stages
from edge_agent.interpreters import TrialFailedError
from support.made_graphs import running_sum
from support.tiny_model import INT8, add_model

from harness.records.board import Trial

Start = Callable[..., Steward]

DOUBLE = """
import numpy as np

def preprocess(raw):
    return raw.astype(np.float32) / 2

def postprocess(outputs):
    return [int(np.argmax(outputs[0])), float(outputs[0].sum())]
"""
FLOATS = add_model((1, 4), inputs=1)
"""Doubles what it is fed."""


def spec(
    one: Steward, tmp_path: Path, source: str, *, model: bytes = FLOATS, raws: int = 3, **changes: object
) -> Message:
    """A stages trial with everything it needs in the store."""
    path = tmp_path / "raw.npz"
    np.savez(path, **{f"r{at}": np.arange(4, dtype=np.uint8) * (at + 1) for at in range(raws)})
    files = {"stages": one.put(source.encode()), "raw": one.put(path), "stages_name": "my_stages.py"}
    return trial(one.put(model), kind="stages", **{**files, **changes})


def only(found: list[Trial]) -> Trial:
    (one,) = found
    return one


@pytest.mark.parametrize("start", ["fork", "exec"])
def test_stages_are_timed_and_every_sample_is_answered_once(steward: Start, tmp_path: Path, start: str) -> None:
    one = steward()
    found = only(run(one, [spec(one, tmp_path, DOUBLE)], start=start))
    assert (found.kind, found.died, found.samples_ns) == ("stages", None, ())
    times = found.stages
    assert times
    assert times.answers == ("[3, 6.0]", "[3, 12.0]", "[3, 18.0]")
    runs = zip(times.preprocess_ns, times.inference_ns, times.postprocess_ns, times.end_to_end_ns, strict=True)
    assert all(min(run) > 0 and sum(run[:3]) == run[3] for run in runs)
    assert found.n == len(times.end_to_end_ns) >= 10
    assert found.telemetry
    assert found.telemetry.wall_s * 1e9 >= sum(times.end_to_end_ns)
    assert found.init_s and found.first_inference_s
    assert found.inputs[0].shape == (1, 4)


def test_a_quantised_model_is_fed_and_read_by_its_own_parameters(steward: Start, tmp_path: Path) -> None:
    one = steward()
    model = add_model((1, 4), inputs=1, dtype=INT8, scale=0.5)
    found = only(run(one, [spec(one, tmp_path, DOUBLE, model=model)]))
    assert found.stages
    assert found.stages.answers == ("[3, 6.0]", "[3, 12.0]", "[3, 18.0]")


def test_one_function_is_enough(steward: Start, tmp_path: Path) -> None:
    one = steward()
    alone = "def preprocess(raw):\n    return raw * 1.0\n"
    after = "def postprocess(outputs):\n    return outputs[0].shape\n"
    model = add_model((1, 4), inputs=1, dtype=INT8, scale=0.5)
    after += "def preprocess(raw):\n    return raw.astype('int8')\n"
    first, second = run(one, [spec(one, tmp_path, alone), spec(one, tmp_path, after, model=model, index=1)])
    assert first.stages and second.stages
    assert first.stages.answers == ()
    assert first.stages.postprocess_ns
    assert set(second.stages.answers) == {"[1, 4]"}


def test_answers_begin_with_variables_as_they_start(steward: Start, tmp_path: Path) -> None:
    """The model adds up all that it was ever fed; what is timed later does not count."""
    one = steward()
    source = "def preprocess(raw):\n    return raw[:2].astype('float32')\n"
    source += "def postprocess(outputs):\n    return outputs[0].reshape(-1).tolist()\n"
    found = only(run(one, [spec(one, tmp_path, source, model=running_sum())]))
    assert found.stages
    assert found.stages.answers == ("[0.0, 1.0]", "[0.0, 3.0]", "[0.0, 6.0]")


def test_every_sample_is_run_though_few_runs_were_asked_for(steward: Start, tmp_path: Path) -> None:
    one = steward()
    found = only(run(one, [spec(one, tmp_path, DOUBLE, raws=30, num_runs=1, min_secs=0.0)]))
    assert found.stages
    assert (found.n, len(found.stages.answers)) == (30, 30)


def test_the_maximum_ends_it_with_the_answers_so_far(steward: Start, tmp_path: Path) -> None:
    one = steward()
    slow = "import numpy as np\ndef preprocess(raw):\n    np.ones(3_000_000).sum()\n    return raw * 1.0\n"
    slow += "def postprocess(outputs):\n    return 'seen'\n"
    found = only(run(one, [spec(one, tmp_path, slow, num_runs=10**9, max_secs=0.0)]))
    assert found.stages
    assert (found.n, found.stages.answers) == (1, ('"seen"',))


def test_a_trial_keeps_so_many_runs_and_no_more(steward: Start, tmp_path: Path) -> None:
    one = steward()
    found = only(run(one, [spec(one, tmp_path, DOUBLE, num_runs=10**9, min_secs=20.0, max_secs=25.0)]))
    assert found.n == 5000


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def preprocess(raw):\n    return raw[7]\n", "my_stages.py, line 2: preprocess raised IndexError: "),
        ("def preprocess(raw):\n    raw[0] = 1\n", "line 2: preprocess raised ValueError: assignment destination is "),
        ("import no_such_thing\n", "my_stages.py, line 1: the file raised ModuleNotFoundError: No module named 'no_su"),
        ("def preprocess(raw)\n", "my_stages.py, line 1: the file raised SyntaxError: "),
        ("def preprocess(raw):\n    raise SystemExit(2)\n", "my_stages.py, line 2: preprocess raised SystemExit: 2"),
        ("def preprocess(raw):\n    return raw\n", "my_stages.py: preprocess gives uint8, where float32 was expected"),
        (
            "def preprocess(raw):\n    return help(raw)\ndef help(raw):\n    1 / 0\n",
            "line 4: preprocess raised ZeroDiv",
        ),
        (
            "def preprocess(raw):\n    return raw * 1.0\ndef postprocess(outputs):\n    return {1}\n",
            "my_stages.py: postprocess gives an answer that JSON cannot hold (set is no JSON value)",
        ),
        ("import os\ndef preprocess(raw):\n    os.abort()\n", "killed by SIGABRT"),
        ("import os\ndef preprocess(raw):\n    os._exit(0)\n", "ended with exit status 0 and no result"),
    ],
)
def test_a_file_that_fails_costs_its_own_trial_only(steward: Start, tmp_path: Path, source: str, said: str) -> None:
    one = steward()
    good = spec(one, tmp_path, DOUBLE, index=1)
    bad, after = run(one, [spec(one, tmp_path, source), good])
    assert bad.died
    assert said in bad.died
    assert "\n" not in bad.died
    assert after.died is None


def test_a_deadline_is_kept(steward: Start, tmp_path: Path) -> None:
    one = steward()
    endless = "def preprocess(raw):\n    while True:\n        pass\n"
    found = only(run(one, [spec(one, tmp_path, endless, deadline_s=0.7)]))
    assert found.died == "deadline of 0.7 s passed"


def test_prints_do_not_break_the_answers(steward: Start, tmp_path: Path) -> None:
    one = steward()
    source = 'def preprocess(raw):\n    print(\'{"event":"done"}\', flush=True)\n    return raw * 1.0\n'
    assert only(run(one, [spec(one, tmp_path, source)])).died is None


def test_the_blocks_own_process_never_runs_the_file(steward: Start, tmp_path: Path) -> None:
    """What the file leaves behind is gone with its trial: the next one, and the memory trial, see none of it."""
    one = steward()
    leaves = "import numpy\nnumpy.left_behind = True\n" + DOUBLE
    sees = (
        "import numpy\nSEEN = hasattr(numpy, 'left_behind')\n" + DOUBLE + "\ndef postprocess(outputs):\n    return SEEN"
    )
    first, second = run(one, [spec(one, tmp_path, leaves), spec(one, tmp_path, sees, index=1)])
    assert first.died is None
    assert second.stages
    assert set(second.stages.answers) == {"false"}


def test_without_files_it_says_what_is_missing(steward: Start, tmp_path: Path) -> None:
    one = steward()
    found = only(run(one, [trial(one.put(FLOATS), kind="stages")]))
    assert found.died == "a stages trial needs a model, a stages file and raw samples"


@pytest.mark.parametrize(("key", "value"), [("stages", "../../etc/passwd"), ("raw", 3), ("stages_name", ["a"])])
def test_names_that_are_none_are_refused(steward: Start, tmp_path: Path, key: str, value: object) -> None:
    one = steward()
    kind, said = one.refusal("block", block=block([spec(one, tmp_path, DOUBLE, **{key: value})]))
    assert kind == "bad_request"
    assert key in said


def test_a_file_that_was_changed_in_the_store_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / hashlib.sha256(b"another").hexdigest()
    path.write_text("raise AssertionError('it was run')")
    with pytest.raises(TrialFailedError, match=r"^my_stages.py is damaged on the board: its sha256 is another"):
        stages.Stages(path, "my_stages.py")


def test_what_the_runtime_raises_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    path = tmp_path / hashlib.sha256(DOUBLE.encode()).hexdigest()
    path.write_text(DOUBLE)

    def refuse() -> None:
        raise RuntimeError("node 3 failed")

    with pytest.raises(RuntimeError, match="node 3 failed"):
        stages.Stages(path, "my_stages.py").guarded(refuse)
