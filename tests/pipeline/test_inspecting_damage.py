"""Files that lie: whatever they hold, reading them ends, with an answer or one line."""

from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.made_graphs import Graph, Made, Op, constant, model, one
from support.tiny_model import write

from harness.pipeline import inspect_file
from harness.pipeline.check.inspection.flatbuffer import MOST_TABLES
from harness.records.errors import ModelFileError


def refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(ModelFileError) as caught:
        inspect_file(write(folder / "made.tflite", content))
    message = str(caught.value)
    assert "\n" not in message and "made.tflite" in message
    return message


def network() -> bytes:
    """A file with something of everything: weights of several kinds, state, a loop, a custom operator."""
    tensors = {
        "x": Made((1, 4, 4, 2), "int8", scales=[0.5], zero_points=[3]),
        "w": constant(np.ones((4, 3, 3, 2), np.int8), scales=[0.1] * 4),
        "b": constant(np.ones(4, np.int32), scales=[0.05] * 4),
        "half": constant(np.ones((5, 64), np.float16)),
        "sparse": Made((64, 64), "int8", bytes(40), scales=[0.1], sparse=True),
        "packed": Made((5, 5), "int4", bytes(13), scales=[0.1]),
        "state": Made((1, 8), variable=True),
        **{name: Made((1, 64)) for name in ("c", "f", "d", "e", "g", "y")},
    }
    operators = [
        Op("CONV_2D", ["x", "w", "b"], ["c"]),
        Op("DEQUANTIZE", ["half"], ["f"]),
        Op("FULLY_CONNECTED", ["c", "f", ""], ["d"]),
        Op("FULLY_CONNECTED", ["d", "sparse"], ["e"]),
        Op("FULLY_CONNECTED", ["e", "packed", "state"], ["g"]),
        Op("WHILE", ["g"], ["y"], calls=[1, 1]),
        Op("Own", ["y"], ["y"], custom=True),
    ]
    body = Graph({"x": Made((1, 64)), "y": Made((1, 64))}, [Op("RELU", ["x"], ["y"])], ["x"], ["y"])
    return model(Graph(tensors, operators, ["x"], ["y"]), body)


NETWORK = network()


def read(path: Path) -> None:
    try:
        inspect_file(path, compress=False)
    except ModelFileError as error:
        assert len(str(error).splitlines()) == 1


def test_the_undamaged_file_is_read(tmp_path):
    info = inspect_file(write(tmp_path / "a.tflite", NETWORK))
    assert info.operators == 7 and info.custom_operators == ("Own",) and info.contents.called == 1


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(8, len(NETWORK)), flips=st.lists(st.integers(64, len(NETWORK) * 8 - 1), max_size=8))
def test_flipped_bits_and_cut_files(tmp_path, cut, flips):
    content = bytearray(NETWORK)
    for bit in flips:
        content[bit // 8] ^= 1 << bit % 8
    read(write(tmp_path / "a.tflite", bytes(content[:cut])))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.tuples(st.integers(2, len(NETWORK) // 4 - 1), st.integers(0, 2**32 - 1)), max_size=3))
def test_offsets_and_lengths_of_any_size(tmp_path, words):
    content = np.frombuffer(NETWORK[: len(NETWORK) // 4 * 4], np.uint32).copy()
    for place, value in words:
        content[place] = value
    read(write(tmp_path / "a.tflite", content.tobytes()))


@pytest.mark.parametrize("value", [0x00, 0x7F, 0xFF])
def test_one_byte_after_the_other(tmp_path, value):
    path = tmp_path / "a.tflite"
    for place in range(8, len(NETWORK), 5):
        path.write_bytes(NETWORK[:place] + bytes([value]) + NETWORK[place + 1 :])
        read(path)


@given(rest=st.binary(max_size=200))
def test_noise_behind_the_identifier(tmp_path_factory, rest):
    read(write(tmp_path_factory.mktemp("noise") / "a.tflite", b"\x10\0\0\0TFL3" + rest))


def repeated(*, graphs: int, operators: int, tensors: int) -> bytes:
    """A file whose lists lead to one graph, one operator and one tensor many times."""
    builder = flatbuffers.Builder(1024)
    schema.TensorStart(builder)
    tensor = schema.TensorEnd(builder)
    schema.OperatorStart(builder)
    operator = schema.OperatorEnd(builder)
    tensor_list = many(builder, tensor, tensors)
    operator_list = many(builder, operator, operators)
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensor_list)
    schema.SubGraphAddOperators(builder, operator_list)
    graph_list = many(builder, schema.SubGraphEnd(builder), graphs)
    schema.OperatorCodeStart(builder)
    code_list = many(builder, schema.OperatorCodeEnd(builder), 1)
    schema.ModelStart(builder)
    schema.ModelAddOperatorCodes(builder, code_list)
    schema.ModelAddSubgraphs(builder, graph_list)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def many(builder: flatbuffers.Builder, target: int, count: int) -> int:
    builder.StartVector(4, count, 4)
    for _ in range(count):
        builder.PrependUOffsetTRelative(target)
    return builder.EndVector()


@pytest.mark.parametrize(
    "file",
    [
        {"graphs": 1000, "operators": 1000, "tensors": 1000},
        {"graphs": MOST_TABLES + 1, "operators": 0, "tensors": 0},
        {"graphs": 1, "operators": MOST_TABLES, "tensors": 0},
    ],
    ids=["a thousand times a thousand", "graphs", "operators"],
)
def test_lists_that_lead_to_one_place_end(tmp_path, file):
    assert "more tensors and operators than any model has" in refusal(tmp_path, repeated(**file))


def test_weights_that_lie_over_each_other_are_not_read_again_and_again(tmp_path):
    tensors = {f"w{at}": Made((1, 1000), "int8", bytes([at]) * 1000, scales=[0.1]) for at in range(60)}
    tensors |= {"x": Made((1, 1000)), "y": Made((1, 1))}
    layers = [Op("FULLY_CONNECTED", ["x", f"w{at}"], ["y"]) for at in range(60)]
    content = bytearray(model(Graph(tensors, layers, ["x"], ["y"])))
    starts = [content.index((1000).to_bytes(4, "little") + bytes([at]) * 100) for at in range(60)]
    earliest = min(starts)
    for start in starts:
        if start - earliest < 4000:
            content[start : start + 4] = (len(content) - start - 4).to_bytes(4, "little")
    assert "weights that lie over each other" in refusal(tmp_path, bytes(content))


def test_a_tensor_that_no_machine_holds(tmp_path):
    made = one("RELU", {"x": Made((2**31 - 1,) * 4)}, inputs=["x"], output=Made((1,)))
    assert "describe a tensor of 2.1e+37 elements" in refusal(tmp_path, made)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda graph: graph.operators[0].inputs.append(9), "name tensor 9 of 2"),
        (lambda graph: graph.operators[0].outputs.append(-2), "name tensor -2 of 2"),
        (lambda graph: graph.inputs.append(2), "name tensor 2 of 2"),
        (lambda graph: graph.outputs.append(-1), "name tensor -1 of 2"),
        (lambda graph: setattr(graph.operators[0], "opcodeIndex", 5), "name operator code 5 of 1"),
    ],
)
def test_numbers_that_name_nothing(tmp_path, change, said):
    sound = one("RELU", {"x": Made((1, 8))}, inputs=["x"], output=Made((1, 8)))
    packed = schema.ModelT.InitFromPackedBuf(sound, 0)
    graph = packed.subgraphs[0]
    for part in (graph, graph.operators[0]):
        part.inputs, part.outputs = list(part.inputs), list(part.outputs)
    change(graph)
    builder = flatbuffers.Builder(1024)
    builder.Finish(packed.Pack(builder), b"TFL3")
    assert said in refusal(tmp_path, bytes(builder.Output()))


def test_a_graph_that_is_called_but_not_there(tmp_path):
    tensors = {"x": Made((1, 8)), "y": Made((1, 8))}
    made = model(Graph(tensors, [Op("IF", ["x"], ["y"], calls=[0, 7])], ["x"], ["y"]))
    assert "name graph 7 of 1" in refusal(tmp_path, made)


def test_tensors_that_unpack_themselves(tmp_path):
    tensors = {"x": Made((1, 8)), "a": Made((4, 8)), "b": Made((4, 8)), "y": Made((1, 4))}
    circle = [Op("DEQUANTIZE", ["a"], ["b"]), Op("DEQUANTIZE", ["b"], ["a"])]
    made = model(Graph(tensors, [*circle, Op("FULLY_CONNECTED", ["x", "a"], ["y"])], ["x"], ["y"]))
    info = inspect_file(write(tmp_path / "a.tflite", made))
    assert info.inside.macs == 32 and info.inside.parameters == 0


def test_a_long_row_of_graphs_that_call_each_other(tmp_path):
    graphs = [
        Graph({"x": Made((1, 8)), "y": Made((1, 8))}, [Op("CALL_ONCE", [], [], calls=[(at + 1) % 3000])], ["x"], ["y"])
        for at in range(3000)
    ]
    assert inspect_file(write(tmp_path / "a.tflite", model(*graphs))).contents.called == 2999
