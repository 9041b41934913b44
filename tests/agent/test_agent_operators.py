"""Operators trials of a real agent: what LiteRT's own profiler tells of real models, and what it cannot tell."""

from collections.abc import Callable

import pytest
from agent.agent_conversation import PACKAGE, Steward, put, run, trial
from support.made_graphs import running_sum
from support.needs import need_shared

from harness.measure.operator_attribution import FileOperator, attribute
from harness.pipeline.check.inspection.model_file import inspect_file
from harness.records.board import Trial

Start = Callable[..., Steward]
pytestmark = pytest.mark.skipif(PACKAGE != "litert", reason="only LiteRT has a profiler that tells operators")

REAL = (
    "support_mobilenet_v1_0.25_224_fp32",
    "support_mobilenet_v1_0.25_224_quant",
    "coral_mobilenet_v1_0.25_128_quant",
    "coral_mobilenet_v1_0.5_160_quant",
    "tiny_vww96_int8",
    "tiny_ic_resnet8_fp32",
)
"""Six that take at least 0.2 ms."""


def profiled(one: Steward, model: str, **runner: str) -> Trial:
    (found,) = run(one, [trial(model, kind="operators", warmup_runs=5, num_runs=20, min_secs=0.1)], **runner)
    return found


@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
@pytest.mark.parametrize("name", REAL)
def test_operators_of_real_models_sum_to_the_inference(steward: Start, name: str, delegate: str) -> None:
    one = steward()
    found = profiled(one, put(one, f"models/{name}.tflite"), delegate=delegate)
    assert found.died is None
    assert found.operators
    together = sum(each.ns for each in found.operators.operators)
    assert 0.90 <= together / found.operators.inference_ns <= 1.05
    inside = inspect_file(need_shared(f"models/{name}.tflite"), compress=False).inside
    file = [FileOperator(inside.operators[place].name, macs) for place, macs in inside.order]
    told = attribute(file, found.operators.operators, found.operators.inference_ns)
    assert told.untold is None
    assert sum(ns or 0.0 for ns in told.ns) == pytest.approx(together)
    assert (sum(told.delegated) > 0) == (delegate == "xnnpack")


def test_without_a_delegate_the_operators_are_those_of_the_file(steward: Start) -> None:
    one = steward()
    found = profiled(one, put(one, "models/tiny_kws_dscnn_int8.tflite"), delegate="none")
    inside = inspect_file(need_shared("models/tiny_kws_dscnn_int8.tflite"), compress=False).inside
    assert found.operators
    assert [(each.node, each.name) for each in found.operators.operators] == [
        (number, inside.operators[place].name) for number, (place, _) in enumerate(inside.order)
    ]
    assert found.init_s
    assert found.first_inference_s
    assert found.telemetry
    assert found.n >= found.operators.runs >= 10


def test_inputs_of_an_open_size_are_profiled(steward: Start) -> None:
    one = steward()
    assert profiled(one, put(one, "models/litert_add_dynamic_shape.tflite")).died is None


def test_a_model_that_the_c_library_refuses_has_that_as_its_reason(steward: Start) -> None:
    one = steward()
    said = "LiteRtCreateModelFromFile of LiteRT's C library fails with status 5"
    assert profiled(one, one.put(running_sum())).died == said


@pytest.mark.parametrize("bad", ["bad/made_html_404.tflite", "bad/made_truncated_half.tflite"])
def test_a_bad_file_costs_its_trial_and_a_line(steward: Start, bad: str) -> None:
    one = steward()
    died = profiled(one, put(one, bad)).died
    assert died
    assert "\n" not in died


def test_a_library_that_is_not_there_is_named(steward: Start, tmp_path) -> None:
    package = tmp_path / "site" / "ai_edge_litert"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "interpreter.py").write_text("")
    one = steward()
    found = profiled(one, one.put(running_sum()), site=str(package.parent))
    assert found.died == "this version of LiteRT has no C library (libLiteRt.so)"
