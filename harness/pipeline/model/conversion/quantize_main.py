"""The limited process that quantises a .tflite file by litert-quantizer; it loads no TensorFlow."""

from pathlib import Path
from typing import Any, Final

from harness.pipeline.check.sandbox import Tell
from harness.pipeline.check.verification.litert import LiteRTModel, RefusedError, describe_refusal
from harness.pipeline.check.verification.samples import BadSamplesError, Samples, random_samples, read_samples
from harness.pipeline.model.conversion.quantize_client import QuantizeAnswer, QuantizeJob
from harness.pipeline.recipes.recipe import parse_recipe
from harness.pipeline.recipes.step import NumberFormat

_UNKEPT: Final = "Tensor data is null"
_INSTEAD: Final = (
    ": it looks at a tensor that LiteRT does not keep, as recurrent layers have them: choose dynamic_int8 or float16, "
    "or give the model's source"
)
_EVERYTHING: Final = ".*"
_SIGNATURE: Final = "serving_default"

# litert-quantizer is not typed: its quantiser, model and enumerations are Any here.
Untyped = Any


def main(text: str, tell: Tell) -> None:
    """Run one job, a QuantizeJob."""
    job = QuantizeJob.model_validate_json(text)
    try:
        Path(job.output).write_bytes(_quantize(job))
        LiteRTModel(job.output)
    except (RefusedError, BadSamplesError) as error:
        tell(QuantizeAnswer(refused=str(error)))
    except OSError as error:
        tell(QuantizeAnswer(refused=f"{job.output} cannot be written: {error.strerror or error}"))
    except Exception as error:  # whatever the library raises on a stranger's file is one line for the user
        instead = _INSTEAD if _UNKEPT in str(error) else ""
        tell(QuantizeAnswer(refused=f"litert-quantizer: {type(error).__name__}: {describe_refusal(error)}{instead}"))
    else:
        tell(QuantizeAnswer())


def _quantize(job: QuantizeJob) -> bytes:
    from litert_quantizer.quantizer import Quantizer

    content, signature = _readable(job)
    quantizer = Quantizer(content)
    number_format = parse_recipe(job.number_format).number_format
    _set_format(quantizer, number_format)
    calibration = None
    if number_format.calibrated:
        calibration = _ranges(content, quantizer, {_text(signature.signatureKey): _calibration_samples(job, signature)})
    result = quantizer.quantize(calibration, enable_progress_bar=False, enable_progress_report=False)
    return bytes(result.quantized_model)


def _ranges(content: bytes, quantizer: Untyped, samples: dict[str, list[dict[str, Untyped]]]) -> Untyped:
    """Each tensor's least and largest value over all samples, as TensorFlow's converter takes them.

    ``Quantizer.calibrate`` averages each sample's extremes instead, and half of all samples then overflow: outputs of a
    small classifier fell to 9 dB by that, in int16x8 too. One thread: sums over threads would differ from run to run.
    """
    from litert_quantizer.calibrator import Calibrator
    from litert_quantizer.recipe_manager import RecipeManager
    from litert_quantizer.utils.qsv_utils import min_max_update

    formats = RecipeManager()
    formats.load_quantization_recipe(quantizer.get_quantization_recipe())
    calibrator = Calibrator(content, num_threads=1, qsv_update_func=min_max_update)
    calibrator.calibrate(samples, formats)
    return calibrator.get_model_qsvs()


def _set_format(quantizer: Untyped, number_format: NumberFormat) -> None:
    from litert_quantizer.qtyping import (
        ComputePrecision,
        OpQuantizationConfig,
        TensorDataType,
        TensorQuantizationConfig,
        TFLOperationName,
    )
    from litert_quantizer.quantizer import AlgorithmName

    everything = TFLOperationName.ALL_SUPPORTED
    if number_format.weights == "float16":
        weights = TensorQuantizationConfig(num_bits=16, dtype=TensorDataType.FLOAT)
        config = OpQuantizationConfig(
            weight_tensor_config=weights, compute_precision=ComputePrecision.FLOAT, explicit_dequantize=True
        )
        quantizer.update_quantization_recipe(_EVERYTHING, everything, config, algorithm_key=AlgorithmName.FLOAT_CASTING)
        return
    if not number_format.calibrated:
        quantizer.add_dynamic_config(_EVERYTHING, everything, num_bits=8)
        return
    bits = number_format.activation_bits
    quantizer.add_static_config(_EVERYTHING, everything, activation_num_bits=bits, weight_num_bits=8)
    if number_format.ports is None:
        for end in (TFLOperationName.INPUT, TFLOperationName.OUTPUT):
            quantizer.update_quantization_recipe(_EVERYTHING, end, algorithm_key=AlgorithmName.NO_QUANTIZE)


def _readable(job: QuantizeJob) -> tuple[bytes, Untyped]:
    """The file as litert-quantizer understands it, and the signature it is calibrated by.

    Old files name operators in a field of one byte, which litert-quantizer does not read: it would take them all for
    ADD. Files without a signature get one.
    """
    from ai_edge_litert.tools.flatbuffer_utils import convert_object_to_bytearray, read_model_from_bytearray

    model = read_model_from_bytearray(bytearray(Path(job.source).read_bytes()))
    for code in model.operatorCodes:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
    signatures = model.signatureDefs or []
    if len(signatures) > 1:
        raise RefusedError(f"it has {len(signatures)} signatures: export each as a file of its own to quantise it")
    if not signatures:
        model.signatureDefs = [_signature(model.subgraphs[0])]
    return bytes(convert_object_to_bytearray(model)), model.signatureDefs[0]


def _signature(graph: Untyped) -> Untyped:
    from ai_edge_litert.schema_py_generated import SignatureDefT, TensorMapT

    def ports(prefix: str, numbers: Untyped) -> list[Untyped]:
        made = []
        for index, number in enumerate(numbers):
            port = TensorMapT()
            port.name, port.tensorIndex = f"{prefix}{index}".encode(), int(number)
            made.append(port)
        return made

    signature = SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = _SIGNATURE.encode(), 0
    signature.inputs, signature.outputs = ports("input_", graph.inputs), ports("output_", graph.outputs)
    return signature


def _calibration_samples(job: QuantizeJob, signature: Untyped) -> list[dict[str, Untyped]]:
    """Calibration samples, keyed by the signature's input names."""
    model = LiteRTModel(job.source)
    samples = _samples(job, model)
    names = {int(port.tensorIndex): _text(port.name) for port in signature.inputs}
    if set(names) != set(model.input_numbers):
        raise RefusedError("its signature does not name all of its inputs")
    most = min(len(samples), job.most_samples)
    keyed = [names[number] for number in model.input_numbers]
    return [dict(zip(keyed, samples.sample(index), strict=True)) for index in range(most)]


def _samples(job: QuantizeJob, model: LiteRTModel) -> Samples:
    if job.samples is None:
        return random_samples(model.inputs, count=job.made_up, seed=job.seed)
    try:
        return read_samples(job.samples, model.inputs)
    except BadSamplesError as error:
        raise BadSamplesError(f"the samples {job.samples} do not fit: {error}") from error


def _text(value: Untyped) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
