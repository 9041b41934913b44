"""What surrounds the digits model on a device: a scan of 8 x 8 grey levels 0..16 in, the digit with its score out.

This file is sent to the board beside the model, so it imports only numpy.
"""

from __future__ import annotations

import numpy as np

BRIGHTEST = 16.0


def preprocess(raw: np.ndarray) -> np.ndarray:
    """One scan as the model wants it: float32 in 0..1 with a channel. The harness quantises for integer models."""
    return (raw.reshape(8, 8, 1) / BRIGHTEST).astype(np.float32)


def postprocess(outputs: list[np.ndarray]) -> dict[str, float]:
    """The digit and how sure the model is of it."""
    scores = outputs[0].ravel()
    digit = int(np.argmax(scores))
    return {"digit": digit, "score": round(float(scores[digit]), 3)}
