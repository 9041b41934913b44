"""Where the history is kept, and what stood in the reports folder before: nothing is lost, it is said once."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.sample_results import results as sample_results

from harness.records.results import SELFTEST, Results
from harness.store.git import history_folder
from harness.store.history import History, open_history

SAMPLE = sample_results()


def run_of(number: int) -> Results:
    first, *rest = SAMPLE.entries
    run = SAMPLE.run.model_copy(update={"id": f"run{number}", "created_at": f"2026-01-01T00:00:{number:02d}Z"})
    return SAMPLE.model_copy(update={"run": run, "entries": [first.model_copy(update={"test": SELFTEST}), *rest]})


@pytest.fixture
def address() -> str:
    return str(history_folder() / "example.org-models.db")


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_runs_of_the_reports_folder_are_taken_over_once_and_whole(tmp_path: Path, address: str) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    before = History.open(str(reports / "history.db"))
    for number in (1, 2):
        before.append(run_of(number))
    expected = before.series()
    device = SAMPLE.entries[0].device
    record = before.selftests(device)

    new = open_history(reports, address)
    assert len(new.said) == 1
    assert "2 runs of" in new.said[0]
    assert address in new.said[0]
    assert new.history.series() == expected
    assert new.history.selftests(device) == record
    new.history.append(run_of(3))
    again = open_history(reports, address)
    assert again.said == ()
    assert again.history.run_ids() == {"run1", "run2", "run3"}


def test_what_is_kept_already_is_not_doubled(tmp_path: Path, address: str) -> None:
    for number, name in ((1, "a"), (2, "b")):
        (tmp_path / name).mkdir()
        beside = History.open(str(tmp_path / name / "history.db"))
        beside.append(run_of(number))
        beside.append(run_of(9))
    assert "2 runs of" in open_history(tmp_path / "a", address).said[0]
    found = open_history(tmp_path / "b", address)
    assert "1 run of" in found.said[0]
    assert found.history.run_ids() == {"run1", "run2", "run9"}
    points = {len(series.points) for series in found.history.series(metrics=["latency_p50"])}
    assert points == {3}


def test_a_damaged_file_stays_where_it_is(tmp_path: Path, address: str) -> None:
    (tmp_path / "history.db").write_bytes(b"no database" * 99)
    found = open_history(tmp_path, address)
    assert "was not taken over" in found.said[0]
    assert (tmp_path / "history.db").exists()
    found.history.append(run_of(1))


def test_what_the_user_named_stays_alone(tmp_path: Path) -> None:
    History.open(str(tmp_path / "history.db")).append(run_of(1))
    found = open_history(tmp_path, str(tmp_path / "own.db"))
    assert (found.said, found.history.run_ids()) == ((), frozenset())
    assert open_history(tmp_path, None).history.run_ids() == {"run1"}


def test_without_a_data_folder_the_reports_folder_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/dev/null")
    found = open_history(tmp_path, str(history_folder() / "x.db"))
    found.history.append(run_of(1))
    assert "data folder cannot be written" in found.said[0]
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection:
        assert connection.execute("select id from runs").fetchall() == [("run1",)]
