"""Blocks of trials on real models, good and bad, with every answer parsed as the host parses it."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from agent.agent_conversation import PACKAGE, PYTHON, Steward, block, put, run, trial
from support.made_graphs import detection, lookup, running_sum

from harness.pipeline.check.verification.litert import LiteRTModel
from harness.pipeline.check.verification.samples import random_samples

Start = Callable[..., Steward]

SLOW_ENOUGH = "models/support_mobilenet_v1_0.25_224_quant.tflite"
QUICK = "models/tflm_hello_world_fp32.tflite"
MODULES = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}
AT_LOAD = "the runtime refused the model at load: "
OTHER = "tflite" if PACKAGE == "litert" else "litert"
"""The runtime that the agent's Python does not have."""
ABORTS = "bad/abort_blockwise_quantized.tflite"


def test_latency(steward: Start) -> None:
    one = steward()
    found = run(one, [trial(put(one, SLOW_ENOUGH), num_runs=30, index=at) for at in range(2)])
    assert [one.index for one in found] == [0, 1]
    for each in found:
        assert (each.kind, each.arm, each.block, each.died, each.batch) == ("latency", "candidate", 1, None, 1)
        assert len(each.samples_ns) == each.n >= 30
        assert min(each.samples_ns) > 0
        assert each.singles_ns == ()
        assert each.init_s
        assert each.first_inference_s
        assert each.telemetry
        assert each.telemetry.wall_s * 1e9 >= sum(each.samples_ns)
        assert (each.inputs[0].shape, each.inputs[0].dtype) == ((1, 224, 224, 3), "uint8")
        assert each.inputs[0].scale > 0


def test_quick_models_are_read_in_batches_and_then_singly(steward: Start) -> None:
    one = steward()
    (found,) = run(one, [trial(put(one, QUICK))])
    assert found.batch > 1
    assert len(found.singles_ns) >= 100
    assert found.n == found.batch * len(found.samples_ns) + len(found.singles_ns)
    assert found.clock_cost_ns is not None


def test_memory_is_last_and_of_an_own_process(steward: Start) -> None:
    one = steward()
    model = put(one, SLOW_ENOUGH)
    found = run(one, [trial(model, kind="memory"), trial(model, index=1)])
    assert [each.kind for each in found] == ["latency", "memory"]
    memory = found[1].memory
    assert memory
    assert memory.hwm_bytes > memory.hwm_before_bytes > 1_000_000
    assert found[1].init_s
    assert found[0].memory is None


@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
def test_a_started_anew_trial_is_like_a_forked_one(steward: Start, delegate: str) -> None:
    one = steward()
    model = put(one, SLOW_ENOUGH)
    found = run(one, [trial(model), trial(model, index=1, kind="memory")], start="exec", delegate=delegate)
    assert [each.died for each in found] == [None, None]
    assert [each.kind for each in found] == ["latency", "memory"]


@pytest.mark.parametrize(
    "relative",
    [
        "models/litert_string_input.bin",
        "models/litert_multi_add_4in2out.bin",
        "models/litert_multi_signatures.bin",
        "models/litert_js_multi_signature.tflite",
        "models/litert_add_dynamic_shape.tflite",
        "bad/made_zero_inputs_const_add.tflite",
    ],
)
def test_unusual_models_are_measured(steward: Start, relative: str) -> None:
    one = steward()
    (found,) = run(one, [trial(put(one, relative))])
    assert found.died is None
    assert found.n >= 10


@pytest.mark.parametrize(
    ("relative", "said"),
    [
        ("bad/alloc_fail_squeeze.tflite", "the runtime refused the model at allocate: "),
        ("bad/custom_sinh.bin", "the runtime refused the model at allocate: Encountered unresolved custom op: Sinh"),
        ("bad/edgetpu_mobilenet_v1_0.25_128_quant.tflite", "at allocate: Encountered unresolved custom op: edgetpu"),
        ("bad/flex_softplus.bin", "the runtime refused the model at allocate: Select TensorFlow op(s)"),
        ("bad/invoke_fail_invalid_buffer.bin", "the runtime refused the model at invoke: "),
        ("bad/made_html_404.tflite", "the runtime refused the model at load: "),
        ("bad/made_truncated_half.tflite", "SIGSEGV" if PACKAGE == "tflite" else AT_LOAD),
        ("bad/made_wrong_identifier.tflite", "the runtime refused the model at load: "),
        ("bad/made_zero_bytes.tflite", "the runtime refused the model at load: "),
        ("bad/no_subgraphs.bin", "the runtime refused the model at load: "),
    ],
)
def test_bad_files_say_why_and_the_next_trial_runs(steward: Start, relative: str, said: str) -> None:
    one = steward()
    good = put(one, QUICK)
    bad, after = run(one, [trial(put(one, relative)), trial(good, index=1)])
    assert bad.died
    assert said in bad.died
    assert "\n" not in bad.died
    assert after.died is None


@pytest.mark.parametrize("start", ["fork", "exec"])
def test_an_abort_costs_its_own_trial_only(steward: Start, start: str) -> None:
    one = steward()
    bad, good = put(one, ABORTS), put(one, QUICK)
    found = run(one, [trial(bad), trial(good, index=1), trial(bad, index=2, kind="memory")], start=start)
    assert [each.died for each in found] == ["killed by SIGABRT", None, "killed by SIGABRT"]


@pytest.mark.parametrize(("kind", "start"), [("latency", "fork"), ("memory", "fork"), ("latency", "exec")])
def test_a_deadline_is_kept(steward: Start, kind: str, start: str) -> None:
    one = steward()
    slow = trial(put(one, SLOW_ENOUGH), kind=kind, warmup_runs=10**9, max_secs=600.0, deadline_s=0.7)
    (found,) = run(one, [slow], start=start)
    assert found.died == "deadline of 0.7 s passed"


def samples(one: Steward, tmp_path: Path, **arrays: np.ndarray) -> str:
    path = tmp_path / "samples.npz"
    np.savez(path, **arrays)
    return one.put(path)


def add_ab() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Inputs and outputs of the model with four inputs: a + (b + c) and (b + c) + d."""
    a, b, c, d = (np.full((3, 1, 8, 8, 3), value, np.float32) for value in (1, 2, 3, 4))
    return {"i0": a, "i1": b, "i2": c, "i3": d}, {"o0": a + b + c, "o1": b + c + d}


def test_outputs_are_checked(steward: Start, tmp_path: Path) -> None:
    one = steward()
    model = put(one, "models/litert_multi_add_4in2out.bin")
    given, right = add_ab()
    wrong = {**right, "o1": right["o1"] + 1}
    inputs, good, bad = (samples(one, tmp_path, **arrays) for arrays in (given, right, wrong))
    checks = [
        trial(model, kind="check", inputs=inputs, expected=expected, index=at)
        for at, expected in enumerate((good, bad))
    ]
    same, other = (each.check for each in run(one, checks))
    assert same
    assert (same.samples, same.bit_equal, same.max_error) == (3, True, 0.0)
    assert other
    assert (other.bit_equal, other.max_error) == (False, 0.1)
    assert other.sqnr_db == pytest.approx(20.0)


def test_a_check_begins_with_variables_as_they_start(steward: Start, tmp_path: Path) -> None:
    one = steward()
    model = one.put(running_sum())
    fed = np.arange(6, dtype=np.float32).reshape(3, 1, 2)
    inputs, good = samples(one, tmp_path, i0=fed), samples(one, tmp_path, o0=fed.cumsum(axis=0))
    ahead = samples(one, tmp_path, o0=fed.cumsum(axis=0) + fed[0])
    checks = [trial(model, kind="check", inputs=inputs, expected=good, expected_builtin=ahead)]
    for start in ("fork", "exec"):
        (found,) = run(one, checks, start=start)
        assert found.check
        assert found.check_builtin
        assert (found.check.bit_equal, found.check_builtin.bit_equal) == (True, False)
        assert found.first_inference_s


def test_only_the_slots_that_a_detection_wrote_are_compared(steward: Start, tmp_path: Path) -> None:
    content = detection()
    path = tmp_path / "detection.tflite"
    path.write_bytes(content)
    host = LiteRTModel(str(path))
    given = random_samples(host.inputs, count=16, seed=0)
    rows = [np.stack(column) for column in zip(*(host.run(given.sample(at)) for at in range(16)), strict=True)]
    one = steward()
    inputs = samples(one, tmp_path, **{f"i{at}": array for at, array in enumerate(given.fed)})
    expected = samples(one, tmp_path, **{f"o{at}": array for at, array in enumerate(rows)})
    (found,) = run(one, [trial(one.put(content), kind="check", inputs=inputs, expected=expected)])
    assert found.check
    assert found.check.bit_equal


def test_indices_that_are_made_up_here_stay_in_their_table(steward: Start) -> None:
    one = steward()
    model = one.put(lookup(7))
    inside, outside = run(one, [trial(model, below=[7]), trial(model, below=[None], index=1)], delegate="none")
    assert inside.died is None
    assert "gather index out of bounds" in (outside.died or "")


def test_samples_of_another_shape_are_said(steward: Start, tmp_path: Path) -> None:
    one = steward()
    model = put(one, "models/litert_multi_add_4in2out.bin")
    given, right = add_ab()
    few = samples(one, tmp_path, i0=given["i0"])
    good = samples(one, tmp_path, **right)
    (found,) = run(one, [trial(model, kind="check", inputs=few, expected=good)])
    assert found.died == "the samples are for 1 inputs, the model has 4"


def test_a_dynamic_input_takes_the_samples_shape(steward: Start, tmp_path: Path) -> None:
    one = steward()
    model = put(one, "models/litert_add_dynamic_shape.tflite")
    ones = np.ones((2, 5, 128, 4), np.float32)
    inputs = samples(one, tmp_path, i0=ones, i1=ones)
    expected = samples(one, tmp_path, o0=ones + ones)
    checked, timed = run(
        one,
        [trial(model, kind="check", inputs=inputs, expected=expected), trial(model, index=1, inputs=inputs)],
    )
    assert checked.died is None
    assert checked.check
    assert checked.check.bit_equal
    assert timed.died is None
    assert timed.inputs[0].shape == (5, 128, 4)


def test_energy_from_a_made_up_sensor(steward: Start) -> None:
    one = steward()
    sensor = one.root / "sys" / "class" / "hwmon" / "hwmon0"
    sensor.mkdir(parents=True)
    (sensor / "name").write_text("ina226\n")
    (sensor / "power1_input").write_text("2500000\n")
    sensors = ["rapl", "hwmon:ina226"]
    (found,) = run(one, [trial(put(one, SLOW_ENOUGH), kind="energy", sensors=sensors, min_secs=0.3)])
    assert found.energy
    assert found.energy.sensor == "hwmon:ina226"
    assert found.energy.mean_w == pytest.approx(2.5)
    assert found.energy.idle_w == pytest.approx(2.5)
    assert found.energy.inferences == found.n > 0
    assert found.energy.window_s >= 0.3


def test_energy_without_a_sensor_says_so(steward: Start) -> None:
    one = steward()
    (found,) = run(one, [trial(put(one, QUICK), kind="energy", sensors=["rapl"])])
    assert found.died == "no power sensor can be read: rapl: this machine has no package counter"


def test_telemetry_is_read_under_the_root(steward: Start) -> None:
    one = steward()
    cpus = sorted(os.sched_getaffinity(0))
    for relative, text in (
        ("sys/class/thermal/thermal_zone0/type", "gpu-thermal"),
        ("sys/class/thermal/thermal_zone0/temp", "90000"),
        ("sys/class/thermal/thermal_zone1/type", "cpu-thermal"),
        ("sys/class/thermal/thermal_zone1/temp", "51500"),
        (f"sys/devices/system/cpu/cpu{cpus[0]}/cpufreq/scaling_cur_freq", "1500000"),
        ("sys/devices/platform/soc/soc:firmware/get_throttled", "50005"),
    ):
        path = one.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    (found,) = run(one, [trial(put(one, QUICK))], cpus=str(cpus[0]))
    telemetry = found.telemetry
    assert telemetry
    assert (telemetry.temp_before_c, telemetry.freq_after_khz, telemetry.throttled) == (51.5, 1_500_000, 0x50005)
    assert telemetry.utilisation is None


def test_a_missing_file_is_not_found(steward: Start) -> None:
    assert steward().refusal("block", block=block([trial("0" * 64)]))[0] == "not_found"


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"python": "/nowhere/python3"}, "unfit", "no Python runs at /nowhere/python3: No such file or directory"),
        ({"package": OTHER}, "runtime", f"{MODULES[OTHER]}.interpreter cannot be imported by"),
        ({"cpus": "4000"}, "unfit", "CPU 4000"),
    ],
)
def test_a_runner_that_cannot_run(steward: Start, changes: dict[str, str], kind: str, said: str) -> None:
    one = steward()
    found, message = one.refusal("block", block=block([trial(put(one, QUICK))], **changes))
    assert (found, message[: len(said)]) == (kind, said)
    assert one.ask("ping")[-1]["event"] == "done"


def test_a_python_that_is_none_is_no_traceback(steward: Start) -> None:
    one = steward()
    kind, message = one.refusal("block", block=block([trial(put(one, QUICK))], python="/bin/false"))
    assert kind == "runtime"
    assert (
        message == f"the process that imports {PACKAGE} ended before it could: ended with exit status 1 and no result"
    )


def test_a_delegate_that_is_not_there(steward: Start) -> None:
    one = steward()
    (found,) = run(one, [trial(put(one, QUICK))], delegate="/nowhere/libnpu.so", start="exec")
    assert found.died
    assert found.died.startswith("the delegate /nowhere/libnpu.so cannot be loaded: ")


def test_a_runner_with_its_own_modules_and_environment(steward: Start, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    # A stand-in for the interpreter's module: it proves where it was imported from, and with what environment.
    (site / "ai_edge_litert").mkdir()
    (site / "ai_edge_litert" / "__init__.py").write_text("")
    (site / "ai_edge_litert" / "interpreter.py").write_text(
        "import os\nraise ImportError('mine: %s %s' % (os.environ['A_WORD'], os.environ['OPENBLAS_NUM_THREADS']))\n"
    )
    one = steward()
    runner = {"package": "litert", "site": str(site), "env": {"A_WORD": "hello"}}
    kind, message = one.refusal("block", block=block([trial(put(one, QUICK))], **runner))
    assert kind == "runtime"
    assert message == f"ai_edge_litert.interpreter cannot be imported by {PYTHON}: mine: hello 1"


def test_a_runtime_that_says_nothing(steward: Start, tmp_path: Path) -> None:
    folder = tmp_path / "site" / "ai_edge_litert"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "interpreter.py").write_text(
        "class Interpreter:\n"
        "    def __init__(self, **options):\n"
        "        print('native code prints')\n"
        "        raise RuntimeError('')\n"
    )
    one = steward()
    (found,) = run(one, [trial(put(one, QUICK))], package="litert", site=str(tmp_path / "site"))
    assert found.died == "the runtime refused the model at load without a message (out of memory?)"


def test_a_sample_that_does_not_fit_is_said_once(steward: Start, tmp_path: Path) -> None:
    one = steward()
    given, _ = add_ab()
    wrong = samples(one, tmp_path, **{**given, "i3": given["i3"].astype(np.float64)})
    (found,) = run(one, [trial(put(one, "models/litert_multi_add_4in2out.bin"), inputs=wrong)])
    assert found.died
    assert found.died.startswith("the runtime refused the model at set input d: ")
    assert found.died.count("refused") == 1
