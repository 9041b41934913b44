"""A spoken clip as a keyword network takes it, and its answer. Sent to boards: numpy only, Python 3.7 and later.

The features of MLPerf Tiny's keyword spotting (github.com/mlcommons/tiny, training/keyword_spotting): of one second
at 16 kHz, scaled by its highest sample, 49 frames of 30 ms every 20 ms under a Hann window; 40 mel bands of
20..4000 Hz; ten mel-frequency cepstral coefficients.
"""

from __future__ import annotations

import numpy as np

RATE = 16000
FRAME, STEP, FFT = 480, 320, 512
BANDS, LOWEST_HZ, HIGHEST_HZ = 40, 20.0, 4000.0
COEFFICIENTS = 10
FLOOR = 1e-6


def preprocess(raw: np.ndarray) -> np.ndarray:
    """A clip of int16 samples, one channel; the first second counts. float32 of shape (49, 10, 1)."""
    clip = np.zeros(RATE)
    clip[: min(RATE, len(raw))] = raw[:RATE]
    peak = clip.max()
    if peak > 0:
        clip /= peak
    starts = STEP * np.arange(1 + (RATE - FRAME) // STEP)
    frames = clip[starts[:, np.newaxis] + np.arange(FRAME)]
    spectra = np.abs(np.fft.rfft(frames * _HANN, FFT))
    cepstra: np.ndarray = np.log(spectra.dot(_MEL) + FLOOR).dot(_COSINES)
    return cepstra[..., np.newaxis].astype(np.float32)


def postprocess(outputs: list[np.ndarray]) -> dict[str, float]:
    """The class with the highest score, and the score."""
    scores = np.asarray(outputs[0]).ravel()
    best = int(np.argmax(scores))
    return {"class": best, "score": round(float(scores[best]), 3)}


def _mel(hertz: float | np.ndarray) -> np.ndarray:
    """HTK's mel scale."""
    mel: np.ndarray = 1127.0 * np.log(1.0 + np.asarray(hertz) / 700.0)
    return mel


def _bands() -> np.ndarray:
    """Triangles of equal width in mel, as weights (bins, bands); the constant part of a frame has none."""
    bins = _mel(np.linspace(0.0, RATE / 2.0, FFT // 2 + 1))[:, np.newaxis]
    edges = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights: np.ndarray = np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    weights[0] = 0.0
    return weights


def _cosines() -> np.ndarray:
    """The type-II cosine transform, scaled by sqrt(2 / bands) for all coefficients alike, as HTK does."""
    band = np.arange(BANDS)[:, np.newaxis] + 0.5
    cosines: np.ndarray = np.sqrt(2.0 / BANDS) * np.cos(np.pi / BANDS * band * np.arange(COEFFICIENTS))
    return cosines


_HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
_MEL = _bands()
_COSINES = _cosines()
