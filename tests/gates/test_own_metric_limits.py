"""Limits on a metric of the user's own: its unit, which way is better, what was lost of it, and a run judged again."""

import pytest
from gates.judged_entries import SETTINGS, entry, lost, measured

from harness.gates import judge, parse_limits
from harness.gates.judge import stored_limits
from harness.records.artifact import AccuracyResult, Verification
from harness.records.candidate import OwnMetric
from harness.records.entry import ArtifactRecord, BaselineRecord
from harness.records.status import Status
from harness.testing import make_artifact

PSNR = OwnMetric("m:psnr", "PSNR", "dB", "higher")
ERROR = OwnMetric("m:error", "mean error", "px", "lower")
WER = OwnMetric("m:wer", "WER", "1", "lower")


def scored(metric, value, **changed):
    found = AccuracyResult(value=value, correct=None, n=50, dataset="own.npz", obtained="o", score="own", metric=metric)
    return found.model_copy(update=changed)


def judged(metric, value, limits, *, drop=None, baseline=None, recipe="int8"):
    artifact = make_artifact().model_copy(
        update={"verification": Verification(accuracy=scored(metric, value), accuracy_drop=drop)}
    )
    figure = measured("accuracy", value).model_copy(update={"unit": metric.unit, "better": metric.better})
    whole = entry(figure).model_copy(
        update={"artifact": ArtifactRecord.of(artifact), "recipe": recipe, "baseline": baseline}
    )
    return judge(whole, parse_limits(limits, origin="marker"), settings=SETTINGS)


@pytest.mark.parametrize(
    ("metric", "value", "limit", "status", "said"),
    [
        (PSNR, 31.2, "30 dB", Status.PASS, "accuracy (PSNR): 31.2 dB, floor 30 dB"),
        (PSNR, 29.0, "30 dB", Status.FAIL, "accuracy (PSNR): 29 dB, 3.3 % below floor 30 dB"),
        (ERROR, 2.1, {"max": "2.5 px"}, Status.PASS, "accuracy (mean error): 2.1 px, limit 2.5 px"),
        (ERROR, 2.6, {"max": "2.5 px"}, Status.FAIL, "accuracy (mean error): 2.6 px, 4.0 % above limit 2.5 px"),
        (WER, 0.08, {"max": "10 %"}, Status.PASS, "accuracy (WER): 8 %, limit 10 %"),
        (WER, 0.11, {"max": "10 %"}, Status.FAIL, "accuracy (WER): 11 %, 1 pt above limit 10 %"),
        (WER, 0.08, "10 %", Status.INVALID, 'less is better: write { max = "..." }'),
        (PSNR, 31.2, {"max": "30 dB"}, Status.INVALID, 'more is better: write { min = "..." }'),
        (PSNR, 31.2, "90 %", Status.INVALID, "what scores this candidate is in dB, and the limit is 90 %"),
        (WER, 0.08, {"max": "2 px"}, Status.INVALID, "is a share, to be limited in % or pt, and the limit is 2 px"),
    ],
)
def test_a_limit_is_held_in_the_metric_s_unit_and_direction(metric, value, limit, status, said):
    finding = judged(metric, value, {"accuracy": limit}).findings[-1]
    assert finding.status is status and said in finding.reason


def drop_of(value, low, high):
    return lost(0, 0, 50, low, high).model_copy(update={"value": value, "lost": None, "gained": None})


@pytest.mark.parametrize(
    ("metric", "drop", "limit", "status", "said"),
    [
        (
            ERROR,
            drop_of(0.3, 0.1, 0.5),
            "0.5 px",
            Status.PASS,
            "2.1 -> 2.4 px, 0.3 px lost against float32, limit 0.5 px",
        ),
        (ERROR, drop_of(0.3, 0.1, 0.5), "0.2 px", Status.FAIL, "0.3 px lost against float32, limit 0.2 px"),
        (WER, drop_of(0.02, 0.01, 0.03), "1 pt", Status.FAIL, "238 -> 240 %, 2 pt lost against float32, limit 1 pt"),
        (PSNR, drop_of(-0.1, None, None), "0.2 dB", Status.PASS, "2.3 -> 2.4 dB, 0.1 dB gained against float32"),
        (PSNR, drop_of(0.1, None, None), "1 pt", Status.INVALID, "is in dB, and the limit is 1 pt"),
    ],
)
def test_a_drop_is_held_in_the_metric_s_unit_whichever_way_is_better(metric, drop, limit, status, said):
    finding = judged(metric, 2.4, {"accuracy_drop": limit}, drop=drop).findings[-1]
    assert finding.status is status and said in finding.reason
    assert ("95 % interval" in finding.detail) == (drop.ci_low is not None and status is not Status.INVALID)


def test_the_base_is_compared_by_the_same_metric_alone():
    def against(metric, value, limit):
        record = ArtifactRecord.of(make_artifact(accuracy=scored(metric, value)))
        base = BaselineRecord(given="main", state="measured", sentence="the base", artifact=record)
        return judged(ERROR, 2.4, {"accuracy_regression": limit}, baseline=base).findings[-1]

    worse = against(ERROR, 2.1, "0.2 px")
    assert worse.status is Status.FAIL
    assert worse.reason == "accuracy (mean error): 2.1 -> 2.4 px, 0.3 px lost against main, limit 0.2 px"
    assert against(ERROR, 2.1, "0.4 px").status is Status.PASS
    assert against(ERROR, 2.1, "1 pt").status is Status.INVALID
    other = OwnMetric("m:other", "mean error", "px", "lower")
    assert against(other, 2.1, "0.4 px").reason.endswith("the baseline was scored by another metric")


@pytest.mark.parametrize("limits", [{"accuracy": {"max": "2.5 px"}, "accuracy_drop": "0.2 px"}])
def test_a_stored_run_is_judged_again_alike(limits):
    found = judged(ERROR, 2.4, limits, drop=drop_of(0.3, 0.1, 0.5))
    marked = [one.model_copy(update={"origin": f"marker of t {one.metric}"}) for one in found.findings]
    found = found.model_copy(update={"findings": marked})
    again = judge(found, stored_limits(found)[0], settings=SETTINGS)
    assert [(one.status, one.reason) for one in again.findings] == [(one.status, one.reason) for one in marked]


def test_people_call_it_by_the_user_s_name_or_accuracy():
    assert [scored(ERROR, 2.0).title, scored(None, 0.9).title] == ["mean error", "accuracy"]
