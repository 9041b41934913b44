"""``python -m harness.testing.gatelab.figures``: every figure of docs/gatelab.md, a line of JSON for each run."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Annotated, Any, Final

import numpy as np
import typer

from harness.testing.gatelab.noise import NOISES, draw_noise
from harness.testing.gatelab.sessions import Experiment, run_experiment

_LIMIT: Final = 0.02
_FIRST_DRAW: Final = 20_251
_FEWER: Final = 5
"""With nothing changed a fifth of the sessions, truly slower a tenth of them."""


def print_figures(
    sessions: Annotated[int, typer.Option(min=10, help="sessions with every metric at its limit")] = 2000,
    metrics: Annotated[int, typer.Option(min=1)] = 100,
    draws: Annotated[int, typer.Option(min=0, help="random parameters of each noise, beside its defaults")] = 3,
    jobs: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Run every noise at the limit, with nothing changed and 7 % slower; one line of JSON a run."""
    runs = list(_experiments(sessions, metrics, draws))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for found in pool.map(_figures, runs):
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()


def _experiments(sessions: int, metrics: int, draws: int) -> Iterator[Experiment]:
    rng = np.random.default_rng(_FIRST_DRAW)
    for name, noise in NOISES.items():
        texts = [name, *(draw_noise(name, rng) for _ in range(draws if noise.keys else 0))]
        for text in texts:
            at_limit = Experiment(text, sessions, metrics, metrics, _LIMIT, _LIMIT)
            yield at_limit
            yield replace(at_limit, sessions=sessions // _FEWER, slowdown=0.0)
            yield replace(at_limit, sessions=sessions // (2 * _FEWER), slowdown=0.07)


def _figures(what: Experiment) -> dict[str, Any]:
    return run_experiment(what).as_dict()


if __name__ == "__main__":
    typer.run(print_figures)
