"""int16x8: weights in int8, activations, inputs and outputs in int16, calibrated.

Sixteen bits are for networks that lose too much in eight; XNNPACK takes none of it, so that it is slow.
"""

from harness.pipeline.recipes.step import Conversion, FormatStep


def _configure(conversion: Conversion) -> None:
    """Quantise weights to int8 and activations to int16, with ranges from the calibration part."""
    tf, converter = conversion.tensorflow, conversion.converter
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = conversion.calibration
    converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
    converter.inference_input_type = tf.int16
    converter.inference_output_type = tf.int16


STEP = FormatStep("int16x8", _configure, whole=True, calibrated=True)
