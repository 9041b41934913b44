"""MobileNet from a BMP file to its five best labels, as a user writes it; tests put the labels in."""

import numpy as np

SIZE = 224
LABELS = []


def preprocess(raw):
    """224 x 224 RGB values in -1..1."""
    return (resize(decode_bmp(raw), SIZE) - 127.5) / 127.5


def decode_bmp(raw):
    """RGB pixels of an uncompressed 24-bit BMP file, which stores rows upwards and colours as BGR."""
    start, width, height = (int.from_bytes(raw[at : at + 4].tobytes(), "little") for at in (10, 18, 22))
    stride = (width * 3 + 3) // 4 * 4
    rows = raw[start : start + stride * height].reshape(height, stride)[::-1, : width * 3]
    return rows.reshape(height, width, 3)[:, :, ::-1]


def resize(image, size):
    """Bilinear, to size x size float32."""
    top, bottom, down = neighbours(image.shape[0], size)
    left, right, along = neighbours(image.shape[1], size)
    rows = image[top] * (1 - down)[:, None, None] + image[bottom] * down[:, None, None]
    return rows[:, left] * (1 - along)[None, :, None] + rows[:, right] * along[None, :, None]


def neighbours(length, size):
    """For each of ``size`` places: the pixel before, the one after, and how far it is towards that."""
    place = np.clip((np.arange(size, dtype=np.float32) + 0.5) * length / size - 0.5, 0, length - 1)
    before = place.astype(np.int64)
    return before, np.minimum(before + 1, length - 1), (place - before).astype(np.float32)


def postprocess(outputs):
    """The five best labels with their scores."""
    scores = outputs[0].ravel()
    best = np.argsort(-scores, kind="stable")[:5]
    return [[LABELS[i], float(scores[i])] for i in best]
