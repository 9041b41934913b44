"""A check trial: a board's outputs compared with the expected ones."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from edge_agent import inputs
from edge_agent.interpreters import TensorDetails, TrialFailedError
from edge_agent.model import BoardModel
from edge_agent.trial_setup import Numbers, Prepared, Setting, load_fed, read_samples

if TYPE_CHECKING:
    from edge_agent import spec
    from edge_agent.interfaces import Array

_ALL = 1 << 30

SQNR_CAP_DB = 300.0
"""Stands for an error of zero in outputs that are not the same bits (0.0 and -0.0), which has no finite ratio."""

_MOST_ERROR = 1e30
"""No number of the protocol is larger; an output that is further off than this is wrong by any measure."""


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError.

    The samples in their order on a model that never ran: its variables start as they did on the host.
    """
    golden = setting.file(trial.expected)
    if golden is None:
        raise TrialFailedError("there are no expected outputs to check against")
    model, samples = load_fed(trial, setting, read_samples(trial, setting, _ALL))
    stored = trial.inputs is not None
    against = _OutputComparison(golden, model, len(samples) if stored else None)
    builtin = setting.file(trial.expected_builtin)
    other = None if builtin is None else _OutputComparison(builtin, model, len(samples) if stored else None)
    seconds = []
    for at, sample in enumerate(samples):
        model.feed(sample)
        seconds.append(model.first_invoke())
        results = model.written_results()
        for comparison in filter(None, (against, other)):
            comparison.add(at, results)
    checks = {"check": against.summary(), "check_builtin": None if other is None else other.summary()}
    return {**Prepared(model, samples, seconds[0]).account(), "n": len(samples), **checks}


class _OutputComparison:
    """A model's outputs against one file of expected ones, sample by sample."""

    def __init__(self, path: Path, model: BoardModel, samples: Optional[int]) -> None:
        self._expected = inputs.read_samples(path, "o", _ALL)
        self._tallies = [OutputTally(tensor, at) for at, tensor in enumerate(model.outputs)]
        outputs = len(self._expected[0])
        if outputs != len(self._tallies) or samples not in (None, len(self._expected)):
            raise TrialFailedError(
                "expected are %d outputs of %d samples, here are %d of %d"
                % (outputs, len(self._expected), len(self._tallies), samples or 1)
            )
        self._samples = 0

    def add(self, at: int, results: List[Array]) -> None:
        """Take the results for one sample in."""
        self._samples += 1
        for tally, obtained, wanted in zip(self._tallies, results, self._expected[at]):
            tally.add(obtained, wanted)

    def summary(self) -> Numbers:
        """The OutputCheck record."""
        return summary(self._tallies, self._samples)


class OutputTally:
    """One output over all samples: sums of squares, the largest error, what is not finite."""

    def __init__(self, tensor: TensorDetails, position: int) -> None:
        self._tensor = tensor
        self._position = position
        self.same_bits = True
        self.nonfinite = 0
        self.agree: Optional[int] = None
        self._signal = self._noise = self._worst = 0.0
        self._low, self._high = math.inf, -math.inf
        self._lost = False
        self._steps: Optional[int] = 0 if tensor.scale else None

    def add(self, obtained: Array, expected: Array) -> None:
        """Take one sample in; raises TrialFailedError if the shapes differ."""
        if obtained.shape != expected.shape:
            raise TrialFailedError(
                "output %d has shape %s, expected %s" % (self._position, obtained.shape, expected.shape)
            )
        same = obtained.dtype == expected.dtype and obtained.tobytes() == expected.tobytes()
        self.same_bits = self.same_bits and same
        if obtained.size == 0 or obtained.dtype.kind in "SO" or expected.dtype.kind in "SO":
            self._lost = self._lost or obtained.tolist() != expected.tolist()
            return
        self._compare(self._real(obtained), self._real(expected))
        if self._steps is not None and obtained.size and obtained.dtype.kind in "iu":
            apart = abs(obtained.astype("int64") - expected.astype("int64")).max()
            self._steps = max(self._steps, int(apart))
        if obtained.size > 1:
            self.agree = (self.agree or 0) + int(obtained.argmax() == expected.argmax())

    def _real(self, value: Array) -> Array:
        import numpy as np

        real = value.astype(np.complex128 if value.dtype.kind == "c" else np.float64)
        if value.dtype.kind in "iu" and self._tensor.scale:
            real = (real - self._tensor.zero_point) * self._tensor.scale
        return real

    def _compare(self, obtained: Array, expected: Array) -> None:
        import numpy as np

        finite = np.isfinite(obtained) & np.isfinite(expected)
        self.nonfinite += int(np.count_nonzero(~np.isfinite(obtained)))
        self._lost = self._lost or bool(np.any(np.isfinite(expected) & ~finite))
        right = expected[finite]
        error = np.abs(obtained[finite] - right)
        if right.size == 0:
            return
        self._signal += float(np.sum(np.abs(right) ** 2))
        self._noise += float(np.sum(error**2))
        self._worst = max(self._worst, float(error.max()))
        self._low = min(self._low, float(right.real.min()))
        self._high = max(self._high, float(right.real.max()))

    def max_error(self) -> float:
        """Largest error over the expected range; 1 where a value is lost (not finite, or another text)."""
        if self._lost or self._high < self._low:
            return 1.0 if self._lost else 0.0
        span = (self._high - self._low) or max(abs(self._high), abs(self._low)) or 1.0
        return self._worst / span

    def max_steps(self) -> Optional[int]:
        """Largest error in steps of the quantisation; None for an output that is not quantised as a whole."""
        return self._steps

    def sqnr_db(self) -> float:
        """10 log10(signal power / error power), within plus and minus the cap."""
        if self._lost:
            return -SQNR_CAP_DB
        if self._noise == 0.0:
            return SQNR_CAP_DB
        if self._signal == 0.0:
            return -SQNR_CAP_DB
        ratio = 10.0 * (math.log10(self._signal) - math.log10(self._noise))
        return max(-SQNR_CAP_DB, min(SQNR_CAP_DB, ratio))


def summary(tallies: List[OutputTally], samples: int) -> Dict[str, Any]:
    """The OutputCheck record over all outputs; the worst output counts."""
    equal = all(tally.same_bits for tally in tallies)
    steps = [tally.max_steps() for tally in tallies]
    known = [step for step in steps if step is not None]
    return {
        "samples": samples,
        "bit_equal": equal,
        "nonfinite": sum(tally.nonfinite for tally in tallies),
        "top1_agree": tallies[0].agree if tallies else None,
        "sqnr_db": None if equal else min(tally.sqnr_db() for tally in tallies),
        "max_error": min(max((tally.max_error() for tally in tallies), default=0.0), _MOST_ERROR),
        "max_steps": max(known) if known and len(known) == len(steps) else None,
    }
