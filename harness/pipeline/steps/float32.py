"""float32: converted as trained."""

from harness.pipeline.steps.step import Conversion, Step


def _configure(_conversion: Conversion) -> None:
    """Leave the converter as it is."""


STEP = Step("float32", "number_format", _configure)
