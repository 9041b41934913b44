"""What a recipe step is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Conversion:
    """A TensorFlow Lite converter being set up, and what integer steps calibrate it with."""

    tensorflow: Any
    """The tensorflow module: steps must not import it at the top of their files."""
    converter: Any
    calibration: Callable[[], Iterator[dict[str, Any]]]
    """Gives one-sample inputs (numpy arrays), keyed by the signature's input names."""


@dataclass(frozen=True)
class Step:
    """One word of a recipe.

    ``model`` steps take and return a Keras model, before it is exported; ``number_format`` steps set up the
    converter, and a recipe has at most one. ``takes_argument`` says whether it is written "name(argument)".
    """

    name: str
    stage: Literal["model", "number_format"]
    apply: Callable[..., Any]
    takes_argument: bool = False
