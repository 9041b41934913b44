"""What the converter's long messages come to, in one line."""

import re
from typing import Final

from harness.pipeline.model.training.foreign import one_line

_LACKING: Final = re.compile(r"'tf\.(?P<operator>\w+)' op is neither a custom op nor a flex op")
_NOT_IN_THIS_FORMAT: Final = re.compile(r"not yet supported for op: '(?P<operator>\w+)'")
_PLACE: Final = re.compile(r'"(?P<path>[^"\s]+/[^"\s]+)@')
_ENDING: Final = re.compile(r"_\d+$")
_OPEN_LIST: Final = "element_shape"
_OVERFLOW: Final = "overflow"
_NO_CALIBRATION: Final = "representative_dataset"


def why_not_converted(error: BaseException) -> str:
    """The reason that a conversion failed: the operator and layer that TensorFlow Lite lacks, where that was it."""
    text = str(error)
    lacking = _LACKING.search(text)
    if lacking is not None:
        line = text[: lacking.start()].rsplit("\n", 1)[-1]
        where = f' in the layer "{layer}"' if (layer := _layer(line)) else ""
        return (
            f"TensorFlow Lite has no operator {lacking['operator']}, which is needed{where}: "
            "replace it by operators that it has"
        )
    if _OPEN_LIST in text:
        return (
            "a loop in it, such as a recurrent layer's, keeps tensors of an open batch: export it with a batch of one "
            "(keras.Input(batch_size=1)), or give the Keras file"
        )
    if _NO_CALIBRATION in text:
        return f"it has no calibration data, which integer recipes need: {one_line(error)}"
    if _OVERFLOW in text:
        return f"its activations overflow: {one_line(error)}: train the network and calibrate on real data"
    return f"it cannot be converted: {one_line(error)}"


def formats_lacking(error: BaseException) -> tuple[str, ...]:
    """The operators that the converter cannot quantise as asked, where it failed for that, each once."""
    return tuple(dict.fromkeys(_NOT_IN_THIS_FORMAT.findall(str(error))))


def _layer(location: str) -> str:
    """The layer's name in "model/layer/Operation"; a number that tracing added to every scope is taken off."""
    place = _PLACE.search(location)
    scopes = place["path"].split("/")[:-1] if place else []
    if not scopes:
        return ""
    traced = all(_ENDING.search(scope) for scope in scopes)
    return _ENDING.sub("", scopes[-1]) if traced else scopes[-1]
