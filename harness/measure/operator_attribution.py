"""The operators of a model file, each with the time of what LiteRT's profiler saw of it.

The profiler names the runtime's own operators by their number in the file. XNNPACK tells of operators that it made of
the file's, by other names and without numbers: some are fused into one, some need several (a transposition, a copy).
Both lists are in the order they run, so they are aligned as sequences (Needleman and Wunsch, 1970): as many pairs as
possible whose names fit, in order. What has no pair is a helper of the next that has one, and its time counts there;
of the file's, one without a pair was fused into a neighbour and takes no time of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.records.operators import RESOLUTION_S, OperatorTime

MOST_UNPAIRED: Final = 0.05
"""Of the inference time: what fits none of the file's and takes more is no helper, if it is long enough to tell."""
_MOST_CELLS: Final = 4_000_000
_UNARY: Final = (
    "ABS CAST CEIL COS ELU EXP FLOOR GELU HARD_SWISH LEAKY_RELU LOG LOGISTIC NEG PRELU RELU RELU6 RELU_N1_TO_1 "
    "RELU_0_TO_1 ROUND RSQRT SIGN SIN SQRT SQUARE TANH QUANTIZE DEQUANTIZE"
)
_BINARY: Final = "ADD SUB MUL DIV MAXIMUM MINIMUM POW SQUARED_DIFFERENCE PRELU"
_SAME: Final = (
    ("dwconv", "DEPTHWISE_CONV_2D"),
    ("deconvolution", "TRANSPOSE_CONV"),
    ("convolution", "CONV_2D DEPTHWISE_CONV_2D"),
    ("fullyconnected", "FULLY_CONNECTED CONV_2D BATCH_MATMUL"),
    ("matrixmultiply", "BATCH_MATMUL FULLY_CONNECTED"),
    ("averagepooling", "AVERAGE_POOL_2D MEAN"),
    ("sumpooling", "SUM MEAN AVERAGE_POOL_2D"),
    ("maxpooling", "MAX_POOL_2D"),
    ("reduce", "MEAN SUM REDUCE_MAX REDUCE_MIN"),
    ("mean", "MEAN AVERAGE_POOL_2D"),
    ("unpooling", "MaxUnpooling2D"),
    ("constantpad", "PAD PADV2"),
    ("resizebilinear", "RESIZE_BILINEAR"),
    ("depthtospace", "DEPTH_TO_SPACE"),
    ("spacetodepth", "SPACE_TO_DEPTH"),
    ("softmax", "SOFTMAX"),
    ("reshape", "RESHAPE EXPAND_DIMS SQUEEZE"),
    ("copy", "RESHAPE EXPAND_DIMS SQUEEZE CONCATENATION SPLIT"),
    ("transpose", "TRANSPOSE"),
    ("slice", "SLICE STRIDED_SLICE SPLIT"),
    ("convert", "QUANTIZE DEQUANTIZE CAST"),
    ("clamp", "RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1"),
    ("leakyrelu", "LEAKY_RELU"),
    ("hardswish", "HARD_SWISH"),
    ("sigmoid", "LOGISTIC"),
    ("subtract", "SUB"),
    ("multiply", "MUL"),
    ("divide", "DIV"),
    ("add", "ADD"),
    ("unary", _UNARY),
    ("binary", _BINARY),
)
"""What XNNPACK calls an operator, without blanks, and the file's that it makes it of; the first that is found holds."""


@dataclass(frozen=True)
class FileOperator:
    """One operator of the file's first graph."""

    name: str
    macs: int


@dataclass(frozen=True)
class Attribution:
    """By operator of the file: whether a delegate took it, and nanoseconds; None where these cannot be told."""

    delegated: tuple[bool, ...]
    ns: tuple[float | None, ...]
    untold: str | None = None


def attribute(file: Sequence[FileOperator], told: Sequence[OperatorTime], inference_ns: float) -> Attribution:
    """Each operator's time; those of a delegate are None where its own cannot be told apart by them.

    Raises ValueError where the runtime tells of operators that the file does not have.
    """
    own = {each.node: each for each in told if each.node is not None}
    for number, each in own.items():
        if number is None or number >= len(file) or not _is_named(each.name, file[number].name):
            raise ValueError(f"the runtime tells of {each.name} as operator {number}, which the file does not have")
    delegated = tuple(number not in own for number in range(len(file)))
    taken = [number for number, is_taken in enumerate(delegated) if is_taken]
    kernels = [each for each in told if each.node is None]
    found, untold = _times_of_kernels([file[number] for number in taken], kernels, inference_ns)
    by_number: dict[int, float | None] = dict(zip(taken, found, strict=True))
    times = tuple(by_number[number] if number in by_number else own[number].ns for number in range(len(file)))
    return Attribution(delegated, times, untold)


def _is_named(told: str, name: str) -> bool:
    return told == name or told.replace("_", "").lower() == name.replace("_", "").lower()


def _times_of_kernels(
    taken: Sequence[FileOperator], kernels: Sequence[OperatorTime], inference_ns: float
) -> tuple[list[float | None], str | None]:
    """Nanoseconds of each operator that a delegate took, or why they are not known."""
    if not taken:
        return [], None
    if len(taken) * len(kernels) > _MOST_CELLS:
        return [None] * len(taken), "the delegate's operators are too many to be told apart"
    pairs = _align(taken, kernels)
    alone = [
        each for place, each in enumerate(kernels) if place not in pairs.values() and _is_heavy(each, inference_ns)
    ]
    unpaired = [each for place, each in enumerate(taken) if place not in pairs and each.macs > 0]
    if alone or unpaired or not pairs:
        odd = alone[0].name if alone else unpaired[0].name if unpaired else "nothing"
        return [None] * len(taken), f"the delegate's operators are not told apart by those of the file ({odd})"
    return _summed(len(taken), kernels, pairs), None


def _is_heavy(kernel: OperatorTime, inference_ns: float) -> bool:
    return kernel.ns > max(MOST_UNPAIRED * inference_ns, 2e9 * RESOLUTION_S)


def _summed(count: int, kernels: Sequence[OperatorTime], pairs: dict[int, int]) -> list[float | None]:
    """A helper's time counts for the next operator that has a pair, after the last one for that."""
    times: list[float | None] = [0.0] * count
    by_kernel = {kernel: operator for operator, kernel in pairs.items()}
    following = max(pairs)
    for place in reversed(range(len(kernels))):
        following = by_kernel.get(place, following)
        times[following] = (times[following] or 0.0) + kernels[place].ns
    return times


def _align(taken: Sequence[FileOperator], kernels: Sequence[OperatorTime]) -> dict[int, int]:
    """For as many operators as possible the place of a kernel that fits; both rise together."""
    fits = [_fitting(kernel.name) for kernel in kernels]
    worth = [[_worth(operator, names) for names in fits] for operator in taken]
    best = [[0] * (len(kernels) + 1) for _ in range(len(taken) + 1)]
    for row in range(len(taken) - 1, -1, -1):
        for column in range(len(kernels) - 1, -1, -1):
            paired = best[row + 1][column + 1] + worth[row][column] if worth[row][column] else 0
            best[row][column] = max(paired, best[row + 1][column], best[row][column + 1])
    pairs, row, column = {}, 0, 0
    while row < len(taken) and column < len(kernels):
        gained = worth[row][column]
        if gained and best[row][column] == best[row + 1][column + 1] + gained:
            pairs[row] = column
            row, column = row + 1, column + 1
        elif best[row][column] == best[row][column + 1]:
            column += 1
        else:
            row += 1
    return pairs


def _worth(operator: FileOperator, names: tuple[str, ...]) -> int:
    """0 where a kernel does not fit; more for what computes much, a little more for what it usually stands for."""
    if operator.name not in names:
        return 0
    return (4 if operator.macs else 2) + int(operator.name == names[0])


def _fitting(kernel: str) -> tuple[str, ...]:
    """The names of operators of a file that a kernel's name stands for, the usual one first."""
    plain = re.sub(r"[^a-z0-9]", "", kernel.lower())
    known = next((names for word, names in _SAME if word in plain), "")
    return tuple(known.split()) or (kernel.split(" (", maxsplit=1)[0].upper().replace(" ", "_"),)
