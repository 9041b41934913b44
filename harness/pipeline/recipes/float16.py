"""float16: weights stored in half precision, computed in float32."""

from harness.pipeline.recipes.step import Conversion, FormatStep


def _configure(conversion: Conversion) -> None:
    """Store weights as float16; inputs and outputs stay float32."""
    tf = conversion.tensorflow
    conversion.converter.optimizations = [tf.lite.Optimize.DEFAULT]
    conversion.converter.target_spec.supported_types = [tf.float16]


STEP = FormatStep("float16", _configure)
