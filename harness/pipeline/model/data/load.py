"""From a word to a data set. Loaders are imported when they are asked for, as they bring numpy."""

from importlib import import_module
from typing import TYPE_CHECKING

from harness.pipeline.model.data.data_words import DATASETS, UserDataWord, parse_data_word
from harness.pipeline.model.dataset import DataRequest, Pixels
from harness.records.errors import BuildError, CandidateSpecError

if TYPE_CHECKING:
    from harness.pipeline.model.dataset import Dataset, Score


def load_dataset(  # noqa: PLR0913 - what decides a data set, by keyword
    word: str,
    *,
    shape: tuple[int, ...] | None,
    classes: int | None,
    score: "Score" = "top1",
    base_dir: str | None = None,
    seed: int = 0,
    dtype: str = "float32",
    pixels: Pixels = "scaled",
) -> "Dataset":
    """The data set that a word stands for: a name of ``DATASETS``, or the path of a .npz or of a folder.

    ``shape`` (one sample's), ``classes`` and ``score`` are what the model would like: synthetic data is made so,
    real data comes as it is. Inputs are float32, labels int64; where ``dtype`` names integers, whole numbers stay what
    they are. ``pixels`` says what pictures are brought to: "scaled" to 0..1, "bytes" 0..255 for a model that scales
    them itself. ``seed`` deals samples to the parts where the data set does not do so itself. Raises BuildError, one
    line, for what is not there or cannot serve.
    """
    try:
        parsed = parse_data_word(word, base_dir)
    except CandidateSpecError as error:
        raise BuildError(str(error)) from error
    wanted = DataRequest(shape=shape, classes=classes, score=score, seed=seed, dtype=dtype, pixels=pixels)
    dataset: Dataset
    if isinstance(parsed, UserDataWord):
        dataset = import_module("harness.pipeline.model.data.user_data").load(parsed.path, wanted)
    else:
        dataset = import_module(DATASETS[parsed.name].loader).load(wanted, **dict(parsed.arguments))
    return dataset
