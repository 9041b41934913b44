"""Operators and their multiply-accumulates."""

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from support import needs
from support.made_graphs import Graph, Made, Op, constant, model, one
from support.tiny_model import write

from harness.pipeline import inspect_file
from harness.pipeline.check.inspection.model_file import ModelInfo
from harness.pipeline.check.inspection.schema_names import OPERATORS, TYPES, operator_name, type_and_bits

MLPERF_TINY = {
    "tiny_ic_resnet8": 12_501_632,
    "tiny_kws_dscnn": 2_656_768,
    "tiny_vww96": 7_489_664,
    "tiny_ad01": 264_192,
}


def inspected(folder: Path, content: bytes) -> ModelInfo:
    return inspect_file(write(folder / "made.tflite", content))


def weights(*shape: int) -> Made:
    return constant(np.ones(shape, np.float32))


def schema_numbers(names: type) -> dict[int, str]:
    return {number: name for name, number in vars(names).items() if name.isupper() and isinstance(number, int)}


@pytest.mark.parametrize("kind", ["fp32", "int8"])
@pytest.mark.parametrize("name", MLPERF_TINY)
def test_the_mlperf_tiny_references_have_exactly_the_work_that_is_known_of_them(name, kind):
    info = inspect_file(needs.need_shared(f"models/{name}_{kind}.tflite"))
    assert info.inside.macs == MLPERF_TINY[name]
    assert sum(tally.macs for tally in info.inside.operators) == MLPERF_TINY[name]


def test_operators_are_counted_by_kind_with_the_largest_work_first():
    info = inspect_file(needs.need_shared("models/tiny_ic_resnet8_int8.tflite"))
    assert [(tally.name, tally.count, tally.macs) for tally in info.inside.operators] == [
        ("CONV_2D", 9, 12_500_992),
        ("FULLY_CONNECTED", 1, 640),
        ("ADD", 3, 0),
        ("AVERAGE_POOL_2D", 1, 0),
        ("RESHAPE", 1, 0),
        ("SOFTMAX", 1, 0),
    ]
    assert info.operators == 16 and info.inside.parameters == 77_706


def test_operators_agree_with_litert_s_own_reader_on_every_sample():
    for path in sorted(needs.need_shared("models").iterdir()):
        read = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in read.operatorCodes]
        names = schema_numbers(schema.BuiltinOperator)
        order = tuple(names[codes[operator.opcodeIndex]] for operator in read.subgraphs[0].operators)
        assert inspect_file(path).contents.order == order, path.name


def test_names_of_operators_and_types_are_those_of_the_schema():
    assert dict(enumerate(OPERATORS)) == schema_numbers(schema.BuiltinOperator)
    assert {number: name.upper() for number, (name, _) in enumerate(TYPES)} == schema_numbers(schema.TensorType)


def test_the_widths_of_types_are_numpy_s():
    for name, bits in TYPES:
        if hasattr(np, name) and name != "bool":
            assert np.dtype(name).itemsize * 8 == bits


def test_what_is_newer_than_the_schema_is_told_by_its_number():
    assert operator_name(1000) == "BUILTIN_1000" and operator_name(-1) == "BUILTIN_-1"
    assert type_and_bits(99) == ("type 99", 0)


CASES = {
    "a convolution": (("CONV_2D", [(1, 9, 9, 3), (8, 3, 5, 3), (8,)], (1, 7, 5, 8)), 7 * 5 * 8 * 3 * 5 * 3),
    "a grouped one": (("CONV_2D", [(1, 9, 9, 6), (8, 3, 3, 2), (8,)], (1, 9, 9, 8)), 9 * 9 * 8 * 3 * 3 * 2),
    "a batch": (("CONV_2D", [(4, 9, 9, 3), (8, 3, 5, 3), (8,)], (4, 7, 5, 8)), 4 * 7 * 5 * 8 * 3 * 5 * 3),
    "depthwise": (("DEPTHWISE_CONV_2D", [(1, 8, 8, 4), (1, 3, 5, 8), (8,)], (1, 8, 8, 8)), 8 * 8 * 8 * 3 * 5),
    "dense": (("FULLY_CONNECTED", [(5, 16), (10, 16), (10,)], (5, 10)), 5 * 16 * 10),
    "dense on more axes": (("FULLY_CONNECTED", [(2, 3, 16), (10, 16), None], (2, 3, 10)), 2 * 3 * 16 * 10),
    "pooling": (("AVERAGE_POOL_2D", [(1, 8, 8, 4)], (1, 1, 1, 4)), 0),
    "element-wise": (("MUL", [(1, 64), (1, 64)], (1, 64)), 0),
    "a volume": (("CONV_3D", [(1, 6, 6, 6, 2), (3, 3, 3, 2, 5)], (1, 4, 4, 4, 5)), 4**3 * 5 * 27 * 2),
    "filters over time": (("SVDF", [(2, 16), (8, 16), (8, 10), None, (2, 80)], (2, 4)), 2 * (8 * 16 + 8 * 10)),
    "a recurrent cell": (("RNN", [(2, 16), (8, 16), (8, 8), (8,), (2, 8)], (2, 8)), 2 * (8 * 16 + 8 * 8)),
    "over a sequence": (
        ("UNIDIRECTIONAL_SEQUENCE_RNN", [(2, 7, 16), (8, 16), (8, 8), (8,), (2, 8)], (2, 7, 8)),
        2 * 7 * (8 * 16 + 8 * 8),
    ),
    "an LSTM": (
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", [(2, 7, 16), *[(8, 16)] * 4, *[(8, 8)] * 4, *[None] * 3], (2, 7, 8)),
        2 * 7 * 4 * (8 * 16 + 8 * 8),
    ),
    "a projected LSTM": (
        ("LSTM", [(1, 16), *[(8, 16)] * 4, *[(8, 6)] * 4, *[None] * 3, *[(8,)] * 4, (6, 8)], (1, 6)),
        4 * (8 * 16 + 8 * 6) + 6 * 8,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_work_of_an_operator(tmp_path, case):
    (name, operands, output), macs = CASES[case]
    tensors = {f"t{at}": Made(shape) for at, shape in enumerate(operands) if shape is not None}
    inputs = [f"t{at}" if shape is not None else "" for at, shape in enumerate(operands)]
    info = inspected(tmp_path, one(name, tensors, inputs=inputs, output=Made(output)))
    assert info.inside.macs == macs


def test_a_transposed_convolution_spreads_each_input_over_its_filter(tmp_path):
    tensors = {"shape": constant(np.array([1, 8, 8, 5], np.int32)), "w": weights(5, 3, 3, 2), "x": Made((1, 4, 4, 2))}
    info = inspected(tmp_path, one("TRANSPOSE_CONV", tensors, inputs=["shape", "w", "x"], output=Made((1, 8, 8, 5))))
    assert info.inside.macs == 4 * 4 * 2 * 3 * 3 * 5
    assert info.inside.parameters == 90, "the shape is no parameter"


def test_a_transposed_volume(tmp_path):
    tensors = {"shape": Made((5,), "int32"), "w": weights(3, 3, 3, 5, 2), "x": Made((1, 4, 4, 4, 2))}
    info = inspected(
        tmp_path, one("CONV_3D_TRANSPOSE", tensors, inputs=["shape", "w", "x"], output=Made((1, 8, 8, 8, 5)))
    )
    assert info.inside.macs == 4**3 * 2 * 27 * 5


@pytest.mark.parametrize(("first", "adjoint"), [((2, 4, 8), False), ((2, 8, 4), True)])
def test_a_matrix_product_knows_which_way_its_first_matrix_lies(tmp_path, first, adjoint):
    tensors = {"x": Made(first), "y": Made((2, 8, 5))}
    made = one("BATCH_MATMUL", tensors, inputs=["x", "y"], output=Made((2, 4, 5)), adjoint=adjoint)
    assert inspected(tmp_path, made).inside.macs == 2 * 4 * 8 * 5


def test_an_unknown_size_counts_as_one(tmp_path):
    tensors = {"x": Made((-1, 16)), "w": weights(10, 16)}
    made = one("FULLY_CONNECTED", tensors, inputs=["x", "w"], output=Made((-1, 10)))
    assert inspected(tmp_path, made).inside.macs == 160


@pytest.mark.parametrize("name", ["CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL", "SVDF", "LSTM"])
@pytest.mark.parametrize("operands", [0, 1, 2])
def test_operators_without_their_operands_have_no_work_and_do_no_harm(tmp_path, name, operands):
    tensors = {f"t{at}": Made(()) for at in range(operands)}
    made = one(name, tensors, inputs=list(tensors), output=Made(()))
    assert inspected(tmp_path, made).inside.macs == 0


def test_the_work_of_a_custom_operator_is_unknown_whatever_its_name(tmp_path):
    tensors = {"x": Made((1, 16)), "w": weights(10, 16)}
    made = one("FULLY_CONNECTED", tensors, inputs=["x", "w"], output=Made((1, 10)), custom=True)
    info = inspected(tmp_path, made)
    assert info.inside.macs == 0 and info.inside.custom_operators == ("FULLY_CONNECTED",)


def dense(operators: list[Op] | None = None, *, width: int = 4) -> Graph:
    tensors = {"x": Made((1, width)), "w": weights(width, width), "y": Made((1, width))}
    layer = Op("FULLY_CONNECTED", ["x", "w"], ["y"])
    return Graph(tensors, [layer, *(operators or [])], ["x"], ["y"])


def test_graphs_that_operators_call_are_counted_once_and_told(tmp_path):
    loops = [Op("WHILE", ["x"], ["y"], calls=[1, 2]), Op("WHILE", ["x"], ["y"], calls=[1, 2])]
    info = inspected(tmp_path, model(dense(loops), dense(), dense([Op("IF", ["x"], ["y"], calls=[3, 1])]), dense()))
    assert info.inside.macs == 4 * 16
    assert {tally.name: tally.count for tally in info.inside.operators} == {"FULLY_CONNECTED": 4, "WHILE": 2, "IF": 1}
    assert (info.contents.called, info.contents.aside, info.operators) == (3, 0, 3)


@pytest.mark.parametrize("operator", [Op("CALL_ONCE", [], [], calls=[1]), Op("STABLEHLO_COMPOSITE", [], [], calls=[1])])
def test_other_ways_to_call_a_graph(tmp_path, operator):
    assert inspected(tmp_path, model(dense([operator]), dense(width=8))).inside.macs == 16 + 64


def test_graphs_of_other_signatures_stand_aside(tmp_path):
    info = inspected(tmp_path, model(dense(), dense(width=8)))
    assert info.inside.macs == 16 and info.inside.parameters == 16 and info.contents.aside == 1


def test_a_graph_that_calls_itself_is_counted_once(tmp_path):
    info = inspected(
        tmp_path, model(dense([Op("IF", ["x"], ["y"], calls=[0, 1])]), dense([Op("CALL_ONCE", [], [], calls=[0])]))
    )
    assert info.inside.macs == 32 and info.contents.called == 1
