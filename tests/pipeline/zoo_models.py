"""Copied into a folder of the user's by tests of the zoo: models without their training, and what is told of them."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from harness.pipeline.model.dataset import TrainedModel, UntrainedModel
from harness.pipeline.model.job import ModelSource
from harness.pipeline.model.training.load_model import load_model
from harness.pipeline.model.zoo import ZOO
from harness.records.errors import BuildError

HERE = Path(__file__).parent


def untrained(name: str) -> TrainedModel:
    """A model of the zoo with weights as diverse as after training: zeros in common would be stored once."""
    made = _made(name)
    rng = np.random.default_rng(0)
    weights = made.model.get_weights()
    made.model.set_weights([rng.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else w for w in weights])
    return TrainedModel(made.model, made.dataset)


def _made(name: str, **arguments: Any) -> UntrainedModel:
    module, _, function = ZOO[name].partition(":")
    factory = getattr(__import__(module, fromlist=[function]), function)
    given = factory(**arguments)
    assert isinstance(given, UntrainedModel)
    return given


def resnet8() -> TrainedModel:
    return untrained("ic_resnet8")


def ds_cnn() -> TrainedModel:
    return untrained("kws_ds_cnn")


def mobilenet_v1() -> TrainedModel:
    return untrained("vww_mobilenet_v1")


def autoencoder() -> TrainedModel:
    return untrained("ad_autoencoder")


def told_of(name: str, **arguments: Any) -> dict[str, Any]:
    made = _made(name, **arguments)
    kernels = [layer for layer in made.model.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)]
    return {
        "input": made.model.input_shape[1:],
        "output": made.model.output_shape[1:],
        "parameters": made.model.count_params(),
        "layers": len(made.model.layers),
        "first": kernels[0].get_weights()[0].shape[-1],
        "data": made.dataset.name,
        "train": len(made.dataset.train_inputs),
        "epochs": made.schedule.epochs,
        "finite": bool(np.isfinite(made.model.predict(made.dataset.test_inputs[:2], verbose=0)).all()),
    }


def refusal(name: str, **arguments: Any) -> str:
    try:
        load_model(ModelSource(kind="factory", source=ZOO[name], label=name, arguments=arguments), seed=0)
    except BuildError as error:
        return str(error)
    return "nothing was refused"


def _answer(name: str, found: Any) -> Any:
    (HERE / f"{name}.json").write_text(json.dumps(found))
    x = keras.Input((2,))
    return keras.Model(x, keras.layers.Dense(1)(x))


def as_they_come() -> Any:
    return _answer("as_they_come", {name: told_of(name) for name in ZOO if not name.startswith("mobilenet_")})


def of_applications() -> Any:
    return _answer(
        "of_applications",
        {
            name: {
                "default": told_of(name),
                "small": told_of(name, width=0.5, size=64),
            }
            for name in ZOO
            if name.startswith("mobilenet_")
        },
    )


def half_as_wide() -> Any:
    return _answer(
        "half_as_wide", {name: told_of(name, width=0.5) for name in ZOO if not name.startswith("mobilenet_")}
    )


def hair_thin() -> Any:
    names = [name for name in ZOO if not name.startswith("mobilenet_")]
    return _answer("hair_thin", {name: told_of(name, width=0.001) for name in names})


def on_other_data() -> Any:
    np.savez(
        HERE / "rows.npz",
        train_x=np.random.default_rng(0).random((60, 12), dtype=np.float32),
        train_y=np.arange(60) % 3,
        test_x=np.random.default_rng(1).random((30, 12), dtype=np.float32),
        test_y=np.arange(30) % 3,
    )
    rows = str(HERE / "rows.npz")
    return _answer(
        "on_other_data",
        {
            "ic_resnet8": told_of("ic_resnet8", data="digits"),
            "kws_ds_cnn": told_of("kws_ds_cnn", data="digits"),
            "dense_net": told_of("dense_net", data=rows, units=10, depth=3),
            "rows for pictures": refusal("ic_resnet8", data=rows),
            "classes for anomalies": refusal("ad_autoencoder", data=rows),
            "pictures for anomalies": refusal("ad_autoencoder", data="digits"),
        },
    )


def wrong_arguments() -> Any:
    wrong = {
        "no width": ("ic_resnet8", {"width": 0}),
        "negative": ("kws_ds_cnn", {"width": -1.0}),
        "a truth": ("vww_mobilenet_v1", {"width": True}),
        "a word": ("ad_autoencoder", {"width": "half"}),
        "huge": ("digits_cnn", {"width": 1e9}),
        "no epochs": ("digits_cnn", {"epochs": 0}),
        "half an epoch": ("digits_cnn", {"epochs": 0.5}),
        "unknown": ("ic_resnet8", {"widht": 0.5}),
        "far off": ("dense_net", {"colour": "red"}),
        "data": ("ic_resnet8", {"data": "fashion_minst"}),
        "depth": ("dense_net", {"depth": -1}),
        "units": ("dense_net", {"units": 0}),
        "size": ("mobilenet_v2", {"size": 16}),
    }
    return _answer("wrong_arguments", {case: refusal(name, **given) for case, (name, given) in wrong.items()})
