"""``harness selftest --full``: everything that a board can be asked about the harness, on one page."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cli.doctor import check_lines, wrapped
from harness.cli.run import command_settings
from harness.cli.selftest import SelftestRequest
from harness.profiles import load
from harness.records.entry import Entry
from harness.records.errors import BoardUnavailableError
from harness.records.health import CheckResult
from harness.records.results import SELFTEST
from harness.records.text import escaped_json
from harness.records.units import format_quantity
from harness.report import ReportRenderer
from harness.session import full_selftest as full
from harness.session.selftest import MODEL, SelfTest, self_test
from harness.session.sequence import SessionSequence

_EXIT_CODES = {"ok": 0, "warn": 10, "fail": 1}


@dataclass(frozen=True)
class _Page:
    """What was found, and how long it took."""

    device: str
    emulated: bool
    checks: Sequence[CheckResult]
    seconds: float


def measure_in_full(name: str, asked: SelftestRequest, *, given: dict[str, Any], as_json: bool) -> int:
    """Ask a board all of it and print the page; returns the exit code. Raises BoardUnavailableError."""
    settings = command_settings(given, [name])
    profile, began = load(name, settings.devices_dir), time.monotonic()
    with (
        self_test(asked.model or MODEL, settings, limit=asked.limit) as same,
        tempfile.TemporaryDirectory(prefix="edge-harness-planted-") as folder,
    ):
        planted = full.planted_slowdown(settings, Path(folder), limit=asked.limit)
        _tell(name, "reading its settings, and what reading costs")
        part = full.ask_board(profile)
        _tell(name, "a model against its copy")
        first = _measured(same, name, test_name=SELFTEST)
        _tell(name, f"a slowdown of {full.PLANTED}, planted")
        second = _measured(planted, name, test_name=full.PLANTED_TEST)
    checks = (
        part.reading,
        full.judge_memory(first),
        full.judge_put_back(part, profile),
        full.judge_same(first, emulated=part.emulated),
        full.judge_planted(second, emulated=part.emulated),
    )
    page = _Page(name, part.emulated, checks, time.monotonic() - began)
    sys.stdout.write(_as_json(page) if as_json else "\n".join(_lines(page)) + "\n")
    return _EXIT_CODES[full.worst_status(checks)]


def _tell(name: str, what: str) -> None:
    sys.stderr.write(f"{name}: {what}\n")


def _measured(test: SelfTest, name: str, *, test_name: str) -> Entry | None:
    """The entry of a run that shows nothing of its own; None where the board was not had."""
    steps = SessionSequence.prepare(test.settings, ReportRenderer(), benchmarks=False)
    with steps.measuring(lambda _: None) as session, suppress(BoardUnavailableError):
        session.measure(test.candidate, name, test=test_name, limits=test.limits, share=test.settings.alpha)
    entries = steps.results.entries if steps.results is not None else []
    return entries[0] if entries else None


def _as_json(page: _Page) -> str:
    found = {
        "device": page.device,
        "emulated": page.emulated,
        "status": full.worst_status(page.checks),
        "seconds": round(page.seconds, 1),
        "checks": [check.model_dump(mode="json") for check in page.checks],
    }
    return escaped_json(json.dumps(found, indent=2)) + "\n"


def _lines(page: _Page) -> Iterator[str]:
    yield from wrapped(f"{page.device}: self-test in full, {format_quantity(page.seconds, 's')}")
    for check in page.checks:
        yield from check_lines(check)
    well = sum(check.status == "ok" for check in page.checks)
    conclusion = {"ok": "the harness can be trusted here", "warn": "not all could be told", "fail": "look above"}
    yield f"{well} of {len(page.checks)} ok: {conclusion[full.worst_status(page.checks)]}"
