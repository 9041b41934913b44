"""Waivers: read strictly, laid over resolved limits until a day, never stricter, never unnoticed."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gates import (
    BudgetedCandidate,
    Budgets,
    BudgetTable,
    Limit,
    Waiver,
    expired_sentences,
    limits_for,
    load_budgets,
    parse_limit,
    parse_limits,
    unused_waivers,
)
from harness.records.errors import BudgetsError

TODAY = date(2026, 11, 24)
TABLES = """
[rpi4."kws/int8"]
latency_p50 = "4 ms"
latency_p50_regression = "2 %"
accuracy = "97 %"
accuracy_drop = "1 pt"
"""
WAIVER = {
    "device": '"rpi4"',
    "candidate": '"kws/*"',
    "metric": '"latency_p50_regression"',
    "limit": '"8 %"',
    "until": "2026-12-01",
    "issue": '"#123"',
    "reason": '"the new kernel is slower"',
}


def waiver(**changes):
    keys = WAIVER | changes
    return "[[waiver]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


@pytest.fixture
def budgets_of(tmp_path):
    def write(*waivers, tables=TABLES):
        path = tmp_path / "budgets.toml"
        path.write_text(tables + "".join(waivers))
        return load_budgets(path, rootdir=tmp_path)

    return write


def held(budgets, lineage=("rpi4",), candidate="kws/int8", marker=(), today=TODAY):
    return {limit.key: limit for limit in limits_for(budgets, lineage, candidate, marker, today=today)}


def test_a_waiver_stands_in_for_the_limit_and_says_why(budgets_of):
    budgets = budgets_of(waiver())

    limit = held(budgets)["latency_p50_regression"]

    assert limit.value == pytest.approx(0.08)
    said = "limit 2 % waived to 8 % until 2026-12-01 (#123: the new kernel is slower)"
    assert limit.waiver == f"{said}; expires in 7 days: then 2 % holds again"
    early = held(budgets, today=date(2026, 11, 16))["latency_p50_regression"]
    assert (early.waiver, early.expired) == (said, None)
    assert limit.origin == 'budgets.toml [rpi4."kws/int8"] latency_p50_regression'
    assert [limit.key for limit in held(budgets).values() if limit.waiver] == ["latency_p50_regression"]


def test_it_holds_on_its_last_day_and_not_on_the_next(budgets_of):
    budgets = budgets_of(waiver())

    assert held(budgets, today=date(2026, 12, 1))["latency_p50_regression"].waiver
    after = held(budgets, today=date(2026, 12, 2))["latency_p50_regression"]
    assert (after.value, after.waiver) == (pytest.approx(0.02), None)
    assert after.expired == "the waiver to 8 % expired on 2026-12-01 (#123: the new kernel is slower)"
    assert expired_sentences(budgets.waivers, date(2026, 12, 1)) == ()
    (said,) = expired_sentences(budgets.waivers, date(2026, 12, 2))
    assert said.startswith('budgets.toml [[waiver]] 1 [rpi4."kws/*"] latency_p50_regression: expired on 2026-12-01')
    assert "#123" in said and "take it out" in said


def test_boards_that_extend_the_device_are_waived_and_others_not(budgets_of):
    budgets = budgets_of(waiver(), tables=TABLES + '[rpi5."kws/*"]\nlatency_p50_regression = "2 %"\n')

    assert held(budgets, lineage=("pi-07", "rpi4"))["latency_p50_regression"].waiver
    assert held(budgets, lineage=("rpi5",))["latency_p50_regression"].waiver is None
    assert held(budgets, candidate="digits/int8") == {}


def test_a_stricter_marker_is_waived_too(budgets_of):
    marker = parse_limits({"latency_p50_regression": "1 %"}, origin="marker")

    limit = held(budgets_of(waiver()), marker=marker)["latency_p50_regression"]

    assert (limit.value, limit.origin) == (pytest.approx(0.08), "marker latency_p50_regression")
    assert limit.waiver.startswith("limit 1 % waived to 8 %")


def test_a_floor_is_waived_downward(budgets_of):
    budgets = budgets_of(waiver(metric='"accuracy"', limit='"95 %"'))

    assert held(budgets)["accuracy"].value == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("metric", "limit"),
    [
        ("latency_p50_regression", "1 %"),
        ("latency_p50_regression", "2 %"),
        ("accuracy", "98 %"),
        ("latency_p50", "3 ms"),
    ],
)
def test_a_waiver_that_does_not_relax_is_refused(budgets_of, metric, limit):
    budgets = budgets_of(waiver(metric=f'"{metric}"', limit=f'"{limit}"'))

    with pytest.raises(BudgetsError, match="a waiver may only relax") as caught:
        held(budgets)
    assert f'budgets.toml [[waiver]] 1 [rpi4."kws/*"] {metric}: {limit} does not relax' in str(caught.value)
    assert "which holds for kws/int8" in str(caught.value)


def test_a_modelled_joule_keeps_its_source(budgets_of):
    tables = '[rpi4."kws/*"]\nenergy_per_inference = { max = "15 mJ", source = "model" }\n'
    budgets = budgets_of(waiver(metric='"energy_per_inference"', limit='"20 mJ"'), tables=tables)

    limit = held(budgets)["energy_per_inference"]

    assert (limit.value, limit.source) == (pytest.approx(0.02), "model")


def test_the_nearest_waiver_wins_as_tables_do(budgets_of):
    budgets = budgets_of(
        waiver(limit='"9 %"', candidate='"*"'),
        waiver(limit='"8 %"'),
        waiver(limit='"7 %"', candidate='"*/int8"'),
        waiver(limit='"5 %"', device='"pi-07"', candidate='"*"'),
    )

    assert held(budgets)["latency_p50_regression"].value == pytest.approx(0.07)
    assert held(budgets, lineage=("pi-07", "rpi4"))["latency_p50_regression"].value == pytest.approx(0.05)
    assert held(budgets_of(waiver(candidate='"kw*"'), waiver(limit='"7 %"', candidate='"*t8"')))[
        "latency_p50_regression"
    ].value == pytest.approx(0.07)


@pytest.mark.parametrize("key", WAIVER)
def test_every_key_is_required(budgets_of, key):
    with pytest.raises(BudgetsError, match=rf"budgets.toml \[\[waiver\]\] 1: {key} missing"):
        budgets_of(waiver(**{key: None}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"untill": "2026-12-01"}, "unknown key 'untill'; did you mean until"),
        ({"until": '"2026-12-01"'}, "expected a day without quotes, such as 2026-12-01"),
        ({"until": "2026-12-01T00:00:00Z"}, "expected a day without quotes"),
        ({"until": "2026-13-01"}, "not valid TOML"),
        ({"reason": '"  "'}, "expected a text that says something"),
        ({"issue": "123"}, "issue = 123: expected a text"),
        ({"limit": '{ max = "8 %" }'}, "expected a text"),
        ({"limit": '"8 ms"'}, '"8 ms" is a time: expected a share'),
        ({"limit": '"8"'}, "has no unit"),
        ({"metric": '"latency_p5"'}, "did you mean latency_p50"),
        ({"reason": '"""two\nlines"""'}, None),
    ],
)
def test_what_is_wrong_is_said_in_one_line(budgets_of, changes, told):
    if told is None:
        assert budgets_of(waiver(**changes)).waivers[0].reason == "two lines"
        return
    with pytest.raises(BudgetsError) as caught:
        budgets_of(waiver(**changes))
    assert told in str(caught.value)
    assert caught.value.exit_code == 4 and len(str(caught.value).splitlines()) == 1


def test_one_budget_is_waived_once(budgets_of):
    with pytest.raises(BudgetsError, match="waived twice; keep one") as caught:
        budgets_of(waiver(), waiver(limit='"9 %"'))
    assert "[[waiver]] 2" in str(caught.value) and "[[waiver]] 1" in str(caught.value)


@pytest.mark.parametrize("text", ["waiver = 3\n", '[waiver]\ndevice = "rpi4"\n', 'waiver = ["x"]\n'])
def test_a_waiver_of_another_shape_is_one_line(budgets_of, text):
    with pytest.raises(BudgetsError, match="is no list of waivers; write"):
        budgets_of(tables=text)


def test_every_problem_of_the_file_is_said_at_once(budgets_of):
    with pytest.raises(BudgetsError) as caught:
        budgets_of(waiver(limit='"8"'), tables='[rpi4."x"]\nlatncy_p50 = "4 ms"\n')
    assert "latncy_p50" in str(caught.value) and "[[waiver]] 1" in str(caught.value)


BUDGETED = [
    BudgetedCandidate(("pi-07", "rpi4"), "kws/int8", frozenset({"latency_p50", "latency_p50_regression"})),
    BudgetedCandidate(("rpi5",), "kws/int8", frozenset({"peak_memory"})),
]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, None),
        ({"device": '"pi-07"'}, None),
        ({"device": '"rpi44"'}, "no device is called 'rpi44'; did you mean rpi4?"),
        ({"candidate": '"kvs/int8"'}, "matches no candidate; did you mean kws/int8?"),
        ({"metric": '"peak_memory"', "limit": '"9 MB"'}, "no budget limits peak_memory there"),
        ({"device": '"rpi5"', "metric": '"peak_memory"', "limit": '"9 MB"'}, None),
    ],
)
def test_a_waiver_that_waives_nothing_is_told(budgets_of, changes, told):
    waivers = budgets_of(waiver(**changes)).waivers

    said = unused_waivers(waivers, BUDGETED, devices=("pi-07", "rpi4", "rpi5"))

    assert [told in sentence and "take the waiver out" in sentence for sentence in said] == ([True] if told else [])


def test_where_not_every_candidate_was_seen_only_devices_are_looked_at(budgets_of):
    strangers = {"candidate": '"kvs/int8"'}, {"device": '"rpi44"', "candidate": '"kvs/int8"'}
    waivers = budgets_of(*(waiver(**changes) for changes in strangers)).waivers

    (said,) = unused_waivers(waivers, BUDGETED, devices=("pi-07", "rpi4", "rpi5"), all_seen=False)

    assert said.startswith("budgets.toml [[waiver]] 2") and "no device is called 'rpi44'" in said


@pytest.mark.parametrize(
    ("today", "told"),
    [
        (date(2026, 11, 16), ""),
        (date(2026, 11, 17), "; expires in 14 days: then 2 % holds again"),
        (date(2026, 11, 30), "; expires in 1 day: then 2 % holds again"),
        (date(2026, 12, 1), "; expires today: then 2 % holds again"),
    ],
)
def test_a_waiver_says_when_it_ends_from_a_fortnight_before(budgets_of, today, told):
    said = held(budgets_of(waiver()), today=today)["latency_p50_regression"].waiver
    assert said.endswith(f"(#123: the new kernel is slower){told}")


def test_of_equally_near_waivers_the_one_that_relaxes_least_holds_whichever_stands_first(budgets_of):
    tight = waiver(limit='"7 %"', candidate='"kws/i*"'), waiver(limit='"9 %"', candidate='"kws/*8"')
    for order in (tight, tight[::-1]):
        assert held(budgets_of(*order))["latency_p50_regression"].value == pytest.approx(0.07)


DEVICES = st.sampled_from(["pi-07", "rpi4", "local"])
PATTERNS = st.sampled_from(["*", "kws/*", "*/int8", "kws/int8", "digits/*"])
KEYS = st.sampled_from(["latency_p50", "accuracy", "latency_p50_regression", "accuracy_drop"])
UNITS = {"latency_p50": "ms", "accuracy": "%", "latency_p50_regression": "%", "accuracy_drop": "pt"}


def limit_on(key, number):
    return parse_limit(key, f"{number} {UNITS[key]}", origin="made up")


LIMITS = st.builds(limit_on, KEYS, st.integers(40, 60))
TABLE = st.builds(lambda d, p, limit: BudgetTable(d, p, (limit,)), DEVICES, PATTERNS, LIMITS)
RELAXED = st.builds(lambda key, n: limit_on(key, 100 - n if key == "accuracy" else n), KEYS, st.integers(61, 99))
DAYS = st.integers(-3, 3).map(lambda days: TODAY + timedelta(days=days))
WAIVERS = st.builds(Waiver, DEVICES, PATTERNS, RELAXED, DAYS, st.just("#1"), st.just("why"))


def made(tables, waivers, path):
    return Budgets(path=path, label="budgets.toml", tables=tuple(tables), waivers=tuple(waivers))


@given(st.lists(TABLE, max_size=6), st.lists(WAIVERS, max_size=6), st.lists(LIMITS, max_size=3), st.randoms())
def test_waivers_only_ever_relax_what_a_budget_limits(tmp_path_factory, tables, waivers, marker, shuffled):
    path = tmp_path_factory.getbasetemp() / "budgets.toml"
    lineage = ("pi-07", "rpi4")
    without = held(made(tables, [], path), lineage=lineage, marker=marker)

    limits = held(made(tables, waivers, path), lineage=lineage, marker=marker)

    assert list(limits) == list(without)
    for key, limit in limits.items():
        if limit.waiver is None:
            assert replace(limit, expired=None) == without[key]
        else:
            assert limit.strictness < without[key].strictness
            assert limit.origin == without[key].origin
            assert any(w.limit.value == limit.value and w.holds(TODAY) and w.device in lineage for w in waivers)
    reordered = shuffled.sample(waivers, len(waivers))
    again = held(made(tables, reordered, path), lineage=lineage, marker=marker)
    assert {k: limit.value for k, limit in again.items()} == {k: limit.value for k, limit in limits.items()}


@given(st.lists(TABLE, max_size=6), st.lists(WAIVERS, max_size=6))
def test_an_expired_waiver_waives_nothing(tmp_path_factory, tables, waivers):
    path = tmp_path_factory.getbasetemp() / "budgets.toml"
    late = TODAY + timedelta(days=4)

    late_limits = held(made(tables, waivers, path), today=late)
    assert {key: replace(limit, expired=None) for key, limit in late_limits.items()} == held(made(tables, [], path))
    assert len(expired_sentences(waivers, late)) == len(waivers)


def test_a_limit_that_is_not_waived_says_nothing(tmp_path):
    limit = limit_on("latency_p50", 50)
    assert isinstance(limit, Limit) and limit.waiver is None and limit.text == "50 ms"
