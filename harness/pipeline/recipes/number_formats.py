"""The number formats a recipe may end with: one row each says how TensorFlow Lite's converter is set.

They differ in values, not in code, so they are one table. A new format is a row: a .tflite file is quantised by it too.
"""

from typing import Final

from harness.pipeline.recipes.step import NumberFormat

FLOAT32: Final = NumberFormat("float32", optimized=False)
"""Converted as trained."""

NUMBER_FORMATS: Final = (
    FLOAT32,
    # Weights stored in half precision, computed in float32; inputs and outputs stay float32.
    NumberFormat("float16", weights="float16"),
    # Weights stored in int8, activations quantised while the model runs; inputs and outputs stay float32.
    NumberFormat("dynamic_int8"),
    # Weights, activations, inputs and outputs in int8.
    NumberFormat("int8", operators="TFLITE_BUILTINS_INT8", ports="int8", whole=True, activation_bits=8),
    # Weights and activations in int8; inputs and outputs stay float32.
    NumberFormat("int8_float_io", operators="TFLITE_BUILTINS_INT8", activation_bits=8),
    # Weights in int8, everything else in int16: for networks that lose too much in eight bits. XNNPACK takes none of
    # it, so that it is slow.
    NumberFormat(
        "int16x8",
        operators="EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8",
        ports="int16",
        whole=True,
        activation_bits=16,
    ),
)
MOST_CALIBRATED: Final = 500
"""Samples that set the ranges of integers, at most."""
