"""Sessions of many metrics through the real judge, and how often it and others were wrong."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from math import log, log1p
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.stats.sequential import FAIL, PASS, Decision, decide, paired
from harness.stats.spending import boundaries
from harness.testing.gatelab.competitors import COMPETITORS, TRIALS_EACH
from harness.testing.gatelab.noise import NOISES

Array = NDArray[np.float64]

TRIALS_A_BLOCK: Final = 4
_METRICS_AT_ONCE: Final = 20_000
"""So that a trace of all of them stays well under a gigabyte."""
_CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Experiment:
    """What is simulated; ``limit`` and ``slowdown`` are shares (0.02 for 2 %)."""

    noise: str
    sessions: int
    metrics: int
    slow_metrics: int
    limit: float
    slowdown: float
    seed: int = 0
    alpha: float = 0.005
    miss: float = 0.05
    max_blocks: int = 130


@dataclass
class Outcome:
    """Counts over all sessions; ``blocks`` are sums, of the slow metrics and of the others."""

    experiment: Experiment
    sessions_failed: int = 0
    sessions_green: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    blocks_slow: int = 0
    blocks_others: int = 0
    competitors_failed: Counter[str] = field(default_factory=Counter)

    @property
    def upper95(self) -> float:
        """The upper end of a one-sided 95 % interval for the share of sessions that fail (Clopper-Pearson)."""
        from scipy.special import betaincinv

        failed, sessions = self.sessions_failed, self.experiment.sessions
        return 1.0 if failed == sessions else float(betaincinv(failed + 1, sessions - failed, _CONFIDENCE))

    def as_dict(self) -> dict[str, Any]:
        """What --json prints; shares are of sessions, blocks are means a metric."""
        what = self.experiment
        others = (what.metrics - what.slow_metrics) * what.sessions
        return {
            **asdict(what),
            "sessions_failed": self.sessions_failed,
            "sessions_green": self.sessions_green,
            "metrics_passed": self.verdicts["pass"],
            "metrics_failed": self.verdicts["fail"],
            "metrics_inconclusive": self.verdicts["open"],
            "blocks_mean": self.blocks_slow / (what.slow_metrics * what.sessions),
            "blocks_mean_others": self.blocks_others / others if others else None,
            "upper95": self.upper95,
            "competitors": {name: self.competitors_failed[name] for name in COMPETITORS},
        }


def run_experiment(what: Experiment) -> Outcome:
    """Simulate all sessions: the same seed gives the same outcome."""
    rng = np.random.default_rng(what.seed)
    outcome = Outcome(what)
    at_once = max(1, _METRICS_AT_ONCE // what.metrics)
    for begun in range(0, what.sessions, at_once):
        _run_some(what, min(at_once, what.sessions - begun), rng, outcome)
    return outcome


def _run_some(what: Experiment, sessions: int, rng: np.random.Generator, outcome: Outcome) -> None:
    rows = sessions * what.metrics
    trials = max(what.max_blocks * TRIALS_A_BLOCK, 2 * TRIALS_EACH)
    noise = NOISES[what.noise](rng, rows, trials)
    slow = np.tile(np.arange(what.metrics) < what.slow_metrics, sessions)
    shift = np.where(slow, log1p(what.slowdown), 0.0)
    _count(_decided(what, noise, shift), slow, outcome)
    for name, alarm in COMPETITORS.items():
        old, new = noise[:, :TRIALS_EACH], noise[:, TRIALS_EACH : 2 * TRIALS_EACH] + shift[:, np.newaxis]
        alarms = alarm(np.exp(old), np.exp(new)).reshape(sessions, what.metrics)
        outcome.competitors_failed[name] += int(alarms.any(axis=1).sum())


def _decided(what: Experiment, noise: Array, shift: Array) -> Decision:
    """The judge's decision, every metric at its share of alpha."""
    outside = _outer_places(what)
    logs = noise[:, : what.max_blocks * TRIALS_A_BLOCK].reshape(len(noise), what.max_blocks, TRIALS_A_BLOCK)
    candidate = np.where(outside[:, np.newaxis], [True, False, False, True], [False, True, True, False])
    logs = logs + shift[:, np.newaxis, np.newaxis] * candidate
    bounds = boundaries(what.alpha / what.metrics, what.miss, what.max_blocks, lost=2)
    return decide(paired(logs, outside), np.full(len(noise), log(1.0 + what.limit)), bounds)


def _outer_places(what: Experiment) -> NDArray[np.bool_]:
    """Whether the candidate has the outer places of a block: at random in each pair of blocks, once in either."""
    pairs = np.random.default_rng(what.seed).random(what.max_blocks // 2 + 1) < 0.5
    outer: NDArray[np.bool_] = np.column_stack([pairs, ~pairs]).ravel()[: what.max_blocks]
    return outer


def _count(decision: Decision, slow: NDArray[np.bool_], outcome: Outcome) -> None:
    verdicts = decision.verdicts.reshape(-1, outcome.experiment.metrics)
    outcome.sessions_failed += int((verdicts == FAIL).any(axis=1).sum())
    outcome.sessions_green += int((verdicts == PASS).all(axis=1).sum())
    failed, passed = int((verdicts == FAIL).sum()), int((verdicts == PASS).sum())
    outcome.verdicts.update({"fail": failed, "pass": passed, "open": verdicts.size - failed - passed})
    outcome.blocks_slow += int(decision.blocks[slow].sum())
    outcome.blocks_others += int(decision.blocks[~slow].sum())
