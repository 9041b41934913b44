"""A pytest-style benchmarking harness for neural networks on edge devices.

``candidates`` is what a benchmark file imports; everything else is reached by
pytest's fixtures and by the command ``harness``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.pipeline.candidates import candidates as candidates

__all__ = ["candidates"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute can be anything
    # Lazy, so that `harness --help` and every pytest of an environment start without it.
    if name == "candidates":
        from harness.pipeline.candidates import candidates

        return candidates
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
