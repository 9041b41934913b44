"""Which limits may be waived, to what: a tenth beyond all that was judged, in two digits, and laxer than the limit."""

import tomllib
from datetime import date

import pytest

from harness.gates import load_budgets
from harness.gates.edit_budgets import WaiverText, edit_waivers
from harness.gates.propose_waivers import last_day, propose_waivers
from harness.records.entry import Entry, Finding
from harness.records.errors import BudgetsError
from harness.records.status import Status
from harness.testing import make_entry

WAIVER = WaiverText("rpi4", "net/int8", "latency_p50", "5 ms", date(2026, 12, 1), "#1", 'it says "slow"')


def broke(gate: str, metric: str | None, *, limit: float | None, value: float | None, **bounds: float) -> Finding:
    return Finding(
        gate=gate, metric=metric, status=Status.FAIL, reason=f"{metric} is broken", limit=limit, value=value, **bounds
    )


def entry(*findings: Finding, device: str = "rpi4") -> Entry:
    return make_entry(device=device, candidate="net", recipe="int8", status=Status.FAIL, findings=list(findings))


@pytest.mark.parametrize(
    ("finding", "key", "limit"),
    [
        (broke("budget", "latency_p50", limit=0.004, value=0.00431, ci_high=0.00436, bound_high=0.00441),
         "latency_p50", "4.9 ms"),
        (broke("budget", "model_size", limit=60_000.0, value=61_300.0), "model_size", "62 kB"),
        (broke("budget", "accuracy", limit=0.97, value=0.9644, ci_low=0.95), "accuracy", "96 %"),
        (broke("budget", "throughput", limit=300.0, value=287.0, bound_low=281.0), "throughput", "250 /s"),
        (broke("regression", "latency_p50", limit=0.05, value=0.99, ci_high=1.08, bound_high=1.153),
         "latency_p50_regression", "130 %"),
        (broke("regression", "accuracy", limit=0.01, value=0.0111, ci_high=0.03), "accuracy_regression", "1.2 pt"),
        (broke("accuracy_drop", "accuracy", limit=0.01, value=0.0111, ci_high=0.03), "accuracy_drop", "1.2 pt"),
    ],
)  # fmt: skip
def test_a_waiver_admits_what_was_judged(finding, key, limit):
    (one,) = propose_waivers([entry(finding)])
    assert (one.device, one.candidate, one.metric, one.limit) == ("rpi4", "net/int8", key, limit)
    assert one.why == finding.reason


@pytest.mark.parametrize(
    "finding",
    [
        broke("outputs", None, limit=None, value=None),
        broke("budget", "no_metric", limit=1.0, value=2.0),
        broke("budget", "latency_p50", limit=None, value=2.0),
        broke("budget", "latency_p50", limit=0.004, value=None),
        broke("budget", "latency_p50", limit=0.004, value=0.003),
        broke("budget", "latency_p50", limit=0.004, value=1.2e7),
        broke("budget", "latency_p50", limit=0.004, value=0.005).model_copy(update={"status": Status.INVALID}),
    ],
)
def test_what_no_limit_broke_is_not_waived(finding):
    assert propose_waivers([entry(finding)]) == []


def test_a_name_that_cannot_be_seen_stands_in_no_file():
    assert propose_waivers([entry(broke("budget", "latency_p50", limit=0.004, value=0.005), device="a\x1bb")]) == []


def test_of_several_tests_the_laxest_is_proposed():
    found = [broke("budget", "latency_p50", limit=0.004, value=value) for value in (0.005, 0.006, 0.0055)]
    (one,) = propose_waivers([entry(finding) for finding in found])
    assert one.limit == "6.6 ms"


@pytest.mark.parametrize(
    ("made", "day"),
    [("2026-11-24T05:45:00Z", date(2026, 12, 24)), ("yesterday", None), ("9999-12-30T00:00:00Z", None)],
)
def test_the_last_day_counts_from_when_the_run_was_made(made, day):
    assert last_day(made) == day


def test_a_waiver_is_written_behind_all_else_and_read_as_it_was(tmp_path):
    text = edit_waivers('# top\n[rpi4."net/*"]\nlatency_p50 = "4 ms"  # May\n', [WAIVER], label="budgets.toml")
    assert text.startswith('# top\n[rpi4."net/*"]\nlatency_p50 = "4 ms"  # May\n\n[[waiver]]\n')
    (tmp_path / "budgets.toml").write_text(text)
    (read,) = load_budgets(tmp_path / "budgets.toml").waivers
    assert (read.device, read.pattern, read.limit.text, read.reason) == ("rpi4", "net/int8", "5 ms", 'it says "slow"')


def test_one_that_stands_is_changed_in_its_place_and_comments_stay():
    before = edit_waivers("", [WAIVER], label="budgets.toml").replace("limit =", "# as measured\nlimit =") + "# end\n"
    after = edit_waivers(before, [WaiverText(*WAIVER.place, "6 ms", date(2026, 12, 1), "#1", WAIVER.reason)], label="x")
    assert after == before.replace("5 ms", "6 ms")
    assert edit_waivers(after, [], label="x") == after


@pytest.mark.parametrize("text", ["waiver = []\n", 'waiver = [{ device = "other" }]\n'])
def test_a_list_in_one_line_takes_no_further_table(text):
    with pytest.raises(
        BudgetsError, match=r"budgets.toml: is written in a way that cannot be edited; write its waivers"
    ):
        edit_waivers(text, [WAIVER], label="budgets.toml")


def test_what_stands_is_toml_whatever_was_given():
    odd = WaiverText("a b", 'x"\\y', "latency_p50", "5 ms", date(2026, 12, 1), "#1", "naïve ```\t")
    (read,) = tomllib.loads(odd.toml)["waiver"]
    assert read == odd.keys
