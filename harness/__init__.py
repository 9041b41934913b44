"""A pytest-style benchmarking harness for neural networks on edge devices.

The names of ``__all__``, the package ``harness.testing``, pytest's fixture ``bench`` with its markers and options, and
the command ``harness`` are what others may rely on; docs/api.md describes them. All else may change at any time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.pipeline.builder.build import Builder as Builder
    from harness.pipeline.candidates.make_candidates import candidates as candidates
    from harness.pipeline.check.inspection.model_file import inspect_file as inspect_file
    from harness.pipeline.model.data.load import load_dataset as load_dataset
    from harness.pipeline.model.dataset import Dataset as Dataset
    from harness.pipeline.model.dataset import Schedule as Schedule
    from harness.pipeline.model.dataset import TrainedModel as TrainedModel
    from harness.pipeline.model.dataset import UntrainedModel as UntrainedModel
    from harness.pipeline.recipes.recipe import Recipe as Recipe
    from harness.records.candidate import Candidate as Candidate
    from harness.records.entry import Entry as Entry
    from harness.records.errors import HarnessError as HarnessError
    from harness.records.status import Status as Status

    __version__: str

__all__ = [
    "Builder",
    "Candidate",
    "Dataset",
    "Entry",
    "HarnessError",
    "Recipe",
    "Schedule",
    "Status",
    "TrainedModel",
    "UntrainedModel",
    "__version__",
    "candidates",
    "inspect_file",
    "load_dataset",
]

_HOMES = {
    "Builder": "harness.pipeline.builder.build",
    "Candidate": "harness.records.candidate",
    "Dataset": "harness.pipeline.model.dataset",
    "Entry": "harness.records.entry",
    "HarnessError": "harness.records.errors",
    "Recipe": "harness.pipeline.recipes.recipe",
    "Schedule": "harness.pipeline.model.dataset",
    "Status": "harness.records.status",
    "TrainedModel": "harness.pipeline.model.dataset",
    "UntrainedModel": "harness.pipeline.model.dataset",
    "candidates": "harness.pipeline.candidates.make_candidates",
    "inspect_file": "harness.pipeline.check.inspection.model_file",
    "load_dataset": "harness.pipeline.model.data.load",
}


if not TYPE_CHECKING:  # so that a type checker refuses a name that is none of these

    def __getattr__(name: str) -> object:
        # Lazy, so that `harness --help` and every pytest of an environment start without them.
        if name in _HOMES:
            return getattr(import_module(_HOMES[name]), name)
        if name == "__version__":
            from importlib.metadata import version

            return version("edge-harness")
        raise AttributeError(f"module 'harness' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
