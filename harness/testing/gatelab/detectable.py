"""``python -m harness.testing.gatelab.detectable``: whether "would have caught d with 95 %" is so, noise by noise.

Sessions in which nothing changed tell their d as a run does. The true chance of a FAIL is that of many other sessions
with a slowdown of that size.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from harness.records.entry import TrialSummary
from harness.records.limit_test import LimitTest
from harness.stats.limit_test import run_limit_test
from harness.testing.gatelab.noise import parse_noise
from harness.testing.gatelab.sessions import Experiment, draw_trials, run_experiment
from harness.testing.gatelab.trial_summaries import trial_summary

Array = NDArray[np.float64]

NOISES: Final = (
    "iid",
    "ar1",
    "modes",
    "modes:share_base=0.5,share_candidate=0.5,step=4",
    "tails:kind=lognormal",
    "tails:kind=t2",
    "tails:kind=outliers",
)
_SLOWDOWNS: Final = np.linspace(0.0202, 0.1, 40)
_LEVEL_S: Final = 0.004


app = typer.Typer(add_completion=False)


@app.command()
def print_detectable(
    sessions: Annotated[int, typer.Option(min=20, help="sessions in which nothing changed")] = 400,
    truths: Annotated[int, typer.Option(min=100, help="sessions for each size of a slowdown")] = 2000,
    metrics: Annotated[list[int] | None, typer.Option(min=1, help="limits a session (default: 1 and 100)")] = None,
    noise: Annotated[list[str] | None, typer.Option(metavar="NAME[:key=value,...]")] = None,
) -> None:
    """One line of JSON for each noise and number of limits; shares, and slowdowns in percent."""
    try:
        texts = [text for text in noise or NOISES if parse_noise(text)]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--noise") from None
    for text in texts:
        for count in metrics or (1, 100):
            what = Experiment(text, sessions, count, count, limit=0.02, slowdown=0.0)
            sys.stdout.write(json.dumps(detectable(what, truths)) + "\n")
            sys.stdout.flush()


def detectable(what: Experiment, truths: int) -> dict[str, Any]:
    """What sessions tell that they would have caught (``told``), beside what is caught with the chance 1 - miss.

    ``kept`` is the share of the sessions that told no less than that.
    """
    logs, outside = draw_trials(what)
    told = np.array([_told(what, _trials(one, outside)) for one in logs])
    powers = [_power(what, float(slowdown), truths) for slowdown in _SLOWDOWNS]
    caught = float(np.interp(1.0 - what.miss, np.maximum.accumulate(powers), _SLOWDOWNS))
    return {
        "noise": what.noise,
        "metrics": what.metrics,
        "sessions": what.sessions,
        "caught": 100.0 * caught,
        "told": 100.0 * float(np.median(told)),
        "kept": float(np.mean(told >= caught)),
    }


def _told(what: Experiment, trials: Sequence[TrialSummary]) -> float:
    question = LimitTest(
        metric="latency_p50", better="lower", limit=what.limit, relative=True, alpha=what.alpha / what.metrics,
        miss=what.miss, most_blocks=what.max_blocks,
    )  # fmt: skip
    told = run_limit_test(question, trials).detectable
    return -np.inf if told is None else told


def _power(what: Experiment, slowdown: float, truths: int) -> float:
    """The chance that one limit of so many fails at a slowdown, by other sessions of that one limit."""
    alone = replace(
        what, sessions=truths, metrics=1, slow_metrics=1, slowdown=slowdown, alpha=what.alpha / what.metrics, seed=1
    )
    return run_experiment(alone).verdicts["fail"] / truths


def _trials(logs: Array, outside: NDArray[np.bool_]) -> list[TrialSummary]:
    made = []
    for block, (four, candidate_outside) in enumerate(zip(logs, outside, strict=True)):
        outer, inner = ("candidate", "baseline") if candidate_outside else ("baseline", "candidate")
        for arm, one in zip((outer, inner, inner, outer), four, strict=True):
            made.append(trial_summary(arm, block, _LEVEL_S * float(np.exp(one))))
    return made


if __name__ == "__main__":
    app()
