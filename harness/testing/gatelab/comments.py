"""``python -m harness.testing.gatelab.comments``: how many comments on changes that changed nothing show an arrow.

Both arms of every entry are drawn from the same noise, so that whatever a comment shows as changed is none. All that a
session does with trials is done here: they end when a limit of 2 % on p50 is answered, are compared and judged, and the
summary is the one that a pull request would get.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import log1p
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from harness.gates import judge, parse_limit
from harness.measure.arm_evidence import restate
from harness.measure.build_entry import ratios_of
from harness.measure.changed_metrics import with_changes
from harness.records.entry import BaselineRecord, Entry, Measurement, TrialMetrics, TrialSummary
from harness.records.metrics import METRICS
from harness.records.results import Results, Run
from harness.records.settings import Settings
from harness.records.status import Status
from harness.report.summary import summary
from harness.stats.sequential import decide, paired
from harness.stats.spending import boundaries
from harness.testing.builders import make_entry
from harness.testing.gatelab.noise import parse_noise
from harness.testing.gatelab.sessions import Experiment, draw_trials
from harness.testing.gatelab.trial_summaries import READS, trial_summary

Array = NDArray[np.float64]
_LIMIT: Final = "2 %"
_MEDIAN_S: Final = 0.001
_PAGES: Final = 9000
_MEMORY: Final = METRICS["peak_memory"].step
_KINDS: Final = ("p50", "p90", "mean", "first", "memory")
"""Figures of a process, each with noise of its own; throughput follows from the mean."""
_UNMEASURED: Final = [
    Measurement(metric=name, unit=METRICS[name].unit, better=METRICS[name].better, value=1.0)
    for name in ("latency_p50", "latency_p90", "latency_mean", "first_inference", "throughput", "peak_memory")
]
_ARROWS: Final = ("▲", "▼")


@dataclass(frozen=True)
class Comments:
    """What is simulated: so many comments of so many entries; ``slowdown`` is the true one of every figure."""

    noise: str
    comments: int
    entries: int
    max_blocks: int = 130
    slowdown: float = 0.0
    seed: int = 0


def simulate_comments(what: Comments) -> Iterator[str]:
    """The summaries, one a comment. Raises ValueError for a noise that is none."""
    return (summary(_results(entries)) for entries in simulate_entries(what))


def simulate_entries(what: Comments) -> Iterator[list[Entry]]:
    """The judged entries of each comment, each ratio with whether it changed."""
    settings = Settings(baseline="main")
    share = settings.alpha / what.entries
    for number in range(what.comments):
        kinds, outside = _draw(what, number)
        bounds = boundaries(share, settings.miss, what.max_blocks, processes=2, lost=2)
        blocks = decide(paired(kinds["p50"], outside), np.full(what.entries, log1p(0.02)), bounds).blocks
        entries = [
            _entry(f"model_{at}", {kind: logs[at, :count] for kind, logs in kinds.items()}, outside[:count], what)
            for at, count in enumerate(blocks.tolist())
        ]
        limits = [parse_limit("latency_p50_regression", _LIMIT, origin="the laboratory")]
        yield with_changes([judge(entry, limits, settings=settings, share=share) for entry in entries])


def _draw(what: Comments, number: int) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    """Logarithms of each kind of figure, (entries, blocks, 4), and which arm had the outer places."""
    rows = Experiment(
        what.noise, what.entries * len(_KINDS), 1, 1, 0.0, what.slowdown,
        seed=what.seed + number, max_blocks=what.max_blocks,
    )  # fmt: skip
    logs, outside = draw_trials(rows)
    return dict(zip(_KINDS, logs.reshape(len(_KINDS), what.entries, *logs.shape[1:]), strict=True)), outside


def _entry(name: str, kinds: dict[str, Array], outside: NDArray[np.bool_], what: Comments) -> Entry:
    trials, figures = [], []
    for block, outer in enumerate(outside.tolist()):
        arms = _arms(outer=outer)
        trials += [
            _trial(arm, block, {kind: float(logs[block, at]) for kind, logs in kinds.items()})
            for at, arm in enumerate(arms)
        ]
        figures += [_memory(arm, block, float(kinds["memory"][block, at])) for at, arm in enumerate(arms[:2])]
    own, before = (restate(_UNMEASURED, arm, trials, figures) for arm in ("candidate", "baseline"))
    base = BaselineRecord(
        given="main",
        state="measured",
        sentence="the same model, measured anew",
        measurements=before,
        ratios=ratios_of(trials, figures),
    )
    return make_entry(
        device="board",
        candidate=name,
        measurements=own,
        trials=trials,
        figures=figures,
        most_blocks=what.max_blocks,
        baseline=base,
    )


def _arms(*, outer: bool) -> tuple[str, ...]:
    first, second = ("candidate", "baseline") if outer else ("baseline", "candidate")
    return (first, second, second, first)


def _trial(arm: str, block: int, logs: dict[str, float]) -> TrialSummary:
    seconds = {kind: _MEDIAN_S * float(np.exp(log)) for kind, log in logs.items()}
    told = trial_summary(arm, block, seconds["p50"], quantiles={"p90": seconds["p90"]}, independent=READS)
    return told.model_copy(update={"mean_s": seconds["mean"], "first_inference_s": seconds["first"]})


def _memory(arm: str, block: int, log: float) -> TrialMetrics:
    """Whole pages, of which a hundredth of the noise of times moves some."""
    pages = round(_PAGES * float(np.exp(log / 100.0)))
    return TrialMetrics(kind="memory", arm=arm, block=block, values={"peak_memory": pages * _MEMORY})


def _results(entries: Sequence[Entry]) -> Results:
    run = Run(
        id="000000", created_at="2026-01-01T00:00:00Z", harness_version="0", commit=None, command="", settings={},
        status=Status.PASS, exit_code=0, seconds={}, bytes_sent={},
    )  # fmt: skip
    return Results(run=run, devices={}, entries=list(entries))


def shows_change(comment: str) -> bool:
    """Whether a comment shows anything as changed."""
    return any(arrow in comment for arrow in _ARROWS)


def print_comments(  # noqa: PLR0913, PLR0917 - one argument an option
    noise: Annotated[str, typer.Option(metavar="NAME[:key=value,...]", help="as of harness.testing.gatelab")] = "iid",
    comments: Annotated[int, typer.Option(min=1)] = 200,
    entries: Annotated[int, typer.Option(min=1, help="entries a comment, each with six metrics")] = 50,
    max_blocks: Annotated[int, typer.Option(min=6, help="blocks an entry after which measuring ends")] = 130,
    slowdown: Annotated[float, typer.Option(min=-99.0, help="the true slowdown of every figure, in percent")] = 0.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Count the comments with an arrow; a line of JSON."""
    try:
        parse_noise(noise)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--noise") from None
    what = Comments(noise, comments, entries, max_blocks, slowdown / 100.0, seed)
    made = list(simulate_comments(what))
    found: dict[str, Any] = {**asdict(what), "with_an_arrow": sum(map(shows_change, made))}
    sys.stdout.write(json.dumps({**found, "longest": max(map(len, made))}) + "\n")


if __name__ == "__main__":
    typer.run(print_comments)
