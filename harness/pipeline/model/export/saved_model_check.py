"""The graphs of a SavedModel are read before it is loaded: only operators that compute in memory are let through."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.pipeline.model.error_text import describe_exception
from harness.records.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

# Protocol buffers are not typed: graphs and nodes are Any here.
Proto = Any

_PROTO: Final = "saved_model.pb"
_RESTORE: Final = "RestoreV2"
_MOST_NAMED: Final = 10  # other operators in one sentence

_ALLOWED: Final = frozenset(
    re.findall(
        r"\w+",
        # Calls, choices, loops; what only passes a value on.
        """
        PartitionedCall StatefulPartitionedCall If StatelessIf While StatelessWhile Case StatelessCase Switch Merge
        Enter Exit NextIteration LoopCond ControlTrigger NoOp Const Placeholder PlaceholderWithDefault _Arg _Retval
        Identity IdentityN StopGradient PreventGradient EnsureShape CheckNumerics Assert Snapshot FakeParam
        """
        # Variables, and tables that are filled from constants.
        """
        VarHandleOp VariableV2 Variable ReadVariableOp AssignVariableOp AssignAddVariableOp AssignSubVariableOp Assign
        AssignAdd AssignSub VarIsInitializedOp IsVariableInitialized VariableShape DestroyResourceOp ResourceGather
        ResourceGatherNd ResourceScatterUpdate ResourceScatterAdd ResourceScatterSub ResourceScatterNdUpdate
        ResourceScatterNdAdd ScatterUpdate ScatterAdd ScatterSub ResourceStridedSliceAssign HashTable HashTableV2
        MutableHashTable MutableHashTableV2 AnonymousHashTable AnonymousMutableHashTable LookupTableFind
        LookupTableFindV2 LookupTableImport LookupTableImportV2 LookupTableExport LookupTableExportV2 LookupTableSize
        LookupTableSizeV2 InitializeTable InitializeTableV2
        """
        # Element by element.
        """
        Abs Acos Acosh Add AddN AddV2 AccumulateNV2 Angle Asin Asinh Atan Atan2 Atanh BitwiseAnd BitwiseOr BitwiseXor
        Bitcast Cast Ceil ClipByValue Complex ComplexAbs Conj Cos Cosh Digamma Div DivNoNan Elu Equal Erf Erfc Erfinv
        Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Igamma Igammac Imag Inv Invert IsFinite IsInf IsNan
        LeakyRelu LeftShift Less LessEqual Lgamma Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Mul
        MulNoNan Neg NextAfter NotEqual OnesLike Pow Real RealDiv Reciprocal Relu Relu6 RightShift Rint Round Rsqrt
        Select SelectV2 Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Square SquaredDifference Sub Tan Tanh ToBool
        TruncateDiv TruncateMod Xdivy Xlog1py Xlogy ZerosLike ApproximateEqual PopulationCount
        """
        # Layers.
        """
        AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchNormWithGlobalNormalization BiasAdd BiasAddV1
        Conv Conv2D Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D Conv3DBackpropInput Conv3DBackpropInputV2
        CropAndResize DepthToSpace DepthwiseConv2dNative Dilation2D Einsum ExtractImagePatches FusedBatchNorm
        FusedBatchNormV2 FusedBatchNormV3 L2Loss LRN LogSoftmax MatMul MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax
        ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor Softmax SpaceToDepth AdjustContrastv2 AdjustHue
        AdjustSaturation HSVToRGB RGBToHSV ImageProjectiveTransformV2 ImageProjectiveTransformV3 ScaleAndTranslate
        NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5
        CombinedNonMaxSuppression SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits BlockLSTM
        BlockLSTMV2 LSTMBlockCell GRUBlockCell CTCGreedyDecoder AudioSpectrogram Mfcc
        """
        # Shapes, places, order.
        """
        All Any ArgMax ArgMin BatchToSpace BatchToSpaceND Bincount DenseBincount BroadcastArgs BroadcastTo
        BroadcastGradientArgs Bucketize Concat ConcatOffset ConcatV2 Cross Cumprod Cumsum CumulativeLogsumexp
        DataFormatDimMap DataFormatVecPermute Diag DiagPart DynamicPartition DynamicStitch ParallelDynamicStitch Empty
        EuclideanNorm ExpandDims Fill Gather GatherNd GatherV2 HistogramFixedWidth InTopK InTopKV2 InvertPermutation
        LinSpace ListDiff LowerBound MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3
        MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 Max Mean Min MirrorPad NthElement
        OneHot Pack Pad PadV2 ParallelConcat Prod RaggedRange RaggedTensorToTensor Range Rank Reshape Reverse
        ReverseSequence ReverseV2 Roll ScatterNd SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum Shape ShapeN
        Size Slice SpaceToBatch SpaceToBatchND SparseToDense SparseReshape SparseFillEmptyRows SparseSegmentMean
        SparseSegmentSum SparseTensorDenseMatMul SparseReorder Split SplitV Squeeze StridedSlice Sum TensorScatterAdd
        TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile TopK
        TopKV2 ApproxTopK Transpose ConjugateTranspose Unique UniqueV2 UniqueWithCounts Unpack UnravelIndex
        UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum UpperBound Where
        """
        # Lists of tensors, which loops keep.
        """
        EmptyTensorList TensorListConcat TensorListConcatV2 TensorListElementShape TensorListFromTensor
        TensorListGather TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListReserve
        TensorListResize TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem
        TensorListSplit TensorListStack TensorArrayV3 TensorArrayReadV3 TensorArrayWriteV3 TensorArrayGatherV3
        TensorArrayScatterV3 TensorArrayConcatV3 TensorArraySplitV3 TensorArraySizeV3 TensorArrayCloseV3
        """
        # Matrices and spectra.
        """
        BatchFFT Cholesky FFT FFT2D FFT3D IFFT IFFT2D IFFT3D IRFFT IRFFT2D IRFFT3D LogMatrixDeterminant Lu
        MatrixDeterminant MatrixInverse MatrixSolve MatrixSolveLs MatrixTriangularSolve Qr RFFT RFFT2D RFFT3D
        SelfAdjointEigV2 Svd
        """
        # Random numbers.
        """
        Multinomial ParameterizedTruncatedNormal RandomGamma RandomPoissonV2 RandomShuffle RandomStandardNormal
        RandomUniform RandomUniformInt TruncatedNormal StatelessMultinomial StatelessRandomBinomial
        StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomNormal
        StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2
        StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessShuffle
        StatelessTruncatedNormal StatelessTruncatedNormalV2 RngReadAndSkip StatefulStandardNormalV2 StatefulUniform
        StatefulUniformInt StatefulUniformFullInt
        """
        # Numbers of few bits.
        """
        Dequantize FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel QuantizeV2
        QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 Requantize
        UniformDequantize UniformQuantize UniformRequantize
        """
        # Texts and pictures in memory, as signatures for servers take them.
        """
        AsString DecodeAndCropJpeg DecodeBase64 DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodePng DecodeRaw
        EncodeBase64 EncodeJpeg EncodePng ParseExample ParseExampleV2 ParseSingleExample ParseTensor
        RaggedTensorToSparse ReduceJoin RegexFullMatch RegexReplace StaticRegexFullMatch StaticRegexReplace
        StringFormat StringJoin StringLength StringLower StringNGrams StringSplit StringSplitV2 StringStrip
        StringToHashBucketFast StringToHashBucketStrong StringToNumber StringUpper Substr UnicodeDecode
        UnicodeDecodeWithOffsets UnicodeEncode UnicodeScript UnicodeTranscode
        """,
    )
)
"""Operators that TensorFlow's converter lowers, or that stand beside them in models as people export them: none reads
or writes a file, reaches a network or runs Python."""


def refuse_outside_operators(source: Path, label: str) -> None:
    """Raise BuildError for a SavedModel that cannot be read, or with an operator that reaches out of its graph.

    Nothing is loaded: loading already runs what initialises tables. Only what saves a model is left out, as long as
    nothing else calls it: every SavedModel has it, and it is never run.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    model = SavedModel()
    try:
        model.ParseFromString((source / _PROTO).read_bytes())
    except (OSError, DecodeError) as error:
        raise BuildError(
            f"{label}: {source / _PROTO} cannot be read as a SavedModel: {describe_exception(error)}"
        ) from error
    outside = {
        node.op: node.name
        for meta in model.meta_graphs
        for node in _nodes_that_may_run(meta)
        if not _is_allowed(node, meta)
    }
    if outside:
        operator, *others = sorted(outside)
        also = f" (and {', '.join(others[:_MOST_NAMED])})" if others else ""
        raise BuildError(
            f'{label}: its node "{outside[operator]}" is {operator}{also}, which reaches out of the graph, or which '
            "no board could run: only operators that compute in memory are let through"
        )


def _is_allowed(node: Proto, meta: Proto) -> bool:
    from tensorflow.python.framework import op_def_registry

    if node.op in _ALLOWED:
        return True
    if node.op == _RESTORE and node.input:  # as a model of TensorFlow 1 reads its own variables
        return _node_name(node.input[0]) == _node_name(meta.saver_def.filename_tensor_name)
    # An operator's own name may be that of a function of the model, whose nodes are looked at too.
    functions = {function.signature.name for function in meta.graph_def.library.function}
    return node.op in functions and op_def_registry.get(node.op) is None


def _nodes_that_may_run(meta: Proto) -> Iterator[Proto]:
    """All nodes of a graph and its functions but those that only its saver reaches."""
    functions = {function.signature.name: function for function in meta.graph_def.library.function}
    saving = _nodes_of_saver(meta)
    running = [node for node in meta.graph_def.node if node.name not in saving]
    yield from running
    only_saved = _reached_functions((node for node in meta.graph_def.node if node.name in saving), functions)
    others = [node for name, function in functions.items() if name not in only_saved for node in function.node_def]
    named = [functions[name] for name in _named_by_objects(meta) if name in functions]
    kept = _reached_functions(
        [*running, *others, *(node for function in named for node in function.node_def)], functions
    )
    kept |= {function.signature.name for function in named} | (functions.keys() - only_saved)
    for name in kept:
        yield from functions[name].node_def


def _nodes_of_saver(meta: Proto) -> "AbstractSet[str]":
    """Names of the graph's nodes that only saving a model, or having it restored by another program, would run.

    A model of TensorFlow 1 is restored by its own graph, which is run here: it is looked at.
    """
    saver = meta.saver_def
    ends = [saver.save_tensor_name]
    if meta.HasField("object_graph_def"):
        ends.append(saver.restore_op_name)
    wanted = {_node_name(one) for one in ends if one}
    by_name = {node.name: node for node in meta.graph_def.node}
    found = _ancestors(wanted, by_name)
    served = [
        info.name for one in meta.signature_def.values() for info in (*one.inputs.values(), *one.outputs.values())
    ]
    fetched = {_node_name(name) for name in served}
    if not meta.HasField("object_graph_def"):
        fetched |= {_node_name(saver.restore_op_name)}
        fetched |= {_node_name(name) for one in meta.collection_def.values() for name in one.node_list.value}
    return found - _ancestors(fetched, by_name)


def _ancestors(names: Iterable[str], by_name: Mapping[str, Proto]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in found:
            found.add(name)
            waiting += [_node_name(given) for given in by_name[name].input]
    return found


def _node_name(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]


def _reached_functions(nodes: Iterable[Proto], functions: Mapping[str, Proto]) -> set[str]:
    """Names of the functions that nodes call, directly or by way of others."""
    found: set[str] = set()
    waiting = list(nodes)
    while waiting:
        for name in _called_functions(waiting.pop()):
            if name in functions and name not in found:
                found.add(name)
                waiting += functions[name].node_def
    return found


def _called_functions(node: Proto) -> Iterator[str]:
    yield node.op
    for attribute in node.attr.values():
        if attribute.HasField("func"):
            yield attribute.func.name
        yield from (function.name for function in attribute.list.func)


def _named_by_objects(meta: Proto) -> Iterator[str]:
    """Functions that the model's objects have, which loading may run."""
    objects = meta.object_graph_def
    yield from objects.concrete_functions
    for node in objects.nodes:
        yield from node.function.concrete_functions
        yield node.bare_concrete_function.concrete_function_name
