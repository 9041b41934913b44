"""A scanned digit as a picture network takes it, and its answer. Sent to boards: numpy only, Python 3.7 and later."""

from __future__ import annotations

import numpy as np

BRIGHTEST = 16


def preprocess(raw: np.ndarray) -> np.ndarray:
    """One scan of 8 x 8 grey levels 0..16 as float32 in 0..1, (8, 8, 1)."""
    return (np.asarray(raw)[..., np.newaxis] / BRIGHTEST).astype(np.float32)


def postprocess(outputs: list[np.ndarray]) -> dict[str, float]:
    """The digit, and its score."""
    scores = np.asarray(outputs[0]).ravel()
    digit = int(np.argmax(scores))
    return {"digit": digit, "score": round(float(scores[digit]), 3)}
