"""Points lost against the baseline, over one test set."""

import base64

import numpy as np
import pytest

from harness.gates import judge, parse_limits
from harness.records.artifact import AccuracyResult
from harness.records.entry import ArtifactRecord, BaselineRecord
from harness.records.settings import Settings
from harness.records.status import Status
from harness.records.units import format_interval
from harness.stats import proportion_loss
from harness.testing import make_artifact, make_entry


def scored(truths, **changes):
    right = np.asarray(truths, dtype=bool)
    found = AccuracyResult(
        value=float(right.mean()),
        correct=int(right.sum()),
        n=right.size,
        dataset="digits",
        obtained="top-1",
        right=base64.b64encode(np.packbits(right).tobytes()).decode(),
    )
    return found.model_copy(update=changes)


def judged(own, before, limit="1 pt", *, state="measured"):
    artifacts = [None if one is None else ArtifactRecord.of(make_artifact(accuracy=one)) for one in (own, before)]
    base = BaselineRecord(given="main", state=state, sentence="the base", artifact=artifacts[1])
    entry = make_entry(artifact=artifacts[0], baseline=base)
    return judge(entry, parse_limits({"accuracy_regression": limit}, origin="marker"), settings=Settings()).findings[-1]


RIGHT = np.arange(500) % 50 != 0


@pytest.mark.parametrize(("lost", "gained", "status"), [(0, 0, Status.PASS), (6, 1, Status.PASS), (8, 2, Status.FAIL)])
def test_the_difference_is_exact_and_its_paired_interval_is_shown(lost, gained, status):
    own = RIGHT.copy()
    own[np.flatnonzero(RIGHT)[:lost]] = False
    own[np.flatnonzero(~RIGHT)[:gained]] = True
    finding = judged(scored(own), scored(RIGHT))
    assert finding.status is status
    assert finding.value == pytest.approx((lost - gained) / 500)
    assert finding.ci_low < finding.value < finding.ci_high
    ends = format_interval(finding.ci_low, finding.ci_high, "pt")
    assert finding.detail == f"exact difference over 500 samples, 95 % interval {ends}; marker accuracy_regression"
    change = "98 %" if lost == gained else f"98 -> {98 - 0.2 * (lost - gained):.4g} %"
    assert finding.reason.startswith(f"accuracy: {change}, ") and finding.reason.endswith(", limit 1 pt")


def test_points_are_points_of_accuracy_not_shares_of_it():
    half = np.arange(100) < 50
    worse = np.arange(100) < 49
    assert judged(scored(worse), scored(half), "1 pt").status is Status.PASS
    assert judged(scored(worse), scored(half), "0.9 pt").status is Status.FAIL


@pytest.mark.parametrize(
    ("own", "before", "why"),
    [
        (None, scored(RIGHT), "the candidate's accuracy is unknown"),
        (scored(RIGHT), None, "the baseline's accuracy is unknown"),
        (scored(RIGHT), scored(RIGHT, dataset="cifar10"), "another test set"),
        (scored(RIGHT), scored(RIGHT[:300]), "another test set"),
    ],
)
def test_what_cannot_be_compared_is_not_green(own, before, why):
    finding = judged(own, before)
    assert finding.status is Status.INVALID and why in finding.reason


@pytest.mark.parametrize("right", [None, "", "!!", base64.b64encode(b"\1").decode(), f"!{scored(RIGHT).right}"])
def test_bits_that_are_missing_or_no_such_leave_the_interval_out(right):
    finding = judged(scored(RIGHT), scored(RIGHT, right=right))
    assert finding.status is Status.PASS and finding.ci_low is None


@pytest.mark.parametrize("n", [7, 8, 9, 16, 500])
def test_the_interval_is_that_of_the_samples_that_differ_however_many_fill_the_last_byte(n):
    right = np.arange(n) % 5 != 0
    own = right.copy()
    own[:2] = [True, False]
    loss = proportion_loss(lost=1, gained=1, n=n, confidence=0.95)
    finding = judged(scored(own), scored(right))
    assert (finding.value, finding.ci_low, finding.ci_high) == (0.0, loss.low, loss.high)


def test_one_byte_more_than_the_samples_fill_leaves_the_interval_out():
    padded = base64.b64encode(b"\0" + np.packbits(RIGHT).tobytes()).decode()
    assert judged(scored(RIGHT), scored(RIGHT, right=padded)).ci_low is None


def test_identical_is_not_worse():
    assert judged(scored(RIGHT), scored(RIGHT), state="identical").status is Status.PASS
