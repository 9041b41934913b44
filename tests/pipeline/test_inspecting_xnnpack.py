"""Which operators XNNPACK takes, as LiteRT tells it from a limited process."""

from pathlib import Path

import pytest
from support import needs
from support.made_graphs import Graph, Made, Op, model, one
from support.tiny_model import custom_model, write

from harness.pipeline import inspect_file
from harness.pipeline.cache import litert_version
from harness.pipeline.check.inspection import delegation_client
from harness.pipeline.check.inspection.delegation_client import Delegation, ask_xnnpack, with_xnnpack
from harness.pipeline.check.inspection.delegation_main import delegated_operators
from harness.records.artifact import OperatorTally


def asked(path: Path) -> Delegation:
    found = ask_xnnpack(path, inspect_file(path))
    assert found.reason is None or (found.taken is None and "\n" not in found.reason)
    return found


def node(inputs: list[int], outputs: list[int]) -> dict[str, list[int]]:
    return {"inputs": inputs, "outputs": outputs}


def test_an_operator_in_the_middle_that_is_not_taken_makes_two_parts(tmp_path):
    """XNNPACK has no L2 normalisation."""
    names = ["TANH", "L2_NORMALIZATION", "TANH", "RELU"]
    tensors = {name: Made((1, 8)) for name in "abcde"}
    steps = [Op(name, [given], [made]) for name, given, made in zip(names, "abcd", "bcde", strict=True)]
    path = write(tmp_path / "a.tflite", model(Graph(tensors, steps, ["a"], ["e"])))
    found = asked(path)
    assert (found.taken, found.parts) == ({"TANH": 2, "RELU": 1}, 2)
    tallies = with_xnnpack(inspect_file(path).inside.operators, found)
    assert {tally.name: (tally.count, tally.xnnpack) for tally in tallies} == {
        "TANH": (2, 2),
        "L2_NORMALIZATION": (1, 0),
        "RELU": (1, 1),
    }


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("tiny_kws_dscnn_int8", {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 4, "RESHAPE": 1, "FULLY_CONNECTED": 1}),
        ("tiny_ad01_fp32", {"FULLY_CONNECTED": 10}),
    ],
)
def test_known_networks(name, taken):
    found = asked(needs.need_shared(f"models/{name}.tflite"))
    assert found.taken == taken
    assert f"LiteRT {litert_version()}" in found.told_by


def test_a_part_is_what_lies_between_what_it_writes_and_what_it_reads():
    operators = [node([0], [1]), node([1, 9], [2]), node([2], [3]), node([1, 3], [4]), node([4], [5])]
    assert delegated_operators(operators, node([1, 9], [3])) == {1, 2}
    assert delegated_operators(operators, node([0, 9], [5])) == {0, 1, 2, 3, 4}
    assert delegated_operators(operators, node([3, 1], [4, 5])) == {3, 4}


def test_walking_back_ends_in_a_circle():
    assert delegated_operators([node([1], [0]), node([0], [1])], node([], [0])) == {0, 1}


def test_a_left_out_input_is_no_tensor():
    assert delegated_operators([node([0, -1], [1]), node([1, -1], [2])], node([0], [2])) == {0, 1}


def test_without_litert_it_is_not_known(tmp_path, monkeypatch):
    monkeypatch.setattr(delegation_client, "litert_version", lambda: None)
    path = write(tmp_path / "a.tflite", custom_model("Sinh"))
    assert asked(path).reason == "this host has no LiteRT to ask"


def test_a_model_that_litert_refuses_has_its_words(tmp_path):
    found = asked(write(tmp_path / "a.tflite", custom_model("Sinh")))
    assert found.reason is not None and "LiteRT refuses it" in found.reason and "Sinh" in found.reason


def test_a_model_that_kills_the_process_takes_only_that_along():
    found = asked(needs.need_shared("bad/abort_blockwise_quantized.tflite"))
    assert found.reason == "LiteRT on this host was killed by SIGABRT"


def test_a_process_that_does_not_answer_in_time_is_ended(tmp_path):
    path = write(tmp_path / "a.tflite", custom_model("Sinh"))
    found = ask_xnnpack(path, inspect_file(path), deadline_s=0.01)
    assert found.taken is None and found.reason is not None and "took longer than" in found.reason


def test_a_process_that_cannot_start_is_told_by_its_last_line(tmp_path, monkeypatch):
    monkeypatch.setattr(delegation_client, "_MAIN", "harness.pipeline.check.inspection.nowhere")
    path = write(tmp_path / "a.tflite", custom_model("Sinh"))
    reason = asked(path).reason
    assert (
        reason is not None and reason.startswith("LiteRT on this host ended with exit status 1") and "nowhere" in reason
    )


def test_an_answer_about_another_model_is_not_believed(tmp_path):
    first = write(tmp_path / "a.tflite", one("RELU", {"x": Made((1, 8))}, inputs=["x"], output=Made((1, 8))))
    other = write(tmp_path / "b.tflite", one("TANH", {"x": Made((1, 8))}, inputs=["x"], output=Made((1, 8))))
    found = ask_xnnpack(first, inspect_file(other))
    assert found.taken is None and found.reason is not None and "lists other operators" in found.reason


def test_tallies_stay_as_they_are_where_it_is_not_known():
    tallies = (OperatorTally(name="RELU", count=1, macs=0),)
    assert with_xnnpack(tallies, Delegation(None, 0, "", "why")) == tallies
