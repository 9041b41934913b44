"""Exceptions of libraries and of users' code, on one line."""

import re
import traceback
from pathlib import Path

from harness.pipeline.source_hashes import is_installed
from harness.records.text import shorten

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""What Keras puts around the first words of its messages, for terminals."""
_CAUSE = "Exception encountered: "
"""What Keras writes after a model's whole configuration, before what went wrong..."""
_BEYOND_THE_CAUSE = ("Full object config: ", "Arguments received by ")
"""...and after it."""


def describe_exception(error: BaseException) -> str:
    """An exception's type and message, on one line of a readable length."""
    text = _COLOUR.sub("", str(error))
    cause = text.rpartition(_CAUSE)[2]
    for beyond in _BEYOND_THE_CAUSE:
        cause = cause.partition(beyond)[0]
    line = shorten(cause if cause.strip() else text)
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def describe_place(error: BaseException) -> str:
    """The last line of the user's own that an exception came through; "" where it came through none."""
    steps = [step for step in traceback.extract_tb(error.__traceback__) if Path(step.filename).is_file()]
    mine = [step for step in steps if not is_installed(Path(step.filename))]
    return f" ({mine[-1].filename}, line {mine[-1].lineno})" if mine else ""
