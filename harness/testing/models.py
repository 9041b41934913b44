"""How a simulated model behaves, and what happens to the board it runs on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.board import OutputCheck
from harness.records.metrics import TrialKind

OUTPUTS: dict[str, OutputCheck] = {
    "equal": OutputCheck(samples=100, bit_equal=True, nonfinite=0, top1_agree=100, sqnr_db=None, max_error=0.0),
    "close": OutputCheck(samples=100, bit_equal=False, nonfinite=0, top1_agree=100, sqnr_db=41.5, max_error=0.004),
    "wrong": OutputCheck(samples=100, bit_equal=False, nonfinite=0, top1_agree=71, sqnr_db=3.1, max_error=0.9),
    "nan": OutputCheck(samples=100, bit_equal=False, nonfinite=12, top1_agree=88, sqnr_db=-300.0, max_error=1.0),
}
"""What a check trial says, by the words a SimulatedModel takes."""


ANSWERS = ('"cat"', '"dog"')
"""What postprocess answers for two raw samples, on the simulated board and in ``make_stages``."""


@dataclass(frozen=True)
class SimulatedModel:
    """A model's behaviour.

    ``latency_s`` is the median of one inference; ``between_sd`` and ``within_sd`` are the relative spreads from
    process to process and inside one; ``drift`` is the relative slowing from each trial to the next.
    ``deaths`` gives reasons by trial index or by kind. ``outputs`` is a key of OUTPUTS or a check of one's own.
    ``preprocess_s``, ``postprocess_s`` and ``answers`` (JSON texts) are what stages trials bring beside the model's
    own latency.
    """

    latency_s: float = 0.004
    between_sd: float = 0.01
    within_sd: float = 0.02
    drift: float = 0.0
    init_s: float = 0.003
    first_factor: float = 1.5
    memory_bytes: int = 2_000_000
    utilisation: float | None = 0.25
    outputs: str | OutputCheck = "equal"
    preprocess_s: float = 0.002
    postprocess_s: float = 0.0005
    answers: tuple[str, ...] = ANSWERS
    deaths: Mapping[int | TrialKind, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BoardState:
    """What the board is like from a second on, until the next one: heat, throttling, clock, and its slowing factor."""

    from_s: float = 0.0
    temp_c: float | None = 45.0
    throttled: int | None = 0
    freq_khz: int | None = 1_500_000
    slowdown: float = 1.0
