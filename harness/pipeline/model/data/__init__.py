"""Data sets by name, one file each, and from files of the user's own.

``DATASETS`` lists the names. A new data set is one file with a ``load`` and its entry in ``data_words.py``. Benchmarks
check names when they are collected, so what only building needs loads when it is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from harness.pipeline.model.data.data_words import DATASETS, check_data_word

if TYPE_CHECKING:
    from harness.pipeline.model.data.fingerprint import data_fingerprint
    from harness.pipeline.model.data.load import load_dataset

__all__ = ["DATASETS", "check_data_word", "data_fingerprint", "load_dataset"]

_LATER = {"data_fingerprint": "fingerprint", "load_dataset": "load"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute can be anything
    if name in _LATER:
        return getattr(importlib.import_module(f"harness.pipeline.model.data.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
