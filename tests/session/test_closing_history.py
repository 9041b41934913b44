"""What a run's end makes of the runs before it: in results.json, and never with a database's address."""

import subprocess

import pytest
from support.sample_results import measured

from harness.records.settings import Settings
from harness.records.status import Status
from harness.report import table
from harness.session import finish_run
from harness.session.finish_run import RunStart, close_run
from harness.store import RunFolder, load_results
from harness.testing import make_entry

SIZE = measured("model_size", 1000.0, n=1)
ADDRESS = "postgresql+psycopg://bench:secret@127.0.0.1:1/x"


def ended(reports, number, *, status=Status.PASS, settings=None, entries=1):
    start = RunStart(id=f"run{number}")
    folder = RunFolder.create(reports, run_id=start.id, now=start.created_at)
    for _ in range(entries):
        folder.append_entry(make_entry(status=status))
    return close_run(folder, settings=settings or Settings(reports_dir=reports), start=start, seconds={})


def test_an_earlier_failure_at_the_commit_stays_in_the_notes(tmp_path, monkeypatch):
    monkeypatch.setattr(finish_run, "_commit", lambda: "1a2b3c4d5e")
    ended(tmp_path, 1, status=Status.FAIL)
    results = ended(tmp_path, 2)
    assert "attempt 2 at commit 1a2b3c4d, after run run1" in results.run.notes
    assert "model on simulated at commit 1a2b3c4d: FAIL (run run1), now PASS" in results.run.notes
    assert load_results(tmp_path / "latest") == results


def test_a_run_of_nothing_is_not_kept(tmp_path):
    assert ended(tmp_path, 1, entries=0).run.status == "EMPTY"
    assert not (tmp_path / "history.db").exists()


def test_a_database_that_does_not_answer_fails_no_run_and_its_address_is_told_nowhere(tmp_path):
    results = ended(tmp_path, 1, settings=Settings(reports_dir=tmp_path, history=ADDRESS))
    assert (results.run.status, results.run.exit_code) == (Status.PASS, 0)
    assert any(note.startswith("not in the history: ") for note in results.run.notes)
    assert "history" not in results.run.settings
    assert "secret" not in (tmp_path / "latest/results.json").read_text(encoding="utf-8")


def test_two_tests_of_one_candidate_are_rows_that_say_which_test_and_series_apart(tmp_path):
    for number in (1, 2):
        start = RunStart(id=f"run{number}")
        folder = RunFolder.create(tmp_path, run_id=start.id, now=start.created_at)
        for test in ("b/test_a.py::test_small", "b/test_a.py::test_large"):
            folder.append_entry(make_entry(test=test, measurements=[SIZE]))
        results = close_run(folder, settings=Settings(reports_dir=tmp_path), start=start, seconds={})
        assert [entry.test_label for entry in results.entries] == ["test_small", "test_large"]
        assert [len(series.points) for series in results.history] == ([] if number == 1 else [2, 2])
    assert "test_small" in table(results) and "test_large" in table(results)


@pytest.mark.parametrize(
    ("environment", "branch"),
    [
        ({}, None),
        ({"GITHUB_HEAD_REF": "faster", "GITHUB_BASE_REF": "main", "GITHUB_REF_NAME": "12/merge"}, "faster"),
        ({"GITHUB_HEAD_REF": "main", "GITHUB_BASE_REF": "main", "GITHUB_REF_NAME": "12/merge"}, "12/merge"),
        ({"GITHUB_HEAD_REF": "", "GITHUB_REF_NAME": "main"}, "main"),
        ({"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "faster", "CI_COMMIT_REF_NAME": "refs/x"}, "faster"),
        ({"CI_COMMIT_REF_NAME": "main"}, "main"),
    ],
)
def test_a_run_says_its_branch_the_pipelines_word_where_a_bare_commit_is_checked_out(
    tmp_path, monkeypatch, environment, branch
):
    for name in ("GITHUB_HEAD_REF", "GITHUB_BASE_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert ended(tmp_path / "outside", 1).run.branch is None
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    for arguments in (["init", "-qb", "trunk"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True)
    assert ended(tmp_path / "reports", 1).run.branch == "trunk"
    subprocess.run(["git", "checkout", "-q", "--detach"], check=True)
    assert ended(tmp_path / "reports", 2).run.branch == branch


def test_where_git_does_not_open_the_checkout_the_run_says_so_in_its_words(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    assert not [note for note in ended(tmp_path / "reports", 1).run.notes if "commit" in note], "it has none yet"
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    run = ended(tmp_path / "reports", 2).run
    assert run.commit is None
    (note,) = (note for note in run.notes if note.startswith("commit unknown: git says: "))
    assert "dubious ownership" in note and "safe.directory" in note
