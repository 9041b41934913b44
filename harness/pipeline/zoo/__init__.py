"""Models that come with the harness, one file each.

``ZOO`` maps a name to the factory that makes it, as "module:function".
A new model is one file and its line here.
"""

from typing import Final

ZOO: Final[dict[str, str]] = {
    "digits_cnn": "harness.pipeline.zoo.digits_cnn:digits_cnn",
    "vww_mobilenet_v1": "harness.pipeline.zoo.vww_mobilenet_v1:vww_mobilenet_v1",
}

__all__ = ["ZOO"]
