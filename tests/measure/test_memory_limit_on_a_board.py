"""An entry under a memory limit: it fits or it does not, by a real agent, with its storage's figures beside it."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import needs

from harness.board import choose_runner, open_board
from harness.measure import execute, make_plan
from harness.pipeline import Builder, candidates_from_paths
from harness.records.device import Connection
from harness.records.entry import Entry, Finding
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_profile

FITTING, TOO_SMALL = 90_000_000, 12_000_000


@dataclass(frozen=True)
class Limited:
    entry: Entry
    finding: Finding


@pytest.fixture
def limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Limited:
    """A keyword spotter measured under the limit that the test names."""
    if not os.access("/sys/fs/cgroup/memory", os.W_OK) and not os.access("/sys/fs/cgroup", os.W_OK):
        needs.missing("this test makes a memory cgroup, which takes root")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "board-cache"))
    (candidate,) = candidates_from_paths([needs.need_shared("models/tiny_kws_dscnn_int8.tflite")])
    with Builder(cache_dir=tmp_path / "cache") as builder:
        artifact = builder.build(candidate)
    settings = Settings(trials=2, num_runs=5, min_secs=0.02, memory_limit=request.param)
    profile = make_profile("desk", connection=Connection(transport="local"))
    with open_board(profile, lease=f"limit-{secrets.token_hex(8)}") as board:
        plan = make_plan(settings, artifact, choose_runner(board.profile, board.facts), load_pairs=1)
        entry = execute(board, plan, artifact, candidate=candidate)
    (finding,) = [one for one in entry.findings if one.gate == "memory_limit"]
    return Limited(entry, finding)


@pytest.mark.parametrize("limited", [FITTING], indirect=True)
def test_an_entry_that_fits_passes_with_all_its_figures(limited: Limited) -> None:
    entry, finding = limited.entry, limited.finding
    assert (entry.status, entry.memory_limit_bytes, finding.status) == (Status.PASS, FITTING, Status.PASS)
    assert entry.reason == finding.reason
    assert finding.reason.startswith("fits in 90 MB: ")
    assert finding.value
    assert finding.value < FITTING
    assert entry.outputs.startswith("bit-equal with ")
    for metric in ("latency_p50", "peak_memory", "memory_mean", "load_peak_memory", "warm_load", "storage_read"):
        assert entry[metric].value, metric
    assert entry["cold_load"].value
    assert entry.memory
    assert abs(entry.memory.unexplained_share) < 0.05


@pytest.mark.parametrize("limited", [TOO_SMALL], indirect=True)
def test_an_entry_that_does_not_fit_fails_with_that_and_no_other_reason(limited: Limited) -> None:
    entry, finding = limited.entry, limited.finding
    assert (entry.status, finding.status) == (Status.FAIL, Status.FAIL)
    assert entry.reason.startswith("does not fit in 12 MB: ")
    assert [one.gate for one in entry.findings if one.status is Status.ERROR] == []
    assert entry["latency_p50"].reason == "every latency trial died: does not fit in 12 MB: killed by the kernel"
