"""Data sets by name, one file each, and from files of the user's own.

``DATASETS`` lists the names. A new data set is one file with a ``load`` and its entry in ``named.py``.
"""

from harness.pipeline.data.fingerprint import data_fingerprint
from harness.pipeline.data.loading import load_dataset
from harness.pipeline.data.named import DATASETS
from harness.pipeline.data.spelling import check_data_word

__all__ = ["DATASETS", "check_data_word", "data_fingerprint", "load_dataset"]
