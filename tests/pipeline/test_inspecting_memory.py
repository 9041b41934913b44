"""Weights, zeros and activations of a model file."""

from pathlib import Path

import numpy as np
import pytest
from support import needs
from support.made_graphs import Graph, Made, Op, constant, model, one
from support.tiny_model import write

from harness.pipeline import inspect_file
from harness.pipeline.check.inspection.model_file import ModelInfo
from harness.pipeline.check.inspection.weights import WeightKind


def inspected(folder: Path, content: bytes) -> ModelInfo:
    return inspect_file(write(folder / "made.tflite", content))


def dense(folder: Path, weights: Made, *, units: int = 4, width: int = 8) -> ModelInfo:
    tensors = {"x": Made((1, width)), "w": weights}
    return inspected(folder, one("FULLY_CONNECTED", tensors, inputs=["x", "w"], output=Made((1, units))))


def half_zero(dtype: str, zero: int = 0) -> np.ndarray:
    values = np.full((4, 8), zero, dtype)
    values[:2] = np.arange(16).reshape(2, 8) + zero + 1
    return values


# weights


def test_parameters_are_weights_and_biases_and_not_shapes(tmp_path):
    tensors = {
        "x": Made((1, 8), "int8", scales=[0.5]),
        "w": constant(np.ones((4, 8), np.int8), scales=[0.1] * 4),
        "b": constant(np.ones(4, np.int32), scales=[0.05] * 4),
        "y": Made((1, 4), "int8", scales=[0.5]),
        "shape": constant(np.array([2, 2], np.int32)),
        "z": Made((2, 2), "int8", scales=[0.5]),
    }
    operators = [Op("FULLY_CONNECTED", ["x", "w", "b"], ["y"]), Op("RESHAPE", ["y", "shape"], ["z"])]
    info = inspected(tmp_path, model(Graph(tensors, operators, ["x"], ["z"])))
    assert (info.inside.parameters, info.inside.weight_bytes) == (36, 32 + 16)
    assert info.contents.weights == (
        WeightKind("int8", "channel", sparse=False, tensors=1, elements=32, size_bytes=32),
        WeightKind("int32", "channel", sparse=False, tensors=1, elements=4, size_bytes=16),
    )


def test_weights_that_two_layers_share_count_once(tmp_path):
    tensors = {"x": Made((1, 8)), "w": constant(np.ones((8, 8), np.float32)), "y": Made((1, 8)), "z": Made((1, 8))}
    operators = [Op("FULLY_CONNECTED", ["x", "w"], ["y"]), Op("FULLY_CONNECTED", ["y", "w"], ["z"])]
    info = inspected(tmp_path, model(Graph(tensors, operators, ["x"], ["z"])))
    assert (info.inside.parameters, info.inside.weight_bytes, info.inside.macs) == (64, 256, 128)


def test_a_constant_nobody_uses_is_no_parameter(tmp_path):
    tensors = {"x": Made((1, 8)), "left": constant(np.ones(100, np.float32)), "y": Made((1, 8))}
    info = inspected(tmp_path, model(Graph(tensors, [Op("RELU", ["x"], ["y"])], ["x"], ["y"])))
    assert info.inside.parameters == 0 and info.inside.weight_bytes == 0 and info.inside.zero_share is None


def test_half_floats_are_looked_through(tmp_path):
    """A float16 model stores half floats that an operator of its own unpacks: weights, not activations."""
    tensors = {
        "half": constant(half_zero("float16")),
        "w": Made((4, 8)),
        "x": Made((1, 8)),
        "y": Made((1, 4)),
    }
    operators = [Op("DEQUANTIZE", ["half"], ["w"]), Op("FULLY_CONNECTED", ["x", "w"], ["y"])]
    inside = inspected(tmp_path, model(Graph(tensors, operators, ["x"], ["y"]))).inside
    assert (inside.parameters, inside.weight_bytes, inside.macs) == (32, 64, 32)
    assert inside.zero_share == 0.5 and inside.activation_bytes == 32 + 16


# zeros


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_zeros_of_floating_weights(tmp_path, dtype):
    values = half_zero(dtype)
    values[3] = -0.0
    assert dense(tmp_path, constant(values)).inside.zero_share == 0.5


@pytest.mark.parametrize(("dtype", "zero"), [("int8", 0), ("int8", -3), ("uint8", 128), ("int16", 0)])
def test_a_quantised_weight_is_zero_at_the_zero_point(tmp_path, dtype, zero):
    weights = constant(half_zero(dtype, zero), scales=[0.1], zero_points=[zero])
    assert dense(tmp_path, weights).inside.zero_share == 0.5


def test_zeros_of_four_bit_weights(tmp_path):
    packed = bytes([0x00, 0x10, 0x02, 0xF7])  # 0 0 | 0 1 | 2 0 | 7 -1
    info = dense(tmp_path, Made((1, 8), "int4", packed, scales=[0.1]), units=1)
    assert info.inside.zero_share == 0.5
    assert (info.inside.parameters, info.inside.weight_bytes) == (8, 4)


def test_the_odd_half_byte_is_no_weight(tmp_path):
    info = dense(tmp_path, Made((1, 3), "int4", bytes([0x11, 0x01]), scales=[0.1]), units=1, width=3)
    assert info.inside.zero_share == 0.0 and info.inside.parameters == 3


def test_zeros_of_bfloat16(tmp_path):
    values = np.array([0x0000, 0x8000, 0x3F80, 0x0001], np.uint16)
    assert dense(tmp_path, Made((1, 4), "bfloat16", values.tobytes()), units=1, width=4).inside.zero_share == 0.5


def test_what_sparse_storage_leaves_out_is_zero(tmp_path):
    stored = np.array([1, 2, 0, 3], np.int8)
    info = dense(tmp_path, Made((4, 8), "int8", stored.tobytes(), scales=[0.1], sparse=True))
    assert info.inside.zero_share == 29 / 32
    assert (info.inside.parameters, info.inside.weight_bytes) == (32, 4) and info.contents.weights[0].sparse


def test_biases_do_not_count_as_zeros(tmp_path):
    tensors = {"x": Made((1, 8)), "w": constant(half_zero("float32")), "b": constant(np.zeros(4, np.float32))}
    made = one("FULLY_CONNECTED", tensors, inputs=["x", "w", "b"], output=Made((1, 4)))
    assert inspected(tmp_path, made).inside.zero_share == 0.5


def test_more_weights_than_one_chunk_of_reading(tmp_path):
    values = np.zeros((1024, 1200), np.float32)
    values.ravel()[::3] = 1
    info = dense(tmp_path, constant(values), units=1024, width=1200)
    assert info.inside.zero_share == pytest.approx(2 / 3, abs=1e-9)
    assert info.inside.compressed_bytes is not None and info.inside.compressed_bytes < info.size_bytes / 20


def test_a_file_that_stores_less_than_its_shapes_say(tmp_path):
    """Runtimes refuse it; here only what is there is counted."""
    info = dense(tmp_path, Made((4, 8), "int8", bytes([0, 1]), scales=[0.1]))
    assert info.inside.zero_share == 0.5 and info.inside.weight_bytes == 2


def test_compressing_is_left_out_on_request(tmp_path):
    path = write(tmp_path / "a.tflite", one("RELU", {"x": Made((1, 8))}, inputs=["x"], output=Made((1, 8))))
    assert inspect_file(path, compress=False).inside.compressed_bytes is None
    assert inspect_file(path).inside.compressed_bytes in range(50, path.stat().st_size)


# activations


def chain(*operators: Op, sizes: dict[str, int], inputs: tuple[str, ...] = ("x",), outputs: tuple[str, ...]) -> bytes:
    return model(Graph({name: Made((size,), "int8") for name, size in sizes.items()}, operators, inputs, outputs))


def activation_bytes(folder: Path, content: bytes) -> int:
    return inspected(folder, content).inside.activation_bytes


def test_a_chain_needs_the_two_largest_neighbours(tmp_path):
    steps = Op("CONV_2D", ["x"], ["a"]), Op("CONV_2D", ["a"], ["b"]), Op("CONV_2D", ["b"], ["y"])
    made = chain(*steps, sizes={"x": 10, "a": 100, "b": 70, "y": 1}, outputs=("y",))
    assert activation_bytes(tmp_path, made) == 170


def test_a_skipped_connection_lives_beside_what_it_skips(tmp_path):
    steps = Op("CONV_2D", ["x"], ["a"]), Op("CONV_2D", ["a"], ["b"]), Op("CONCATENATION", ["x", "b"], ["y"])
    made = chain(*steps, sizes={"x": 50, "a": 100, "b": 70, "y": 1}, outputs=("y",))
    assert activation_bytes(tmp_path, made) == 50 + 100 + 70


def test_an_output_lives_to_the_end(tmp_path):
    steps = Op("CONV_2D", ["x"], ["y"]), Op("CONV_2D", ["x"], ["a"]), Op("CONV_2D", ["a"], ["z"])
    made = chain(*steps, sizes={"x": 10, "y": 40, "a": 100, "z": 60}, outputs=("y", "z"))
    assert activation_bytes(tmp_path, made) == 40 + 100 + 60


def test_a_reshape_takes_no_memory_of_its_own(tmp_path):
    steps = Op("CONV_2D", ["x"], ["a"]), Op("RESHAPE", ["a"], ["b"]), Op("CONV_2D", ["b"], ["y"])
    made = chain(*steps, sizes={"x": 10, "a": 100, "b": 100, "y": 1}, outputs=("y",))
    assert activation_bytes(tmp_path, made) == 110


def test_an_element_wise_operator_writes_over_an_input_nobody_reads_afterwards(tmp_path):
    steps = Op("CONV_2D", ["x"], ["a"]), Op("RELU", ["a"], ["b"]), Op("CONV_2D", ["b"], ["y"])
    sizes = {"x": 10, "a": 100, "b": 100, "y": 1}
    assert activation_bytes(tmp_path, chain(*steps, sizes=sizes, outputs=("y",))) == 110
    later = Op("CONCATENATION", ["a", "y"], ["z"])
    assert activation_bytes(tmp_path, chain(*steps, later, sizes={**sizes, "z": 1}, outputs=("z",))) == 201


def test_inputs_and_outputs_of_the_model_are_never_written_over(tmp_path):
    made = chain(Op("RELU", ["x"], ["y"]), sizes={"x": 100, "y": 100}, outputs=("y",))
    assert activation_bytes(tmp_path, made) == 200


def test_the_body_of_a_loop_lives_beside_its_caller(tmp_path):
    def graph(*operators: Op, size: int) -> Graph:
        tensors = {"x": Made((10,), "int8"), "a": Made((size,), "int8"), "y": Made((10,), "int8")}
        return Graph(tensors, [Op("CONV_2D", ["x"], ["a"]), *operators, Op("CONV_2D", ["a"], ["y"])], ["x"], ["y"])

    loop = Op("WHILE", ["a"], ["a"], calls=[1, 2])
    assert activation_bytes(tmp_path, model(graph(loop, size=40), graph(size=5), graph(size=300))) == 40 + 310


def test_state_lives_through_the_whole_inference(tmp_path):
    tensors = {
        "x": Made((10,), "int8"),
        "state": Made((500,), "int8", variable=True),
        "a": Made((100,), "int8"),
        "y": Made((70,), "int8"),
    }
    steps = [Op("SVDF", ["x", "state"], ["a"]), Op("CONV_2D", ["a"], ["y"])]
    assert activation_bytes(tmp_path, model(Graph(tensors, steps, ["x"], ["y"]))) == 500 + 100 + 70


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("tiny_ic_resnet8_fp32", 3 * 32 * 32 * 16 * 4),  # a block's input, and between its two convolutions
        ("tiny_ic_resnet8_int8", 3 * 32 * 32 * 16),
        ("tiny_kws_dscnn_int8", 2 * 25 * 5 * 64),
        ("tiny_vww96_int8", 48 * 48 * (8 + 16)),
        ("tiny_ad01_int8", 640 + 128),
    ],
)
def test_the_peak_of_known_networks_by_their_published_layers(name, peak):
    assert inspect_file(needs.need_shared(f"models/{name}.tflite")).inside.activation_bytes == peak
