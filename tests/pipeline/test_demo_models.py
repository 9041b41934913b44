"""The models that are shipped with the demo are those that this package's zoo makes."""

import pytest
from support.kept_cache import kept_cache

from harness.cli.demo import MODELS
from harness.pipeline import Builder, candidates_from_paths, inspect_file
from harness.pipeline.check.inspection.model_file import ModelInfo


def shape(info: ModelInfo) -> tuple[object, ...]:
    """What does not depend on the weights, which another processor or TensorFlow trains to other values."""
    tensors = [(one.shape, one.dtype) for one in (*info.inputs, *info.outputs)]
    return info.size_bytes, info.inside.macs, info.inside.operators, tensors


@pytest.mark.parametrize("recipe", ["float32", "int8"])
def test_the_zoo_makes_the_demo_s_models(recipe: str) -> None:
    (candidate,) = candidates_from_paths(["kws_ds_cnn"], recipes=[recipe])
    with Builder(cache_dir=kept_cache()) as builder:
        made = builder.build(candidate)
    shipped = MODELS / f"keyword_spotting_{recipe}.tflite"
    assert shape(inspect_file(shipped)) == shape(inspect_file(made.local_path))
