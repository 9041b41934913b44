"""int8_float_io: weights and activations in int8, calibrated; inputs and outputs stay float32."""

from harness.pipeline.recipes.step import Conversion, FormatStep


def _configure(conversion: Conversion) -> None:
    """Quantise everything inside to int8, with ranges from the calibration part."""
    tf, converter = conversion.tensorflow, conversion.converter
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = conversion.calibration
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


STEP = FormatStep("int8_float_io", _configure, calibrated=True)
