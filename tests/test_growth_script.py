"""How cost grows with entries, runs and history: bounds with room, in CPU seconds and bytes, never in wall time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "growth" / "growth.py"


def measured(what, count):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), what, str(count)], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def sessions():
    return {count: measured("session", count) for count in (100, 500)}


def test_closing_a_session_of_five_times_the_entries_takes_at_most_six_times_the_work(sessions):
    assert sessions[500]["cpu_s"] <= 6 * sessions[100]["cpu_s"]


def test_a_page_stays_small_for_many_entries(sessions):
    assert sessions[500]["report.html_bytes"] <= 2_500_000


def test_a_results_file_grows_with_its_entries_alone(sessions):
    each = sessions[500]["results.json_bytes"] / 500
    assert each <= 60_000
    assert sessions[100]["results.json_bytes"] / 100 == pytest.approx(each, rel=0.1)


def test_closing_a_run_does_not_read_the_runs_of_others():
    alone, beside = measured("beside", 0), measured("beside", 40)
    assert beside["cpu_s"] <= alone["cpu_s"] + 0.5
    assert beside["peak_memory_bytes"] <= alone["peak_memory_bytes"] + 30_000_000


@pytest.mark.parametrize("what", ["nonsense 3", "session", "session x"])
def test_a_wrong_call_says_what_it_takes(what):
    done = subprocess.run([sys.executable, str(SCRIPT), *what.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage" in done.stderr
