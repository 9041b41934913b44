"""One line a group: never faster than the intervals say, accuracy and size beside it, and what one would ship."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.baseline_results import without_comparison
from support.sample_results import HOSTILE, changed_artifact, entry, measured, results

from harness.measure.arm_evidence import restate
from harness.measure.recipe_gains import Steps, with_comparisons
from harness.records.artifact import AccuracyDrop, AccuracyResult
from harness.records.entry import Comparison, Entry, Finding
from harness.records.status import Status
from harness.records.text import visible
from harness.report.conclusions import Conclusion, conclusions, conclusions_beside_exit
from harness.report.labels import exit_meaning
from harness.report.speed_ratio import SpeedRatio, speed_ratio, times

SHA = (f"{number:064x}" for number in itertools.count())


def version(
    recipe: str | None,
    seconds: float,
    *,
    spread: float = 0.004,
    status: Status = Status.PASS,
    size: int = 100_000,
    correct: int | None = None,
    candidate: str = "net",
    confidence: float | None = 0.95,
) -> Entry:
    """An entry with a file of its own; ``spread`` is half of its interval, ``correct`` samples of 1000 are right."""
    made = entry("rpi4", candidate, None, status, reason="", p50_s=0.001).model_copy(update={"recipe": recipe})
    p50 = measured("latency_p50", seconds, spread=spread).model_copy(update={"confidence": confidence})
    share = {"value": (correct or 0) / 1000, "correct": correct, "n": 1000, "dataset": "d", "obtained": ""}
    scored = None if correct is None else AccuracyResult.model_validate(share)
    assert made.artifact is not None
    artifact = changed_artifact(made.artifact, sha256=next(SHA), size_bytes=size, accuracy=scored)
    return made.model_copy(update={"measurements": [p50], "artifact": artifact, "trials": []})


def limited(made: Entry, gate: str, metric: str, *, limit: float, value: float) -> Entry:
    held = Finding(gate=gate, metric=metric, status=Status.PASS, reason="", limit=limit, value=value)
    return made.model_copy(update={"findings": [*made.findings, held]})


def concluded(*entries: Entry) -> list[Conclusion]:
    return conclusions(results().model_copy(update={"entries": list(entries)}))


def the_one(*entries: Entry) -> Conclusion:
    (found,) = [one for one in concluded(*entries) if one.device]
    return found


def test_faster_with_its_interval_what_it_costs_and_how_both_are_known():
    one = the_one(version("float32", 0.00158, correct=980), version("int8", 0.001, size=25_000, correct=976))
    assert one.text == "int8 is 1.58x faster than float32 (1.57x to 1.59x) at -0.40 pt accuracy, 4.00x smaller"
    how = "latency p50, measured one after the other; 95 % interval over trials of both"
    assert one.basis == f"{how}; accuracy counted over 1000 samples"
    assert (one.device, one.candidate) == ("rpi4", "net")


def test_slower_is_told_of_what_one_would_ship():
    one = the_one(version("float32", 0.001), version("int8", 0.0012, size=25_000))
    assert one.text == "int8 is 1.20x slower than float32 (1.19x to 1.21x), 4.00x smaller"
    assert one.choice == "ship float32: the fastest of 2 that hold their limits; its accuracy is not known"


def test_within_the_interval_it_is_as_fast_as_the_other():
    one = the_one(version("float32", 0.00101, spread=0.02), version("int8", 0.001, spread=0.02, size=25_000))
    assert one.text == "int8 is as fast as float32 within 3.9 %, 4.00x smaller"
    assert one.choice == "ship int8: none of 2 that hold their limits is surely faster; its accuracy is not known"


def test_a_wide_interval_tells_neither():
    one = the_one(version("float32", 0.0011, spread=0.2), version("int8", 0.001, spread=0.1))
    assert one.text == "int8 may be faster or slower than float32 (0.86x to 1.36x), same size"


@pytest.mark.parametrize("confidence", [0.5, None])
def test_of_two_or_three_trials_it_is_not_known(confidence):
    one = the_one(version("float32", 0.0015), version("int8", 0.001, confidence=confidence))
    assert one.text == "int8 ran at 1.50x the speed of float32, how sure is not known, same size"
    assert one.choice.startswith(
        "ship int8: none of 2 that hold their limits is surely faster, as far as so few trials"
    )


def test_differences_below_one_per_cent_are_none():
    one = the_one(version("float32", 0.001009, spread=1e-4), version("int8", 0.001, spread=1e-4, size=101_000))
    assert one.text == "int8 is as fast as float32 within 0.91 %, 1 % larger"


def test_one_file_under_two_names_is_identical():
    first, second = version("float32", 0.001), version("prune(0)", 0.0013)
    one = the_one(first, second.model_copy(update={"artifact": first.artifact}))
    assert one.text == "prune(0) is identical to float32: the same file"


def test_what_the_run_compared_itself_is_what_is_told():
    stored = Comparison(
        against="net/float32", metric="latency_p50", ratio=0.5, ci_low=0.4, ci_high=0.625, confidence=0.95, sentence=""
    )
    plain, fast = version("float32", 0.00158), version("int8", 0.001).model_copy(update={"comparisons": (stored,)})
    assert the_one(plain, fast).text == "int8 is 2.00x faster than float32 (1.60x to 2.50x), same size"
    assert speed_ratio(plain, fast).value == 0.5
    assert speed_ratio(plain, fast).low == 0.4


def test_both_ways_to_an_interval_agree():
    """That of the trials' own figures, and that of both entries' intervals."""
    local = [one for one in results().entries if one.device == "local"]
    made = [restated(one) for one in local if one.recipe in ("float32", "int8")]
    steps = {"int8": Steps((), "int8"), "float32": Steps(())}
    _, stored = with_comparisons(made, steps.get)
    assert stored.comparisons
    by_run, by_ends = speed_ratio(stored, made[0]), speed_ratio(made[1], made[0])
    assert by_ends.value == pytest.approx(by_run.value)
    assert (by_ends.low, by_ends.high) == pytest.approx((by_run.low, by_run.high), rel=1e-3)


def restated(made: Entry) -> Entry:
    """With the figures that the trials give."""
    trials = [trial.model_copy(update={"void": None}) for trial in made.trials]
    found = restate(made.measurements, "candidate", trials, [])
    return made.model_copy(update={"trials": trials, "measurements": found})


def test_accuracy_that_a_limit_holds_is_shipped_with_its_drop():
    fast = limited(version("int8", 0.001, correct=976), "accuracy_drop", "accuracy", limit=0.01, value=0.004)
    one = the_one(version("float32", 0.00158, correct=980), fast)
    assert one.choice == "ship int8: the fastest of 2 that hold their limits, accuracy drop 0.40 pt of at most 1.00 pt"
    assert one.shipped is not None and one.shipped.recipe == "int8"


def test_accuracy_that_no_limit_holds_is_to_be_weighed():
    one = the_one(version("float32", 0.00158, correct=980), version("int8", 0.001, correct=976))
    assert one.choice == "to weigh: int8 is the fastest, float32 has 0.40 pt more accuracy, and no limit on it decides"
    assert one.shipped is None


def test_a_faster_one_that_failed_is_named_and_not_shipped():
    one = the_one(
        version("float32", 0.003, correct=980),
        version("int8", 0.002, correct=980),
        version("prune(0.9)+int8", 0.001, correct=700, status=Status.FAIL),
    )
    assert one.text.startswith("int8 is 1.50x faster than float32")
    assert one.choice == "ship int8: the fastest of 2 that hold their limits (prune(0.9)+int8 is faster: failed)"


def test_where_none_holds_there_is_nothing_to_ship():
    one = the_one(version("float32", 0.002, status=Status.FAIL), version("int8", 0.001, status=Status.INCONCLUSIVE))
    assert one.text.startswith("int8 is 2.00x faster")
    assert one.choice == "nothing to ship: none of 2 holds its limits"


def test_what_could_not_be_measured_counts_and_is_compared_with_nothing():
    bad = entry("rpi4", "net", None, Status.ERROR, reason="killed", p50_s=None)
    unfit = version("float16", 0.0001, status=Status.INVALID)
    one = the_one(version("float32", 0.002, status=Status.FAIL), version("int8", 0.001), bad, unfit)
    assert one.choice == "ship int8: of 4 the only one that holds its limits; its accuracy is not known"


def test_a_version_that_one_of_its_tests_failed_does_not_hold():
    twice = [version("int8", 0.001), version("int8", 0.001, status=Status.FAIL)]
    one = the_one(version("float32", 0.002), *twice)
    assert one.choice.startswith("ship float32: of 2 the only one that holds its limits (int8 is faster: passed")


def test_without_limits_it_says_so():
    free = [
        version(recipe, seconds, status=Status.MEASURED) for recipe, seconds in (("float32", 0.002), ("int8", 0.001))
    ]
    found = concluded(*free)
    assert [one.text for one in found if not one.device] == ["no entry has a limit"]
    assert found[0].choice == "ship int8: the fastest of 2; it has no limit, its accuracy is not known"


def test_candidates_of_one_recipe_each_are_held_against_each_other_where_they_do_the_same_work():
    first, second = version(None, 0.002, candidate="slow"), version("int8", 0.001, candidate="fast")
    one = the_one(first, second)
    assert (one.candidate, one.text) == ("", "fast/int8 is 2.00x faster than slow (1.99x to 2.01x), same size")
    assert second.artifact is not None
    wide = second.artifact.inputs[0].model_copy(update={"shape": (1, 224, 224, 3)})
    other = second.model_copy(update={"artifact": second.artifact.model_copy(update={"inputs": [wide]})})
    assert concluded(first, other) == []


def test_other_threads_are_not_compared():
    assert concluded(version("float32", 0.002), version("int8", 0.001).model_copy(update={"num_threads": 4})) == []


def test_guesses_are_no_accuracy():
    plain, fast = version("float32", 0.002, correct=100), version("int8", 0.001, correct=90)
    assert fast.artifact is not None
    guess = fast.artifact.verification.accuracy
    assert guess is not None
    chance = changed_artifact(fast.artifact, accuracy=guess.model_copy(update={"by_chance": True}))
    assert "accuracy" not in the_one(plain, fast.model_copy(update={"artifact": chance})).text


def test_a_drop_is_told_with_its_interval():
    drop = AccuracyDrop(
        value=0.004, ci_low=-0.001, ci_high=0.009, confidence=0.95, p_value=None, lost=9, gained=5, n=1000, obtained=""
    )
    fast = version("int8", 0.001, correct=976)
    assert fast.artifact is not None
    fast = fast.model_copy(update={"artifact": changed_artifact(fast.artifact, accuracy_drop=drop)})
    basis = the_one(version("float32", 0.002, correct=980), fast).basis
    assert basis.endswith("accuracy counted over 1000 samples, 95 % interval -0.90 to +0.10 pt")


def test_of_the_whole_run_it_says_what_has_no_limit_and_what_did_not_change():
    skipped = Finding(gate="regression", metric="latency_p50", status=Status.MEASURED, reason="skipped", limit=0.02)
    free = version("float32", 0.001, status=Status.MEASURED)
    entries = [
        free,
        free.model_copy(update={"candidate": "b", "findings": [skipped]}),
        without_comparison(version("int8", 0.001, candidate="c"), "identical", "the same file"),
        *(version("int8", 0.001, candidate=f"d{number}") for number in range(5)),
    ]
    assert [one.text for one in concluded(*entries) if not one.device] == [
        "1 of 8 entries has no limit",
        "1 of 8 entries has limits against a baseline only, and there was none",
        "1 of 8 entries has not changed: identical with its baseline",
    ]


def test_a_run_without_entries_concludes_nothing():
    assert concluded() == []


def test_names_that_steer_are_made_visible():
    one = the_one(version(HOSTILE, 0.002), version("int8", 0.001))
    assert visible(HOSTILE) in one.text
    assert "\x1b" not in one.text and "\u202e" not in one.choice


EXTREME = st.floats(min_value=5e-324, max_value=1e30)
TWO = [version("float32", 0.002), version("int8", 0.001)]


@given(st.lists(st.tuples(EXTREME, EXTREME, EXTREME), min_size=2, max_size=2))
def test_any_figures_give_a_line(figures):
    made = []
    for one, (value, low, high) in zip(TWO, figures, strict=True):
        wild = one.measurements[0].model_copy(update={"value": value, "ci_low": low, "ci_high": high})
        made.append(one.model_copy(update={"measurements": [wild]}))
    ratio = speed_ratio(made[1], made[0])
    if ratio.low is not None and ratio.high is not None:
        assert 0 < ratio.low <= ratio.value <= ratio.high
    assert the_one(*made).text


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(1.576, "1.58x"), (0.34, "0.34x"), (0.0123, "0.0123x"), (9.996, "10.0x"), (12.34, "12.3x"), (312.4, "312x")],
)
def test_ratios_have_three_digits(ratio, shown):
    assert times(ratio) == shown


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((1.005, 1.25), "int8 may be faster than float32, or as fast (1.00x to 1.25x)"),
        ((0.8, 0.995), "int8 may be slower than float32, or as fast (0.80x to 0.99x)"),
        ((0.8, 1.25), "int8 may be faster or slower than float32 (0.80x to 1.25x)"),
    ],
)
def test_a_wide_interval_on_one_side_names_that_side_alone(ends: tuple[float, float], said: str):
    one = SpeedRatio(1.0, *ends, basis="")
    assert (one.verdict, one.sentence("int8", "float32")) == ("open", said)


def test_what_the_exit_code_says_is_not_concluded_beside_it():
    run = results().run.model_copy(update={"exit_code": 0})
    free = results().model_copy(update={"run": run, "entries": [version("int8", 0.001, status=Status.MEASURED)]})
    assert "the entry has no limit" in exit_meaning(free)
    assert [one.text for one in conclusions(free)] == ["the entry has no limit"]
    assert conclusions_beside_exit(free) == []
