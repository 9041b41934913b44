"""What a live line shows while a board works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One step: the device, what is going on, trial ``done`` of ``total`` (0: not counted), and seconds left.

    ``seconds_left`` is an estimate from the blocks so far, None before there is one.
    """

    device: str
    what: str
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
