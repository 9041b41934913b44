"""Types for the checker alone: nothing here exists while the agent runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Dict, List, Protocol, Sequence

    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]
    Details = Dict[str, Any]

    class Interpreter(Protocol):
        """What we use of the runtimes' interpreters, which are alike."""

        def allocate_tensors(self) -> None:
            """Prepare for invoking."""

        def invoke(self) -> None:
            """Run one inference."""

        def get_input_details(self) -> List[Details]:
            """The inputs' names, shapes, types."""

        def get_output_details(self) -> List[Details]:
            """The outputs' names, shapes, types."""

        def set_tensor(self, tensor_index: int, value: Array) -> None:
            """Copy an input in."""

        def get_tensor(self, tensor_index: int) -> Array:
            """Copy an output out."""

        def resize_tensor_input(self, input_index: int, tensor_size: Sequence[int]) -> None:
            """Give an input another shape."""
