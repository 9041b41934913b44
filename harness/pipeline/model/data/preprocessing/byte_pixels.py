"""Pixels as bytes, for a network whose input is of bytes.

Sent to boards as it is: numpy only, Python 3.7 and later.
"""

from __future__ import annotations

import numpy as np


def preprocess(raw: np.ndarray) -> np.ndarray:
    """One picture of bytes, (height, width) or (height, width, channels), as bytes with channels."""
    pixels = np.asarray(raw)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def postprocess(outputs: list[np.ndarray]) -> dict[str, float]:
    """The class with the highest score, and the score."""
    scores = np.asarray(outputs[0]).ravel()
    best = int(np.argmax(scores))
    return {"class": best, "score": round(float(scores[best]), 3)}
