"""A whole aarch64 Debian under QEMU: proves that a benchmark runs on an ARM board, never how fast."""

from harness.testing.emulated.emulated_board import EmulatedBoard, stop_board
from harness.testing.emulated.image import Image, build_image

__all__ = ["EmulatedBoard", "Image", "build_image", "stop_board"]
