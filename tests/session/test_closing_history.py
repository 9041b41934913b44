"""What a run's end makes of the runs before it: in results.json, and never with a database's address."""

from harness.records.settings import Settings
from harness.records.status import Status
from harness.session import closing
from harness.session.closing import RunStart, close_run
from harness.store import RunFolder, load_results
from harness.testing import make_entry

ADDRESS = "postgresql+psycopg://bench:secret@127.0.0.1:1/x"


def ended(reports, number, *, status=Status.PASS, settings=None, entries=1):
    start = RunStart(id=f"run{number}")
    folder = RunFolder.create(reports, run_id=start.id, now=start.created_at)
    for _ in range(entries):
        folder.append_entry(make_entry(status=status))
    return close_run(folder, settings=settings or Settings(reports_dir=reports), start=start, seconds={})


def test_an_earlier_failure_at_the_commit_stays_in_the_notes(tmp_path, monkeypatch):
    monkeypatch.setattr(closing, "_commit", lambda: "1a2b3c4d5e")
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
