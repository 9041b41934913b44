"""Where factories that were written before ``from harness import load_dataset`` find it."""

from harness.pipeline.model.data import load_dataset

__all__ = ["load_dataset"]
