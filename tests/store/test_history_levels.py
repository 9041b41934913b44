import pytest

from harness.records.history import Series, SeriesPoint, attempts, split_kernel
from harness.store.history import with_changes


def point(day, value, *, status="PASS", commit="1a2b3c4d5e6f7890", run=None):
    return SeriesPoint(
        run_id=run or f"r{day}",
        created_at=f"2026-11-{day:02d}T00:00:00Z",
        commit=commit,
        status=status,
        value=value,
    )


def series(values, *, unit="s", better="lower", metric="latency_p50", recipe="int8", points=None):
    return Series(
        device="rpi4",
        candidate="digits_cnn",
        recipe=recipe,
        metric=metric,
        unit=unit,
        better=better,
        fingerprint="f",
        points=points or tuple(point(day + 1, value) for day, value in enumerate(values)),
    )


SLOWER = [0.0041] * 8 + [0.0046] * 4


def test_a_change_is_told_in_words_with_its_commit_and_day():
    (change,) = with_changes(series(SLOWER)).changes
    assert change.sentence == (
        "latency_p50 of digits_cnn/int8 on rpi4: 4.1 ms -> 4.6 ms (+12.2 %, worse) from commit 1a2b3c4d (2026-11-09) on"
    )
    assert (change.at, change.run_id, change.worse) == (8, "r9", True)


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        (SLOWER[::-1], {}, "4.6 ms -> 4.1 ms (-10.9 %, better)"),
        (
            [0.98] * 5 + [0.97] * 5,
            {"unit": "1", "better": "higher", "metric": "accuracy"},
            "98 % -> 97 % (-1 pt, worse)",
        ),
        ([240.0] * 5 + [260.0] * 5, {"unit": "1/s", "better": "higher", "metric": "throughput"}, "(+8.33 %, better)"),
        ([0.0] * 5 + [0.5] * 5, {"unit": "J", "metric": "energy_per_inference"}, "0 J -> 500 mJ (+500 mJ, worse)"),
        (SLOWER, {"recipe": None}, "latency_p50 of digits_cnn on rpi4"),
    ],
)
def test_which_way_and_how_far(values, kind, said):
    (change,) = with_changes(series(values, **kind)).changes
    assert said in change.sentence


def test_figures_of_a_board_that_was_not_fit_do_not_count():
    points = [point(day, 0.0041) for day in range(1, 9)] + [point(day, 0.009, status="INVALID") for day in range(9, 15)]
    assert with_changes(series([], points=tuple(points))).changes == ()


def test_unknown_figures_leave_the_places_of_the_others_alone():
    points = [point(1, None), *(point(day + 2, value) for day, value in enumerate(SLOWER))]
    (change,) = with_changes(series([], points=tuple(points))).changes
    assert (change.at, change.run_id) == (9, "r10")


def test_runs_without_a_commit_are_named_by_their_id_and_changed_files_by_a_plus():
    (change,) = with_changes(
        series([], points=tuple(point(day + 1, value, commit=None) for day, value in enumerate(SLOWER)))
    ).changes
    assert change.sentence.endswith("from run r9 (2026-11-09) on")
    dirty = tuple(point(day + 1, value, commit="1a2b3c4d5e+dirty") for day, value in enumerate(SLOWER))
    assert "from commit 1a2b3c4d+dirty (" in with_changes(series([], points=dirty)).changes[0].sentence


def test_a_series_of_nothing_known_stays_as_it_is():
    empty = series([], points=(point(1, None),))
    assert with_changes(empty) == empty


def test_attempts_at_a_commit_stand_together_and_a_later_one_erases_nothing():
    points = [
        point(1, 1.0, status="FAIL"),
        point(2, 1.0, commit="other"),
        point(3, 1.0),
        point(4, 1.0, commit="1a2b3c4d5e6f7890+dirty"),
        point(5, 1.0, commit=None),
        point(6, 1.0, status="FAIL", run="r3"),
    ]
    found = attempts(points)
    assert list(found) == ["1a2b3c4d5e6f7890"]
    assert [(one.run_id, one.status) for one in found["1a2b3c4d5e6f7890"]] == [("r1", "FAIL"), ("r3", "FAIL")]


def _fingerprint(kernel):
    return f"0a1b2c3d (Raspberry Pi 4, 4x Cortex-A72, 1.5 GHz, kernel {kernel}, governor performance)"


def test_a_fingerprint_is_split_at_its_kernel():
    board, kernel = split_kernel(_fingerprint("6.6.31-v8"))
    assert kernel == "6.6.31-v8"
    assert board == split_kernel(_fingerprint("6.12.34"))[0]
    assert board == "Raspberry Pi 4, 4x Cortex-A72, 1.5 GHz, governor performance"
    at_a_point = split_kernel(_fingerprint("6.12.34") + " at power mode 15W; measuring on CPUs 0-1")
    assert at_a_point == (f"{board} at power mode 15W; measuring on CPUs 0-1", "6.12.34")
    for other in (None, "f", "0a1b2c3d (a board of a harness before this one)"):
        assert split_kernel(other) == (other, None)


def test_a_new_kernel_is_a_break_and_no_change_of_level():
    points = [
        point(day + 1, value).model_copy(update={"kernel": "6.6" if day < 8 else "6.12"})
        for day, value in enumerate(SLOWER)
    ]
    found = with_changes(series((), points=tuple(points)))
    assert found.changes == ()
    (broken,) = found.breaks
    assert (broken.at, broken.before, broken.after) == (8, "6.6", "6.12")
    assert broken.sentence == ("rpi4: kernel 6.6 -> 6.12 on 2026-11-09: figures before and after are not compared")


def test_within_one_kernel_changes_are_found_at_their_places():
    before = [point(day, 0.009).model_copy(update={"kernel": "5.10"}) for day in range(1, 7)]
    after = [point(day + 7, value).model_copy(update={"kernel": "6.6"}) for day, value in enumerate(SLOWER)]
    found = with_changes(series((), points=(*before, *after)))
    assert [change.at for change in found.changes] == [14]


def test_a_kernel_that_is_not_known_breaks_nothing():
    kernels = ["6.6", None, "6.6", None]
    points = [point(day + 1, 0.004).model_copy(update={"kernel": kernel}) for day, kernel in enumerate(kernels)]
    assert series((), points=tuple(points)).breaks == []
