"""``harness selftest``: a board measured against itself, and the record of it."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.cli.run import command_settings, exit_code_of, show_run
from harness.records.errors import BoardUnavailableError
from harness.records.results import SELFTEST
from harness.report import ReportRenderer
from harness.session.selftest import MODEL, self_test
from harness.session.sequence import SessionSequence

_MILDEST_FIRST = (0, 10, 11, 5, 1, 4, 2)


@dataclass(frozen=True)
class SelftestRequest:
    """What was typed: the model (None: the shipped one), the slowdown that fails, how often."""

    model: Path | None
    limit: str
    runs: int


def measure_itself(name: str, asked: SelftestRequest, *, given: dict[str, Any], as_json: bool) -> int:
    """Measure a board against itself so many times; returns the gravest exit code of the runs."""
    settings = command_settings(given, [name])
    codes = []
    with self_test(asked.model or MODEL, settings, limit=asked.limit) as test:
        for _ in range(asked.runs):
            steps = SessionSequence.prepare(test.settings, ReportRenderer(), benchmarks=False)
            show = partial(show_run, steps=steps, as_json=as_json)
            with steps.measuring(show) as session, suppress(BoardUnavailableError):
                session.measure(test.candidate, name, test=SELFTEST, limits=test.limits, share=settings.alpha)
            codes.append(exit_code_of(steps))
            outcome = steps.results.run.outcome if steps.results is not None else None
            if outcome is None or outcome.lacking:
                break
    return max(codes, key=_MILDEST_FIRST.index)
