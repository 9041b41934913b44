"""Model files of any operators, written with LiteRT's own schema; tensors are told by name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {
    "float32": 0,
    "float16": 1,
    "int32": 2,
    "uint8": 3,
    "int64": 4,
    "string": 5,
    "bool": 6,
    "int16": 7,
    "int8": 9,
    "int4": 17,
    "bfloat16": 18,
}


@dataclass
class Made:
    """A tensor: with ``data`` (raw bytes or an array) a constant."""

    shape: Sequence[int]
    dtype: str = "float32"
    data: Any = None
    scales: Sequence[float] = ()
    zero_points: Sequence[int] = ()
    sparse: bool = False
    variable: bool = False
    signature: Sequence[int] = ()


@dataclass
class Op:
    """An operator by its name in the schema, or a custom one; inputs by tensor name, "" for one left out."""

    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    calls: Sequence[int] = ()
    adjoint: bool = False
    custom: bool = False
    axis: int = 0
    custom_options: bytes = b""


@dataclass
class Graph:
    tensors: dict[str, Made]
    operators: Sequence[Op]
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    numbers: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = {name: number for number, name in enumerate(self.tensors)} | {"": -1}


def constant(values: Any, **more: Any) -> Made:
    """A constant tensor with an array's values."""
    array = np.asarray(values)
    return Made(array.shape, str(array.dtype), array.tobytes(), **more)


def model(*graphs: Graph) -> bytes:
    """The file of these graphs."""
    made = schema.ModelT()
    made.version, made.buffers = 3, [schema.BufferT()]
    codes: dict[tuple[str, bool], int] = {}
    made.subgraphs = [_graph(graph, made.buffers, codes) for graph in graphs]
    made.operatorCodes = [_code(*code) for code in codes]
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def one(name: str, tensors: dict[str, Made], *, inputs: Sequence[str], output: Made, **more: Any) -> bytes:
    """The file of one operator; inputs without data are the model's."""
    given = [each for each in inputs if each and tensors[each].data is None]
    operator = Op(name, inputs, ["out"], **more)
    return model(Graph({**tensors, "out": output}, [operator], given, ["out"]))


def _graph(graph: Graph, buffers: list[Any], codes: dict[tuple[str, bool], int]) -> Any:
    made = schema.SubGraphT()
    made.tensors = [_tensor(name, tensor, buffers) for name, tensor in graph.tensors.items()]
    made.operators = [_operator(graph, operator, codes) for operator in graph.operators]
    made.inputs, made.outputs = ([graph.numbers[name] for name in names] for names in (graph.inputs, graph.outputs))
    return made


def _tensor(name: str, told: Made, buffers: list[Any]) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(told.shape), TYPES[told.dtype], 0
    tensor.isVariable, tensor.hasRank = told.variable, True
    if told.signature:
        tensor.shapeSignature = list(told.signature)
    if told.data is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(bytes(told.data), np.uint8)
        tensor.buffer = len(buffers)
        buffers.append(buffer)
    if told.scales:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = list(told.scales)
        tensor.quantization.zeroPoint = list(told.zero_points or [0] * len(told.scales))
    if told.sparse:
        tensor.sparsity = schema.SparsityParametersT()
    return tensor


def _operator(graph: Graph, told: Op, codes: dict[tuple[str, bool], int]) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex = codes.setdefault((told.name, told.custom), len(codes))
    operator.inputs, operator.outputs = (
        [graph.numbers[name] for name in names] for names in (told.inputs, told.outputs)
    )
    if told.custom_options:
        operator.customOptions = np.frombuffer(told.custom_options, np.uint8)
    if told.name in _OPTIONS and not told.custom:
        kind, fill = _OPTIONS[told.name]
        options = getattr(schema, f"{kind}T")()
        for name, value in zip(fill, [*told.calls, told.axis if told.name == "GATHER" else told.adjoint], strict=False):
            setattr(options, name, value)
        if told.name.startswith("STABLEHLO"):
            operator.builtinOptions2Type = getattr(schema.BuiltinOptions2, kind)
            operator.builtinOptions2 = options
        else:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = options
    return operator


def running_sum() -> bytes:
    """A model whose two outputs are the sum of all it was ever fed: h = x + h, by a recurrent layer's variable."""
    eye = np.eye(2, dtype=np.float32)
    tensors = {
        "x": Made((1, 2)),
        "w": constant(eye),
        "r": constant(eye),
        "b": constant(np.zeros(2, np.float32)),
        "h": Made((1, 2), variable=True),
        "out": Made((1, 2)),
    }
    return model(Graph(tensors, [Op("RNN", ["x", "w", "r", "b", "h"], ["out"])], ["x"], ["out"]))


def random_numbers() -> bytes:
    """A model that draws four numbers and adds its input."""
    tensors = {"x": Made((1, 4)), "n": constant(np.array([1, 4], np.int32)), "u": Made((1, 4)), "out": Made((1, 4))}
    operators = [Op("RANDOM_UNIFORM", ["n"], ["u"]), Op("ADD", ["x", "u"], ["out"])]
    return model(Graph(tensors, operators, ["x"], ["out"]))


def lookup(entries: int, *, cast: bool = False) -> bytes:
    """A model that looks two indices up in a table of so many entries."""
    table = np.arange(entries * 3, dtype=np.float32).reshape(entries, 3)
    tensors = {"x": Made((1, 2), "int64" if cast else "int32"), "table": constant(table), "out": Made((1, 2, 3))}
    operators = [Op("GATHER", ["table", "i" if cast else "x"], ["out"])]
    if cast:
        tensors["i"] = Made((1, 2), "int32")
        operators.insert(0, Op("CAST", ["x"], ["i"]))
    return model(Graph(tensors, operators, ["x"], ["out"]))


def pooling_with_places() -> bytes:
    """MediaPipe's MaxPoolingWithArgmax2D, 2 x 2: a custom operator that XNNPACK alone computes."""
    same, size, plain, computed = 1, 2, 0, (0, 0, 0, 0)
    tensors = {"x": Made((1, 4, 4, 2)), "y": Made((1, 2, 2, 2)), "at": Made((1, 2, 2, 2))}
    options = np.array([same, size, size, size, size, plain, *computed], np.int32).tobytes()
    operator = Op("MaxPoolingWithArgmax2D", ["x"], ["y", "at"], custom=True, custom_options=options)
    return model(Graph(tensors, [operator], ["x"], ["y", "at"]))


def detection(boxes: int = 8, most: int = 10) -> bytes:
    """TFLite_Detection_PostProcess alone: box encodings and scores in, most slots out, of which few are filled."""
    from flatbuffers import flexbuffers

    options = flexbuffers.Builder()
    with options.Map():
        for name, value in {"max_detections": most, "max_classes_per_detection": 1, "num_classes": 2}.items():
            options.Int(name, value)
        for name, ratio in {"nms_score_threshold": 0.7, "nms_iou_threshold": 0.6}.items():
            options.Float(name, ratio)
        for name in ("y_scale", "x_scale", "h_scale", "w_scale"):
            options.Float(name, 5.0)
    corners = np.linspace(0.1, 0.9, boxes, dtype=np.float32)
    anchors = np.stack([corners, corners, np.full(boxes, 0.1, np.float32), np.full(boxes, 0.1, np.float32)], axis=1)
    tensors = {
        "boxes": Made((1, boxes, 4)),
        "scores": Made((1, boxes, 3)),
        "anchors": constant(anchors),
        "places": Made((1, most, 4)),
        "classes": Made((1, most)),
        "chances": Made((1, most)),
        "count": Made((1,)),
    }
    outputs = ["places", "classes", "chances", "count"]
    operator = Op(
        "TFLite_Detection_PostProcess",
        ["boxes", "scores", "anchors"],
        outputs,
        custom=True,
        custom_options=bytes(options.Finish()),
    )
    return model(Graph(tensors, [operator], ["boxes", "scores"], outputs))


_OPTIONS: dict[str, tuple[str, Sequence[str]]] = {
    "ADD": ("AddOptions", ()),
    "CAST": ("CastOptions", ()),
    "GATHER": ("GatherOptions", ("axis",)),
    "GATHER_ND": ("GatherNdOptions", ()),
    "RANDOM_UNIFORM": ("RandomOptions", ()),
    "RNN": ("RNNOptions", ()),
    "MUL": ("MulOptions", ()),
    "CONV_2D": ("Conv2DOptions", ()),
    "FULLY_CONNECTED": ("FullyConnectedOptions", ()),
    "RESHAPE": ("ReshapeOptions", ()),
    "BATCH_MATMUL": ("BatchMatMulOptions", ("adjX",)),
    "WHILE": ("WhileOptions", ("condSubgraphIndex", "bodySubgraphIndex")),
    "IF": ("IfOptions", ("thenSubgraphIndex", "elseSubgraphIndex")),
    "CALL_ONCE": ("CallOnceOptions", ("initSubgraphIndex",)),
    "STABLEHLO_COMPOSITE": ("StableHLOCompositeOptions", ("decompositionSubgraphIndex",)),
}


def _code(name: str, custom: bool) -> Any:
    code = schema.OperatorCodeT()
    number = schema.BuiltinOperator.CUSTOM if custom else getattr(schema.BuiltinOperator, name)
    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
    code.customCode = name if custom else None
    return code


def equal_layers(count: int, width: int, rows: int = 1, seed: int = 0) -> bytes:
    """So many dense layers of one shape, each with weights of its own, on as many rows of inputs."""
    weights = np.random.default_rng(seed)
    tensors: dict[str, Made] = {"x0": Made((rows, width)), "b": constant(np.zeros(width, np.float32))}
    for number in range(count):
        drawn = weights.normal(0.0, width**-0.5, (width, width))
        tensors[f"w{number}"] = constant(drawn.astype(np.float32))
        tensors[f"x{number + 1}"] = Made((rows, width))
    layers = [Op("FULLY_CONNECTED", [f"x{at}", f"w{at}", "b"], [f"x{at + 1}"]) for at in range(count)]
    return model(Graph(tensors, layers, ["x0"], [f"x{count}"]))
