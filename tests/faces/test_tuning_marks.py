"""Benchmarks at operating points of their own, by a marker: measured there, kept apart, and the board put back."""

import json
import sys
from pathlib import Path

import pytest
from support import needs
from support.commands import outer_environment, run_started
from support.made_board import TUNING, made_board
from support.own_lease import own_lease

TESTS = """
import pytest
MODEL = {model!r}

def test_as_the_profile_says(bench):
    bench(MODEL)

@pytest.mark.tuning(governor="ondemand", max_freq="600 MHz", devices={{"gpu": {{"max_freq": "min"}}}})
def test_slower(bench):
    bench(MODEL)
"""


@pytest.mark.board
def test_a_marked_benchmark_is_measured_at_its_own_operating_point(tmp_path: Path) -> None:
    model = needs.need_shared("models/litert_add_dynamic_shape.tflite")
    with own_lease(), made_board(tmp_path / "board") as board:
        board.make_tunable()
        before = board.settings()
        (tmp_path / "devices").mkdir()
        (tmp_path / "devices/pi.toml").write_text(board.sshd.profile_text("pi", extra=TUNING))
        (tmp_path / "test_points.py").write_text(TESTS.format(model=str(model)))
        words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--device=pi", "--trials=5", "--min-secs=0.01"]
        own = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_DATA_HOME": str(tmp_path / "data")}
        said = run_started(sys.executable, *words, "--num-runs=2", cwd=tmp_path, env=outer_environment() | own)
        assert said.code == 0, said.text
        assert board.settings() == before
    found = json.loads((tmp_path / "reports/latest/results.json").read_text())
    plain, marked = found["entries"]
    assert plain["operating_point"] is None
    of_device = {clock["name"]: clock["max_hz"] for clock in found["devices"]["pi"]["operating_point"]["clocks"]}
    own = {clock["name"]: clock["max_hz"] for clock in marked["operating_point"]["clocks"]}
    assert (of_device["policy0"], own["policy0"]) == (1_000_000_000, 600_000_000)
    assert (of_device["gpu"], own["gpu"]) == (800_000_000, 300_000_000)
    assert found["devices"]["pi"]["facts"]["governor"] == "performance"
    assert [one for one in marked["operating_point"]["settings"] if one["problem"]] == []
    page = (tmp_path / "reports/latest/report.html").read_text()
    assert "policy0 (CPUs 0) ondemand, 600 MHz" in page and "highest frequency of policy0 from 1.5 GHz to 1 GHz" in page
