"""A budget's key and value become a limit, or one line that says what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gates import load_budgets, parse_limit, parse_limits
from harness.gates.limits import reading_order, stricter
from harness.records.errors import BudgetsError


@pytest.mark.parametrize(
    ("key", "value", "number", "kind"),
    [
        ("latency_p50", "4 ms", 0.004, "absolute"),
        ("model_size", "60 kB", 60_000, "absolute"),
        ("throughput", "200 /s", 200, "absolute"),
        ("accuracy", "97 %", 0.97, "absolute"),
        ("accuracy_drop", "1 pt", 0.01, "accuracy_drop"),
        ("latency_p50_regression", "2 %", 0.02, "regression"),
        ("throughput_regression", {"max": "5 %"}, 0.05, "regression"),
        ("accuracy", {"min": "97 %"}, 0.97, "absolute"),
        ("accuracy", {"max": "12 %"}, 0.12, "absolute"),
        ("accuracy", "31.5 dB", 31.5, "absolute"),
        ("accuracy_drop", "0.5 dB", 0.5, "accuracy_drop"),
    ],
)
def test_a_key_and_a_value_give_a_limit_in_si_units(key, value, number, kind):
    limit = parse_limit(key, value, origin="marker")

    assert limit.value == pytest.approx(number)
    assert (limit.kind, limit.key, limit.source) == (kind, key, None)


def test_a_modelled_energy_is_asked_for_by_name():
    limit = parse_limit("energy_per_inference", {"max": "15 mJ", "source": "model"}, origin="marker")

    assert (limit.value, limit.source) == (pytest.approx(0.015), "model")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("latncy_p50", "4 ms", "did you mean latency_p50"),
        ("latency_p50_regresion", "2 %", "did you mean latency_p50_regression"),
        ("acuracy_drop", "1 pt", "did you mean accuracy_drop"),
        (
            "latncy_p50_regression",
            "2 %",
            "no metric is called 'latncy_p50_regression'; did you mean latency_p50_regression",
        ),
        ("zzz_regression", "2 %", "no metric is called 'zzz_regression'"),
        ("zzz", "1", "metrics are latency_p50"),
        ("latency_p50", "4", "has no unit"),
        ("latency_p50", "4 kB", "a size in bytes"),
        ("latency_p50", "4 mss", "did you mean ms"),
        ("latency_p50", 4, "no text with a unit"),
        ("latency_p50", True, "no text with a unit"),
        ("latency_p50", "-4 ms", "negative"),
        ("accuracy_drop", "1 ms", "expected percentage points"),
        ("latency_p50", {"min": "4 ms"}, "unknown 'min'"),
        ("accuracy", {"max": "90 %", "min": "80 %"}, "unknown 'max'"),
        ("accuracy", "97 percent", "expected a share"),
        ("latency_p50", {"max": 4}, "no text under 'max'"),
        ("latency_p50", {"max": "4 ms", "source": "model"}, "only energy and power"),
        ("power_mean", {"max": "4 W", "source": "modle"}, '"model" is the only one'),
    ],
)
def test_what_is_wrong_is_said_in_one_line(key, value, told):
    with pytest.raises(BudgetsError) as caught:
        parse_limit(key, value, origin="marker")

    assert told in str(caught.value)
    assert str(caught.value).startswith("marker: ")
    assert "\n" not in str(caught.value)


def test_a_marker_tells_all_its_problems_at_once():
    with pytest.raises(BudgetsError) as caught:
        parse_limits({"latncy_p50": "4 ms", "model_size": "60 kB", "accuracy": "9"}, origin="marker")

    assert "marker latncy_p50: " in str(caught.value)
    assert "marker accuracy: " in str(caught.value)
    assert "model_size" not in str(caught.value)


def test_a_limit_of_nothing_is_one():
    assert parse_limit("accuracy_drop", "0 pt", origin="marker").value == 0.0


@pytest.mark.parametrize(
    ("key", "value", "text", "is_floor"),
    [
        ("latency_p50", "4 ms", "4 ms", False),
        ("throughput", "200 /s", "200 /s", True),
        ("throughput_regression", "5 %", "5 %", False),
        ("accuracy", "97 %", "97 %", True),
        ("accuracy_regression", "1 pt", "1 pt", False),
        ("accuracy_drop", "1 pt", "1 pt", False),
    ],
)
def test_a_limit_is_a_ceiling_unless_a_metric_of_which_more_is_better_must_reach_it(key, value, text, is_floor):
    limit = parse_limit(key, value, origin="marker")
    assert (limit.text, limit.is_floor) == (text, is_floor)


@pytest.mark.parametrize(("key", "strict", "loose"), [("latency_p50", "4 ms", "5 ms"), ("accuracy", "98 %", "97 %")])
def test_of_two_limits_the_stricter_admits_less_and_of_equal_ones_it_is_the_first(key, strict, loose):
    less, more = parse_limit(key, strict, origin="a"), parse_limit(key, loose, origin="b")
    assert stricter(less, more) is stricter(more, less) is less
    again = parse_limit(key, strict, origin="c")
    assert stricter(less, again) is less and stricter(again, less) is again


def test_a_limit_that_lets_no_model_be_judged_is_the_stricter_of_equal_ones():
    plain = parse_limit("power_mean", "4 W", origin="a")
    model = parse_limit("power_mean", {"max": "4 W", "source": "model"}, origin="a")
    assert stricter(plain, model) is stricter(model, plain) is plain


def test_limits_are_read_in_the_order_of_the_metrics_then_by_kind_value_and_place():
    texts = [("model_size", "1 kB", "a"), ("latency_p50_regression", "1 %", "a"), ("latency_p50", "2 ms", "b")]
    limits = [parse_limit(key, text, origin=origin) for key, text, origin in texts]
    limits += [parse_limit("latency_p50", text, origin=origin) for text, origin in (("2 ms", "a"), ("1 ms", "c"))]
    assert [(one.key, one.value, one.origin) for one in sorted(limits, key=reading_order)] == [
        ("latency_p50", 0.001, "c"),
        ("latency_p50", 0.002, "a"),
        ("latency_p50", 0.002, "b"),
        ("latency_p50_regression", 0.01, "a"),
        ("model_size", 1000.0, "a"),
    ]


@given(
    key=st.text(),
    value=st.one_of(st.text(), st.integers(), st.none(), st.dictionaries(st.text(), st.text(), max_size=2)),
)
def test_whatever_is_written_gives_a_limit_or_a_budgets_error(key, value):
    try:
        limit = parse_limit(key, value, origin="marker")
    except BudgetsError as error:
        assert error.exit_code == 4
        assert len(str(error).splitlines()) == 1
    else:
        assert limit.key == key


GOOD = """
[rpi4."kws_ds_cnn/int8"]
latency_p50 = "4 ms"
peak_memory = "60 MB"
[rpi4."kws_ds_cnn/*"]
latency_p50_regression = "2 %"
energy_per_inference = { max = "15 mJ", source = "model" }
"""


def test_a_file_becomes_tables_that_know_where_they_stand(tmp_path):
    path = tmp_path / "benchmarks" / "budgets.toml"
    path.parent.mkdir()
    path.write_text(GOOD)

    budgets = load_budgets(path, rootdir=tmp_path)

    assert [(table.device, table.pattern) for table in budgets.tables] == [
        ("rpi4", "kws_ds_cnn/int8"),
        ("rpi4", "kws_ds_cnn/*"),
    ]
    assert budgets.tables[0].limits[0].origin == 'benchmarks/budgets.toml [rpi4."kws_ds_cnn/int8"] latency_p50'
    assert budgets.tables[1].limits[1].source == "model"


def test_a_file_tells_all_its_problems_in_one_line(tmp_path):
    path = tmp_path / "budgets.toml"
    path.write_text('stray = "4 ms"\n[rpi4]\nlatency_p50 = "4 ms"\n[rpi4."x/*"]\nmodel_sise = "6 kB"\naccuracy = 1\n')

    with pytest.raises(BudgetsError) as caught:
        load_budgets(path, rootdir=tmp_path)

    message = str(caught.value)
    assert "\n" not in message
    assert "budgets.toml stray: stands outside a table" in message
    assert "budgets.toml [rpi4] latency_p50: names no candidate" in message
    assert "did you mean model_size" in message
    assert 'budgets.toml [rpi4."x/*"] accuracy: 1 is no text' in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[rpi4."x"]', 'budgets.toml [rpi4."x"]: limits nothing; give it a limit'),
        ('rpi4."x/*" = {}', 'budgets.toml [rpi4."x/*"]: limits nothing'),
        ("[rpi4]", "budgets.toml [rpi4]: names no candidate"),
    ],
)
def test_a_table_that_is_empty_is_refused(tmp_path, text, told):
    path = tmp_path / "budgets.toml"
    path.write_text(f'{text}\n[rpi5."y"]\nmodel_size = "6 kB"\n')

    with pytest.raises(BudgetsError) as caught:
        load_budgets(path, rootdir=tmp_path)

    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[rpi4", "not valid TOML"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b"\xef\xbb\xbf[rpi4]", "byte order mark"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_toml_is_one_line(tmp_path, content, told):
    path = tmp_path / "budgets.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BudgetsError) as caught:
        load_budgets(path)

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
