"""A board measured against itself: two files of one model that differ in bytes which no runtime reads."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from harness.gates import Limit, parse_limits
from harness.pipeline import candidates_from_paths
from harness.records.candidate import Candidate
from harness.records.errors import UsageError
from harness.records.settings import Settings

MODEL: Final = Path(__file__).with_name("selftest_model.tflite")
"""kws_ds_cnn/int8 of this package's zoo, seed 0: a small network of convolutions, 2.7 million multiply-accumulates."""
_UNUSED: Final = b"\0" * 16
"""Behind the end of a flatbuffer, which is read from offsets at its beginning."""


@dataclass(frozen=True)
class SelfTest:
    """What is measured against what, and the limit that only a difference breaks."""

    candidate: Candidate
    settings: Settings
    limits: tuple[Limit, ...]


@contextmanager
def self_test(model: Path, settings: Settings, *, limit: str) -> Iterator[SelfTest]:
    """The test of a model against its copy, which lies in a folder that goes afterwards.

    Raises UsageError for a file that is no .tflite, BudgetsError for a limit that is none.
    """
    limits = parse_limits({"latency_p50_regression": limit}, origin="--limit")
    if model.suffix != ".tflite" or not model.is_file():
        raise UsageError(f"{model}: expected a .tflite file to measure against its copy")
    with tempfile.TemporaryDirectory(prefix="edge-harness-selftest-") as folder:
        copy = Path(folder) / model.name
        copy.write_bytes(model.read_bytes() + _UNUSED)
        candidate = candidates_from_paths([str(model)])[0]
        yield SelfTest(candidate, replace(settings, baseline=str(copy), trials=None), limits)
