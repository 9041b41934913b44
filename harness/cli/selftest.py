"""``harness selftest``: a board measured against itself, and the record of it."""

import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cli.ended_run import ended_run
from harness.profiles import load
from harness.records.errors import BoardUnavailableError
from harness.records.results import SELFTEST
from harness.records.secret_names import words_without_secrets
from harness.report import ReportRenderer
from harness.session.finish_run import RunStart
from harness.session.progress_line import ProgressLine
from harness.session.selftest import MODEL, self_test
from harness.session.session import Session
from harness.session.settings import make_settings
from harness.store import RunFolder

_MILDEST_FIRST = (0, 10, 11, 5, 1, 4, 2)


@dataclass(frozen=True)
class SelftestRequest:
    """What was typed: the model (None: the shipped one), the slowdown that fails, how often."""

    model: Path | None
    limit: str
    runs: int


def measure_itself(name: str, asked: SelftestRequest, *, given: dict[str, Any], as_json: bool) -> int:
    """Measure a board against itself so many times; returns the gravest exit code of the runs."""
    command = shlex.join(["harness", *words_without_secrets(sys.argv[1:])])
    settings = make_settings(given, devices=[name], rootdir=Path.cwd(), command=command)
    profiles = {name: load(name, settings.devices_dir)}
    codes = []
    with self_test(asked.model or MODEL, settings, limit=asked.limit) as test:
        for _ in range(asked.runs):
            start = RunStart()
            folder = RunFolder.create(settings.reports_dir, run_id=start.id, now=start.created_at)
            live = ProgressLine()
            session = Session(test.settings, profiles, folder, say=live.show)
            run = ended_run(session, start, live=live, report=ReportRenderer(), as_json=as_json)
            with run as ended, suppress(BoardUnavailableError):
                session.measure(test.candidate, name, test=SELFTEST, limits=test.limits, share=settings.alpha)
            codes.append(ended.code)
            if ended.early:
                break
    return max(codes, key=_MILDEST_FIRST.index)
