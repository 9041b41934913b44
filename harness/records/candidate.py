"""Candidates: what users ask to be measured. Without pydantic, since every collection of benchmarks imports this."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

Argument = str | int | float | bool | None
"""What a model's factory can be given: a number, a text, a truth, nothing."""
CandidateKind = Literal["zoo", "factory", "keras", "saved_model", "tflite", "opaque"]
BUILT_KINDS: Final = frozenset({"zoo", "factory", "keras", "saved_model"})
"""Kinds that TensorFlow makes a .tflite file of."""
OF_THE_DATASET: Final = "dataset"
"""As ``Candidate.stages``: the data set's own preprocessing."""


@dataclass(frozen=True)
class OwnMetric:
    """What a user scores models by in place of top-1: a function of theirs, and what its figure is called.

    ``function`` is "module:function". ``unit`` "1" is a fraction, shown in per cent; any other is shown as it stands.
    """

    function: str
    name: str
    unit: str = "1"
    better: Literal["lower", "higher"] = "higher"

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True}
    """For the records that hold one: they are read strictly."""


@dataclass(frozen=True)
class Candidate:
    """One thing to measure: a source and, for sources that are built, a recipe.

    ``source`` is a zoo name, "module:function", or an absolute path; ``kind`` says which. ``arguments`` are given
    to the factory, sorted by name. ``recipe`` is None for a .tflite file measured as it is. ``base_dir`` is the
    folder of the calling file, from which modules of "module:function" and relative paths in arguments are found.
    ``weights`` is a file that takes the place of training. ``data`` names the data set of a Keras file, a SavedModel
    or a .tflite file, as ``check_data_word`` takes it. ``samples`` is an optional .npz or .npy with real inputs.
    ``signature`` is the one that is measured of a .tflite file or SavedModel that has several.
    ``stages`` is a numpy-only file with preprocess and postprocess, shipped with the model. All paths are absolute.
    ``metric`` takes the place of top-1; its module is found as that of "module:function".
    str() is "name/recipe", or the name alone for a file as given.
    """

    name: str
    kind: CandidateKind
    source: str
    recipe: str | None = None
    base_dir: str | None = None
    arguments: tuple[tuple[str, Argument], ...] = field(default=())
    weights: str | None = None
    data: str | None = None
    samples: str | None = None
    stages: str | None = None
    signature: str | None = None
    metric: OwnMetric | None = None

    def __str__(self) -> str:
        return f"{self.name}/{self.recipe}" if self.recipe else self.name
