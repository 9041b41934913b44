"""Which limits hold: nearest device, most specific pattern, stricter of file and marker."""

from pathlib import Path

import pytest

from harness.gates import Budgets, BudgetTable, find_budgets, limits_for, load_budgets, parse_limits, unused_keys


@pytest.fixture
def budgets_of(tmp_path):
    def write(text):
        path = tmp_path / "budgets.toml"
        path.write_text(text)
        return load_budgets(path, rootdir=tmp_path)

    return write


def values(limits):
    return {limit.key: limit.value for limit in limits}


def test_the_nearest_file_upward_is_found_and_none_above_the_root(tmp_path):
    deep = tmp_path / "root" / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "budgets.toml").write_text("")
    assert find_budgets(deep / "test_x.py", tmp_path / "root") is None

    (tmp_path / "root" / "budgets.toml").write_text("")
    assert find_budgets(deep / "test_x.py", tmp_path / "root") == tmp_path / "root" / "budgets.toml"

    (deep / "budgets.toml").write_text("")
    assert find_budgets(deep / "test_x.py", tmp_path / "root") == deep / "budgets.toml"


def test_a_profile_inherits_the_budgets_of_what_it_extends_and_overrides_key_by_key(budgets_of):
    budgets = budgets_of("""
    [rpi4."kws/int8"]
    latency_p50 = "4 ms"
    model_size = "60 kB"
    [pi-07."kws/*"]
    latency_p50 = "6 ms"
    """)

    assert values(limits_for(budgets, ("pi-07", "rpi4"), "kws/int8", today=None)) == {
        "latency_p50": 0.006,
        "model_size": 60_000,
    }
    assert values(limits_for(budgets, ("rpi4",), "kws/int8", today=None)) == {
        "latency_p50": 0.004,
        "model_size": 60_000,
    }
    assert limits_for(budgets, ("rpi5",), "kws/int8", today=None) == ()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_an_exact_name_beats_a_glob_and_a_narrow_glob_a_wide_one(budgets_of, order):
    tables = [
        '[rpi4."*"]\nlatency_p50 = "9 ms"\nmodel_size = "9 kB"\naccuracy = "90 %"\n',
        '[rpi4."kws/*"]\nlatency_p50 = "8 ms"\nmodel_size = "8 kB"\n',
        '[rpi4."kws/int8"]\nlatency_p50 = "10 ms"\n',
    ]
    budgets = budgets_of("".join(tables[i] for i in order))

    assert values(limits_for(budgets, ("rpi4",), "kws/int8", today=None)) == {
        "latency_p50": 0.01,
        "model_size": 8_000,
        "accuracy": pytest.approx(0.9),
    }


def test_of_two_equally_specific_globs_the_stricter_holds(budgets_of):
    budgets = budgets_of('[d."a*"]\nlatency_p50 = "5 ms"\n[d."*b"]\nlatency_p50 = "4 ms"\n')

    assert values(limits_for(budgets, ("d",), "ab", today=None)) == {"latency_p50": 0.004}


def test_of_file_and_marker_the_stricter_holds_for_ceilings_and_floors(budgets_of):
    budgets = budgets_of('[d."x"]\nlatency_p50 = "4 ms"\naccuracy = "95 %"\nmodel_size = "60 kB"\n')
    marker = parse_limits({"latency_p50": "5 ms", "accuracy": "97 %", "accuracy_drop": "1 pt"}, origin="marker")

    limits = limits_for(budgets, ("d",), "x", marker, today=None)

    assert {limit.key: limit.origin.split(" ")[0] for limit in limits} == {
        "latency_p50": "budgets.toml",
        "accuracy": "marker",
        "accuracy_drop": "marker",
        "model_size": "budgets.toml",
    }


def test_a_recipe_with_brackets_matches_its_own_name(budgets_of):
    budgets = budgets_of('[d."x/prune(0.8)+int8"]\nlatency_p50 = "4 ms"\n[d."y[1]"]\nlatency_p50 = "1 ms"\n')

    assert values(limits_for(budgets, ("d",), "x/prune(0.8)+int8", today=None)) == {"latency_p50": 0.004}
    assert values(limits_for(budgets, ("d",), "y[1]", today=None)) == {"latency_p50": 0.001}


def test_tables_that_match_nothing_are_named_with_the_nearest_word(budgets_of):
    budgets = budgets_of("""
    [rpi4."kws/int8"]
    latency_p50 = "4 ms"
    [rpi4."kws/int9"]
    latency_p50 = "4 ms"
    [rpi44."kws/*"]
    latency_p50 = "4 ms"
    [rpi5."kws/*"]
    latency_p50 = "4 ms"
    """)
    seen = {("pi-07", "kws/int8"), ("rpi4", "kws/int8"), ("rpi4", "digits/int8")}

    wrong_pattern, wrong_device = unused_keys(budgets, seen, devices=["rpi4", "rpi5"])

    assert "matches no candidate; did you mean kws/int8?" in wrong_pattern
    assert "[rpi44.\"kws/*\"]: no device is called 'rpi44'; did you mean" in wrong_device
    assert unused_keys(budgets, seen) == (wrong_pattern,)
    assert unused_keys(budgets, seen, devices=["rpi4", "rpi5"], all_seen=False) == (wrong_device,)
    assert unused_keys(budgets, seen, all_seen=False) == ()


def test_a_device_of_this_run_is_known_though_no_profile_of_its_name_is():
    table = BudgetTable("pi-07", "kws/*", ())
    budgets = Budgets(path=Path("budgets.toml"), label="budgets.toml", tables=(table,))
    assert unused_keys(budgets, {("pi-07", "kws/int8")}, devices=["rpi4"]) == ()


def test_of_globs_that_match_the_one_with_more_letters_of_its_own_is_nearer(budgets_of):
    budgets = budgets_of('[d."kw?/*"]\nlatency_p50 = "5 ms"\n[d."k*/i*"]\nlatency_p50 = "4 ms"\n')
    assert values(limits_for(budgets, ("d",), "kws/int8", today=None)) == {"latency_p50": 0.004}
    budgets = budgets_of('[d."kws/*"]\nlatency_p50 = "5 ms"\n[d."k*"]\nlatency_p50 = "4 ms"\n')
    assert values(limits_for(budgets, ("d",), "kws/int8", today=None)) == {"latency_p50": 0.005}


@pytest.mark.parametrize(("rootdir", "label"), [(None, "{path}"), ("elsewhere", "{path}"), (".", "a/budgets.toml")])
def test_a_file_is_named_from_the_root_that_it_lies_in(tmp_path, rootdir, label):
    path = tmp_path / "a" / "budgets.toml"
    path.parent.mkdir()
    path.write_text('[d."x"]\nlatency_p50 = "4 ms"\n')
    loaded = load_budgets(path, rootdir=None if rootdir is None else tmp_path / rootdir)
    assert loaded.label == label.format(path=path.as_posix())
