"""A pytest-style benchmarking harness for neural networks on edge devices.

``candidates`` is what a benchmark file imports; everything else is reached by
pytest's fixtures and by the command ``harness``.
"""

from harness.pipeline.candidates import candidates

__all__ = ["candidates"]
