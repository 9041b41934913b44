"""dynamic_int8: weights in int8, activations quantised while running."""

from harness.pipeline.recipes.step import Conversion, FormatStep


def _configure(conversion: Conversion) -> None:
    """Quantise weights to int8; inputs and outputs stay float32."""
    conversion.converter.optimizations = [conversion.tensorflow.lite.Optimize.DEFAULT]


STEP = FormatStep("dynamic_int8", _configure)
