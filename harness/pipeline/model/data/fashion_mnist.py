"""fashion_mnist: 70,000 pictures of clothes, 28 x 28 grey levels, ten classes (arXiv:1708.07747)."""

from typing import Final

import numpy as np

from harness.pipeline.model.data.fetching import found_or_fetched
from harness.pipeline.model.data.idx_files import read_idx
from harness.pipeline.model.data.pictures import pictures
from harness.pipeline.model.data.published import FASHION_MNIST
from harness.pipeline.model.data.wanted import Wanted
from harness.pipeline.model.dataset import Dataset
from harness.records.errors import BuildError

CLASSES: Final = 10
_SIDE: Final = 28


def load(wanted: Wanted) -> Dataset:
    """Inputs (n, 28, 28, 1) in 0..1 and labels 0..9; its own 10,000 test samples. Raises BuildError."""
    found = found_or_fetched(FASHION_MNIST)
    read = {}
    for part in ("train", "t10k"):
        images = read_idx(found.path(f"{part}-images-idx3-ubyte.gz"), sizes=(_SIDE, _SIDE))
        labels = read_idx(found.path(f"{part}-labels-idx1-ubyte.gz"), sizes=())
        if len(labels) != len(images) or labels.max() >= CLASSES:
            raise BuildError(f"{found.folder}: the {part} labels are not {len(images)} classes 0 to {CLASSES - 1}")
        read[part] = (images, labels.astype(np.int64))
    return pictures("Fashion-MNIST", train=read["train"], test=read["t10k"], wanted=wanted)
