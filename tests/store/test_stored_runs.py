"""One resolver for every command: latest, a run's id or how it begins, its folder, its results.json."""

import pytest
from support.sample_results import results

from harness.records.errors import UsageError
from harness.store import find_run, load_run
from harness.store.results_file import save_results
from harness.store.stored_runs import point_latest


@pytest.fixture
def reports(tmp_path):
    for run_id in ("run1", "run2"):
        folder = tmp_path / "reports" / f"20260101T000000Z-{run_id}"
        folder.mkdir(parents=True)
        sample = results()
        run = sample.run.model_copy(update={"id": run_id})
        save_results(sample.model_copy(update={"run": run}), folder / "results.json")
        point_latest(folder)
    (tmp_path / "reports/20260103T000000Z-open/journal").mkdir(parents=True)
    return tmp_path / "reports"


@pytest.mark.parametrize(
    "named", ["latest", "run2", "{}/latest", "{}/20260101T000000Z-run2", "{}/20260101T000000Z-run2/results.json"]
)
def test_a_run_is_found_by_every_name(reports, monkeypatch, named):
    monkeypatch.chdir(reports.parent)
    assert load_run(named.format(reports), reports).run.id == "run2"
    assert load_run(named.format("reports"), reports).run.id == "run2"


def test_what_is_there_comes_before_what_the_reports_have(reports, monkeypatch):
    here = reports.parent / "here"
    (here / "run1").mkdir(parents=True)
    (here / "latest").mkdir()
    monkeypatch.chdir(here)
    assert find_run("run1", reports) == (here / "run1").relative_to(here)
    assert find_run("latest", reports) == here / "latest"
    assert find_run("run2", reports) == reports / "20260101T000000Z-run2"


def test_a_file_of_another_name_is_itself(reports):
    kept = reports / "20260101T000000Z-run1/results.json"
    copy = kept.rename(reports / "kept.json")
    assert find_run(copy, reports) == copy
    assert load_run(str(copy), reports).run.id == "run1"


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("nowhere", "run nowhere: no run in .*, no folder and no results.json; give a run folder"),
        ("run", "run run: several runs in .* begin so: 20260101T000000Z-run1, 20260101T000000Z-run2"),
        ("", "no run in"),
        ("a\x00b", "no run in"),
        ("open", "no run in"),
    ],
)
def test_what_names_no_run_or_several_is_refused(reports, named, why):
    with pytest.raises(UsageError, match=why):
        find_run(named, reports)


def test_a_run_at_work_is_found_where_its_journal_is_asked_for(reports):
    found = find_run("op", reports, holding="journal")
    assert found.name == "20260103T000000Z-open"
    with pytest.raises(UsageError, match="no run in"):
        find_run("run1", reports, holding="journal")


def test_a_latest_that_leads_out_of_its_folder_is_refused_however_it_is_named(reports, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (reports / "latest").unlink()
    (reports / "latest").symlink_to(elsewhere)
    for named in ("latest", reports / "latest"):
        with pytest.raises(UsageError, match="leads out of its folder"):
            find_run(named, reports)


def test_no_run_yet_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"run latest: no run has ended in .*: measure first"):
        find_run("latest", tmp_path)
