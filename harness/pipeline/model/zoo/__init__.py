"""Models that come with the harness, one file each.

``ZOO`` maps a name to the factory that makes it, as "module:function".
A new model is one file and its line here: the key of its trained weights then holds its own code alone.
"""

from typing import Final

ZOO: Final[dict[str, str]] = {
    "ic_resnet8": "harness.pipeline.model.zoo.ic_resnet8:ic_resnet8",
    "kws_ds_cnn": "harness.pipeline.model.zoo.kws_ds_cnn:kws_ds_cnn",
    "vww_mobilenet_v1": "harness.pipeline.model.zoo.vww_mobilenet_v1:vww_mobilenet_v1",
    "ad_autoencoder": "harness.pipeline.model.zoo.ad_autoencoder:ad_autoencoder",
    "mobilenet_v2": "harness.pipeline.model.zoo.mobilenet_v2:mobilenet_v2",
    "mobilenet_v3_small": "harness.pipeline.model.zoo.mobilenet_v3_small:mobilenet_v3_small",
    "digits_cnn": "harness.pipeline.model.zoo.digits_cnn:digits_cnn",
    "dense_net": "harness.pipeline.model.zoo.dense_net:dense_net",
}

__all__ = ["ZOO"]
