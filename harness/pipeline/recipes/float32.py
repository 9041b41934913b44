"""float32: converted as trained."""

from harness.pipeline.recipes.step import Conversion, FormatStep


def _configure(_conversion: Conversion) -> None:
    """Leave the converter as it is."""


STEP = FormatStep("float32", _configure)
