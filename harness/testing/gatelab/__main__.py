"""``python -m harness.testing.gatelab``: how often the gate is wrong, under noise of a known kind."""

import json
import sys
from math import expm1
from typing import Annotated, Any

import typer

from harness.testing.gatelab.competitors import TRIALS_EACH
from harness.testing.gatelab.noise import NOISES, parse_noise
from harness.testing.gatelab.sessions import Design, Experiment, Question, run_experiment


def _noises() -> str:
    """Every noise with its keys and their defaults, as --help shows them."""
    told = []
    for noise in NOISES.values():
        keys = ",".join(
            f"{key.name}={float(key.default):g}" if key.unit else f"{key.name}={key.default}" for key in noise.keys
        )
        told.append(f"{noise.name}:{keys}" if keys else noise.name)
    return "; ".join(told)


def simulate(  # noqa: PLR0913, PLR0917 - one argument an option
    noise: Annotated[str, typer.Option(metavar="NAME[:key=value,...]", help=_noises())] = "iid",
    sessions: Annotated[int, typer.Option(min=1)] = 2000,
    metrics: Annotated[int, typer.Option(min=1, help="budgeted metrics a session")] = 100,
    slow_metrics: Annotated[int | None, typer.Option(min=1, help="how many are truly slower (default: all)")] = None,
    limit: Annotated[float, typer.Option(min=0.0, help="the budget, in percent")] = 2.0,
    slowdown: Annotated[float, typer.Option(min=-99.0, help="the true slowdown, in percent")] = 0.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    alpha: Annotated[float, typer.Option(help="percent of sessions that may fail though all is within limits")] = 0.5,
    miss: Annotated[float, typer.Option(help="percent of metrics beyond their limit that may pass")] = 5.0,
    max_blocks: Annotated[int, typer.Option(min=6, help="blocks a metric after which measuring ends")] = 130,
    question: Annotated[
        Question,
        typer.Option(help="what is asked: a ratio, the candidate alone, a stored base, a percentile, memory, energy"),
    ] = "relative",
    design: Annotated[Design, typer.Option(help="how the arms take turns")] = "trials",
    trial_seconds: Annotated[float, typer.Option(min=0.001, help="how long a trial takes")] = 1.0,
    slice_ms: Annotated[float, typer.Option(min=0.1, max=150.0, help="how long a slice takes")] = 20.0,
    percentile: Annotated[
        float, typer.Option(min=50.0, max=99.0, help="which one --question percentile is about")
    ] = 90.0,
    run_sd: Annotated[
        float, typer.Option(min=0.0, help="percent by which two runs differ by themselves, for a stored base")
    ] = 0.0,
    history_runs: Annotated[int, typer.Option(min=0, help="earlier runs that tell of it")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Run sessions through the real judge and count its verdicts."""
    try:
        parse_noise(noise)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--noise") from None
    if design == "slices" and question != "relative":
        raise typer.BadParameter("only a relative question is measured in slices", param_hint="--design")
    slow = metrics if slow_metrics is None else slow_metrics
    if slow > metrics:
        raise typer.BadParameter(f"{slow} of {metrics} metrics cannot be slow", param_hint="--slow-metrics")
    what = Experiment(
        noise=noise,
        sessions=sessions,
        metrics=metrics,
        slow_metrics=slow,
        limit=limit / 100.0,
        slowdown=slowdown / 100.0,
        seed=seed,
        alpha=alpha / 100.0,
        miss=miss / 100.0,
        max_blocks=max_blocks,
        question=question,
        design=design,
        trial_seconds=trial_seconds,
        slice_ms=slice_ms,
        percentile=percentile / 100.0,
        run_sd=run_sd / 100.0,
        history_runs=history_runs,
    )
    found = {**run_experiment(what).as_dict(), "limit": limit, "slowdown": slowdown}
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if as_json else _told(found))


def _told(found: dict[str, Any]) -> str:
    """The outcome in sentences, 80 columns."""
    sessions = found["sessions"]
    lines = [
        f"{sessions} sessions of {found['metrics']} metrics, noise {found['noise']}, limit {found['limit']:g} %;",
        f"{found['slow_metrics']} of them truly {found['slowdown']:g} % slower (simulated)",
        "",
        f"sessions failed  {_share(found['sessions_failed'], sessions)}, at most {found['upper95']:.2%} (95 %)",
        *_by_mean(found),
        f"sessions green   {_share(found['sessions_green'], sessions)}",
        f"metrics          {found['metrics_passed']} passed, {found['metrics_failed']} failed, "
        f"{found['metrics_inconclusive']} too close to call",
        f"blocks a metric  {found['blocks_mean']:.1f} on average, at most {found['max_blocks']}",
    ]
    if found["competitors"]:
        lines += [
            "",
            f"other gates on the same traces, {TRIALS_EACH} trials of the old, then {TRIALS_EACH} of the new:",
        ]
    lines += [f"  {name:<48} {_share(failed, sessions)}" for name, failed in found["competitors"].items()]
    return "\n".join(lines) + "\n"


def _by_mean(found: dict[str, Any]) -> list[str]:
    """What that counts, where the median over blocks lies above the mean."""
    above = found["median_above_mean"]
    if above == 0.0:
        return []
    return [
        f"                 with the median over blocks {found['slowdown']:g} % slower, and the mean less;",
        f"                 {_share(found['sessions_failed_by_mean'], found['sessions'])} with the mean so, "
        f"and the median {100.0 * expm1(above):.2g} % above it",
    ]


def _share(count: int, of: int) -> str:
    return f"{count} ({count / of:.2%})"


if __name__ == "__main__":
    typer.run(simulate)
