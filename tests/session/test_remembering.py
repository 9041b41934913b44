import pytest
from support.sample_results import results

from harness.records.metrics import ESTIMATOR
from harness.records.settings import Settings
from harness.records.status import Status
from harness.session.record_run import POINTS, record_run
from harness.store.history import History
from harness.store.results_file import save_results

COMMIT = "1a2b3c4d5e6f7890" * 2


def run_of(number, *, statuses=None, commit=COMMIT, factor=1.0):
    """A run a minute; ``statuses`` by recipe of digits_cnn on rpi4."""
    sample = results()
    entries = []
    for entry in sample.entries:
        status = (statuses or {}).get(entry.recipe) if entry.device == "rpi4" else None
        slower = [m.model_copy(update={"value": m.value and m.value * factor}) for m in entry.measurements]
        entries.append(
            entry.model_copy(update={"measurements": slower, "status": status or Status.PASS, "findings": []})
        )
    stamp = f"2026-01-01T{number // 60:02d}:{number % 60:02d}:00Z"
    run = sample.run.model_copy(update={"id": f"run{number}", "created_at": stamp, "commit": commit})
    return sample.model_copy(update={"run": run, "entries": entries})


@pytest.fixture
def settings(tmp_path):
    return Settings(reports_dir=tmp_path)


def test_a_first_run_has_no_history(settings):
    kept = record_run(run_of(0), settings)
    assert (kept.series, kept.notes) == ((), ())
    assert (settings.reports_dir / "history.db").is_file()


def test_a_later_run_carries_how_its_metrics_went_itself_last(settings):
    for number in range(3):
        kept = record_run(run_of(number, commit=f"{number}" * 40), settings)
    assert kept.notes == ()
    assert {one.metric for one in kept.series} == {"latency_p50", "peak_memory", "model_size", "accuracy"}
    assert all([point.run_id for point in one.points] == ["run0", "run1", "run2"] for one in kept.series)


def test_judged_metrics_are_kept_too(settings):
    for number in range(2):
        run = run_of(number)
        found = results().entries[5].findings[0].model_copy(update={"metric": "latency_p90"})
        entries = [run.entries[0].model_copy(update={"findings": [found]}), *run.entries[1:]]
        kept = record_run(run.model_copy(update={"entries": entries}), settings)
    assert [one.recipe for one in kept.series if one.metric == "latency_p90"] == [run.entries[0].recipe]


def test_no_more_than_so_many_points_and_changes_keep_their_places(settings):
    history = History.open(str(settings.reports_dir / "history.db"))
    last = POINTS + 9
    for number in range(last):
        history.append(run_of(number, commit=None, factor=1.0 if number < last - 5 else 1.2))
    kept = record_run(run_of(last, commit=None, factor=1.2), settings)
    latency = [one for one in kept.series if one.metric == "latency_p50"]
    assert latency and all(len(one.points) == POINTS for one in latency)
    for one in latency:
        (change,) = one.changes
        assert one.points[change.at].run_id == change.run_id == f"run{last - 5}"


def test_an_earlier_failure_at_the_same_commit_is_not_erased(settings):
    record_run(run_of(0, statuses={"int8": Status.FAIL}), settings)
    record_run(run_of(1, statuses={"int8": Status.ERROR}), settings)
    kept = record_run(run_of(2), settings)
    assert kept.notes == (
        "attempt 3 at commit 1a2b3c4d, after run run0, run run1",
        "digits_cnn/int8 on rpi4 at commit 1a2b3c4d: FAIL (run run0), ERROR (run run1), now PASS",
    )


@pytest.mark.parametrize("commit", [None, f"{COMMIT}+dirty"])
def test_what_has_no_commit_of_its_own_is_no_attempt(settings, commit):
    record_run(run_of(0, statuses={"int8": Status.FAIL}, commit=commit), settings)
    assert record_run(run_of(1, commit=commit), settings).notes == ()


def test_other_candidates_at_the_commit_are_no_attempt_either(settings):
    first = run_of(0)
    record_run(first.model_copy(update={"entries": first.entries[:2]}), settings)
    later = run_of(1)
    assert record_run(later.model_copy(update={"entries": later.entries[2:]}), settings).notes == ()


def test_many_that_did_not_hold_are_counted(settings):
    first = run_of(0)
    many = [first.entries[0].model_copy(update={"candidate": f"c{n}", "status": Status.FAIL}) for n in range(15)]
    record_run(first.model_copy(update={"entries": many}), settings)
    notes = record_run(run_of(1).model_copy(update={"entries": many}), settings).notes
    assert len(notes) == 12 and notes[-1].startswith("and 5 more that did not hold")


def test_runs_in_the_folder_that_the_history_lacks_are_taken_in(settings):
    folder = settings.reports_dir / "20260101T000000Z-run0"
    folder.mkdir()
    save_results(run_of(0), folder / "results.json")
    kept = record_run(run_of(1), settings)
    assert {len(one.points) for one in kept.series} == {2}


def test_a_history_that_cannot_be_had_is_a_note_without_its_password(tmp_path):
    settings = Settings(reports_dir=tmp_path, history="postgresql+psycopg://bench:secret@127.0.0.1:1/x")
    (note,) = record_run(run_of(0), settings).notes
    assert (
        note.startswith("not in the history: history postgresql+psycopg://bench:***@127.0.0.1:1/x")
        and "secret" not in note
    )


def with_budget(run, estimator):
    """The run of an estimator, in which each entry's p50 has an absolute limit."""
    found = results().entries[5].findings[0]
    entries = [one.model_copy(update={"findings": [found]}) for one in run.entries]
    return run.model_copy(
        update={"run": run.run.model_copy(update={"estimator": estimator}), "entries": [*entries[:4], *entries[5:]]}
    )


def test_the_first_run_of_another_estimator_says_what_the_method_alone_moved(settings):
    record_run(with_budget(run_of(0, commit=None), 1), settings)
    kept = record_run(with_budget(run_of(1, commit=None), ESTIMATOR), settings)
    assert len(kept.notes) == 9
    assert kept.notes[-2] == (
        "latency_p50 of digits_cnn/int8 on rpi4 is now the geometric mean over trials, 1.45 ms; the median over trials "
        "of earlier runs would be 1.454 ms: the method alone moved it by -0.3 %"
    )
    assert {one.metric for one in kept.series} == {"model_size", "accuracy"}, "an exact figure goes on"
    assert record_run(with_budget(run_of(2, commit=None), ESTIMATOR), settings).notes == ()


def test_a_figure_that_an_unknown_estimator_made_is_not_made_again(settings):
    record_run(with_budget(run_of(0, commit=None), 99), settings)
    assert record_run(with_budget(run_of(1, commit=None), ESTIMATOR), settings).notes == ()


def test_a_limit_on_a_figure_that_could_not_be_known_says_nothing(settings):
    record_run(with_budget(run_of(0, commit=None), 1), settings)
    run = with_budget(run_of(1, commit=None), ESTIMATOR)
    entries = [one.model_copy(update={"measurements": [], "trials": []}) for one in run.entries[:4]]
    untried = [one.model_copy(update={"trials": []}) for one in run.entries[4:]]
    assert record_run(run.model_copy(update={"entries": [*entries, *untried]}), settings).notes == ()
