"""What a test reads of the entry that bench returns."""

import pytest
from pydantic import ValidationError

from harness.records.entry import Histogram, Measurement
from harness.records.metrics import METRICS
from harness.records.nearest import nearest
from harness.testing import make_entry

P50 = Measurement(metric="latency_p50", unit="s", better="lower", value=0.004, ci_low=0.00398, ci_high=0.00402, n=10)
ENERGY = Measurement(metric="energy_per_inference", unit="J", better="lower", value=None, reason="no power source")
ENTRY = make_entry(device="pi-07", candidate="kws", recipe="int8", measurements=[ENERGY, P50])


def test_a_metric_is_read_by_its_name():
    assert ENTRY["latency_p50"].value == 0.004
    assert (ENTRY["energy_per_inference"].value, ENTRY["energy_per_inference"].reason) == (None, "no power source")


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("latency", "latency is no metric: did you mean latency_p50?"),
        ("latencyp50", "did you mean latency_p50?"),
        ("accuracy", "accuracy was not measured: measured: energy_per_inference, latency_p50"),
        ("zzz", "zzz is no metric: measured: energy_per_inference, latency_p50"),
    ],
)
def test_another_word_is_a_key_error_in_one_line(word, told):
    with pytest.raises(KeyError) as caught:
        ENTRY[word]
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_entries_and_measurements_are_short_where_a_test_shows_them():
    assert repr(ENTRY) == str(ENTRY) == "<Entry kws/int8 on pi-07: MEASURED, latency_p50 4 ms>"
    assert repr(P50) == "<latency_p50 4 ms (3.98-4.02 ms)>"
    assert repr(P50.model_copy(update={"ci_low": None})) == "<latency_p50 4 ms>"
    assert repr(P50.model_copy(update={"ci_high": None})) == "<latency_p50 4 ms>"
    assert repr(ENERGY.model_copy(update={"reason": None})) == "<energy_per_inference unknown: no reason was given>"
    assert repr(ENERGY) == "<energy_per_inference unknown: no power source>"
    nothing = P50.model_copy(update={"value": 0.0})
    assert (
        repr(make_entry(device="pi-07", measurements=[nothing])) == "<Entry model on pi-07: MEASURED, latency_p50 0 s>"
    )
    assert repr(make_entry(device="pi-07", candidate="kws")) == "<Entry kws on pi-07: MEASURED>"


def test_a_histogram_has_256_bins_at_most():
    edges = [float(edge) for edge in range(258)]
    assert Histogram(edges_s=edges[:257], counts=[1] * 256)
    with pytest.raises(ValidationError, match="at most 256 items"):
        Histogram(edges_s=edges, counts=[1] * 257)


@pytest.mark.parametrize(("word", "known"), [("abcde", "abcxy"), ("ABCDE", "abcxy"), ("abcde", "abwxy")])
def test_a_word_is_like_another_of_which_it_has_three_fifths(word, known):
    assert nearest(word, [known]) == (known if known == "abcxy" else None)
    assert nearest(word, [known], least=0.61) is None
    assert nearest(word, [known], least=0.4) == known


def test_of_words_as_near_the_first_is_meant():
    assert nearest("latency", METRICS) == "latency_p50"
    assert nearest("LATENCY_P5", METRICS) == "latency_p50"
    assert nearest("peak_mem", METRICS) == "peak_memory"
    assert nearest("x", METRICS) is None
