"""int8: weights, activations, inputs and outputs in int8, calibrated."""

from harness.pipeline.recipes.step import Conversion, FormatStep


def _configure(conversion: Conversion) -> None:
    """Quantise everything to int8, with ranges from the calibration part."""
    tf, converter = conversion.tensorflow, conversion.converter
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = conversion.calibration
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8


STEP = FormatStep("int8", _configure, whole=True, calibrated=True)
