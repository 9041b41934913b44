"""Accuracy by a function of the user's own: over the whole test set, beside its reference, its faults in one line."""

import textwrap
from hashlib import sha256

import numpy as np
import pytest
from pipeline.made_networks import Classifier, samples_of
from pipeline.mean_average_precision import mean_average_precision
from support.tiny_model import add_model, write

from harness.pipeline.check.verification.golden_client import HostInputs
from harness.pipeline.check.verification.own_metric_client import MetricSource
from harness.pipeline.check.verification.verify import Claims, Reference, verify
from harness.records.artifact import AccuracyResult
from harness.records.candidate import OwnMetric
from harness.records.errors import BuildError

NETWORK = Classifier()
MAP = '''
    import numpy as np

    def overlap(box, boxes):
        """Intersection over union of one box with several: x0, y0, x1, y1."""
        sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
        shared = np.prod(np.clip(sides, 0, None), axis=1)
        return shared / (np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - shared)

    def mean_ap(outputs, truth):
        """Mean average precision at an overlap of 0.5: detections are rows of x0, y0, x1, y1, class, score."""
        (found,), right = outputs, truth["objects"]
        return np.mean([average_precision(found, right, one) for one in range(int(right[..., 4].max()) + 1)])

    def average_precision(found, right, kind):
        wanted = [image[image[:, 4] == kind][:, :4] for image in right]
        ranked = sorted(
            ((row[5], at, row[:4]) for at, image in enumerate(found) for row in image if row[4] == kind),
            key=lambda one: -one[0],
        )
        taken, hits = [np.zeros(len(image), bool) for image in wanted], []
        for _, at, box in ranked:
            overlaps = overlap(box, wanted[at]) if len(wanted[at]) else np.zeros(1)
            best = int(overlaps.argmax())
            hit = bool(overlaps[best] >= 0.5 and not taken[at][best])
            if hit:
                taken[at][best] = True
            hits.append(hit)
        total = sum(map(len, wanted))
        if not total:
            return 0.0
        right_so_far = np.cumsum(hits)
        precision = right_so_far / np.arange(1, len(hits) + 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(envelope[np.array(hits, bool)]) / total)
'''


def hash_of(path):
    return sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def scored(tmp_path):
    """The verification of a file by a function written here, beside a reference where one is given."""

    def _scored(source, path, samples, *, reference=None, function="own", name="own", unit="1", better="higher"):
        (tmp_path / "user_metric.py").write_text(textwrap.dedent(source), encoding="utf-8")
        metric = OwnMetric(f"user_metric:{function}", name, unit, better)
        held = MetricSource(metric=metric, search=(str(tmp_path),), sources={}, truth=str(samples))
        return verify(
            path,
            hash_of(path),
            reference=Reference(reference, hash_of(reference), "float32") if reference else None,
            inputs=HostInputs(samples, 0),
            claims=Claims("own test set", "top1", None, real=True, metric=held),
            cache_dir=tmp_path / "cache",
            deadline_s=60.0,
        )

    return _scored


@pytest.fixture
def pair(tmp_path):
    """A network in float32 and with rounded weights, and labelled samples."""
    return (
        write(tmp_path / "float32.tflite", NETWORK.content()),
        write(tmp_path / "rounded.tflite", NETWORK.rounded_as_a_whole()),
        samples_of(NETWORK, tmp_path / "samples.npz"),
    )


def detections(path, *, images=40, most=6, seed=7):
    """Inputs that a model which doubles them makes detections of, and objects that these half hit; classes 0 to 2."""
    rng = np.random.default_rng(seed)
    corners = rng.random((images, most, 2)) * 80
    objects = np.concatenate([corners, corners + 10 + rng.random((images, most, 2)) * 20], axis=2)
    kinds = rng.integers(0, 3, (images, most, 1))
    objects = np.concatenate([objects, kinds], axis=2)
    objects[rng.random((images, most)) < 0.2] = -1.0
    moved = objects[..., :4] + rng.normal(size=(images, most, 4)) * 4
    guessed = np.where(rng.random((images, most, 1)) < 0.15, (kinds + 1) % 3, kinds)
    found = np.concatenate([moved, guessed, rng.random((images, most, 1))], axis=2).astype(np.float32)
    np.savez(path, i0=found / 2, objects=objects)
    return path, np.float32(found / 2) * 2, objects


def test_a_mean_average_precision_is_that_of_an_independent_computation(scored, tmp_path):
    model = write(tmp_path / "twice.tflite", add_model((1, 6, 6), inputs=1))
    samples, found, objects = detections(tmp_path / "detections.npz")
    made = scored(MAP, model, samples, function="mean_ap", name="mAP").accuracy
    assert made.value == pytest.approx(mean_average_precision(found, objects, overlap=0.5), abs=1e-6)
    assert 0.2 < made.value < 0.95, "neither all found nor nothing"
    assert (made.score, made.correct, made.n, made.metric.name) == ("own", None, 40, "mAP")
    assert made.obtained.startswith("mAP by user_metric:mean_ap, of the whole set at once, on 40 samples, by litert ")


def test_what_is_no_mean_over_samples_is_drawn_anew_with_its_reference(scored, pair):
    reference, path, samples = pair
    source = "def own(outputs, truth):\n    return float(outputs[0].std())"
    same = scored(source, reference, samples, reference=reference).accuracy_drop
    assert (same.value, same.ci_low, same.ci_high) == (0.0, 0.0, 0.0), "it is its own reference"
    assert "which have no width here: no draw tells the two apart" in same.obtained
    drop = scored(source, path, samples, reference=reference).accuracy_drop
    assert drop.ci_low < drop.value < drop.ci_high
    assert "paired bootstrap, 2000 resamples (samples drawn anew, both figures computed for each draw" in drop.obtained


def test_a_figure_for_each_sample_is_averaged_and_its_difference_paired(scored, pair):
    reference, path, samples = pair
    source = """
        import numpy as np
        def own(outputs, truth):
            (values,) = outputs
            return (values - values.mean(axis=1, keepdims=True)).max(axis=1) + 0.0 * truth["labels"]
    """
    made = scored(source, path, samples, reference=reference, unit="dB", better="lower")
    with np.load(samples) as content:
        exact = NETWORK(content["i0"])
    before = (exact - exact.mean(axis=1, keepdims=True)).max(axis=1)
    drop = made.accuracy_drop
    assert made.accuracy.value == pytest.approx(before.mean() + drop.value, abs=1e-5), "less is better: more is lost"
    assert drop.ci_low < drop.value < drop.ci_high and drop.n == 300
    assert "mean of each sample's figure" in made.accuracy.obtained and made.accuracy.unit == "dB"
    assert drop.obtained.startswith("paired bootstrap, 2000 resamples (each sample's difference, drawn anew;")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def own(outputs, truth):\n    return truth['boxes']", "it raised KeyError: 'boxes' ("),
        ("def own(outputs, truth):\n    return float('nan')", "it gives nan, where finite numbers were expected"),
        (
            "def own(outputs, truth):\n    return None",
            "it gives nothing, where one number, or an array of one for each",
        ),
        (
            "def own(outputs, truth):\n    return outputs[0]",
            "it gives a ndarray of shape (300, 4), where one number, or",
        ),
        (
            "def own(outputs, truth):\n    return 'good'",
            "it gives a str, where one number, or an array of one for each",
        ),
        (
            "def own(outputs, truth):\n    outputs[0][:] = 0",
            "it raised ValueError: assignment destination is read-only (",
        ),
        (
            "import random\ndef own(outputs, truth):\n    return random.random()",
            "on a second call with the same outputs: let it give the same each time, e.g. by seeding what it draws",
        ),
        ("import os\ndef own(outputs, truth):\n    os._exit(3)", "the process that called it ended with exit status 3"),
        ("import nowhere_to_be_found", "its module cannot be imported: ModuleNotFoundError: No module named 'nowhere_"),
        ("def other(outputs, truth):\n    return 1.0", "the module user_metric has no function own"),
        (
            "import numpy as np\ndef own(outputs, truth):\n    return np.where(np.arange(300) == 7, np.inf, 1.0)",
            "it gives inf for sample 7, where finite numbers were expected",
        ),
    ],
)
def test_a_function_that_gives_no_figure_gets_one_line(scored, pair, source, told):
    with pytest.raises(BuildError) as caught:
        scored(source, pair[0], pair[2])
    message = str(caught.value)
    assert message.startswith("user_metric:own: ") and told in message
    assert "\n" not in message and "Traceback" not in message


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ({}, "says nothing of what is right: add arrays beside i0, samples first"),
        ({"boxes": np.zeros((3, 4))}, '"boxes" has shape (3, 4), where (5, ...) was expected, a row a sample'),
    ],
)
def test_a_truth_that_fits_no_samples_is_refused(scored, pair, tmp_path, held, told):
    np.savez(tmp_path / "some.npz", i0=np.zeros((5, 6), np.float32), **held)
    with pytest.raises(BuildError) as caught:
        scored("def own(outputs, truth):\n    return 1.0", pair[0], tmp_path / "some.npz")
    assert told in str(caught.value)


def test_a_draw_without_a_figure_is_left_out_and_too_many_leave_no_interval(scored, pair):
    reference, path, samples = pair
    source = """
        def own(outputs, truth):
            if len(set(truth["labels"][{first}].tolist())) < 2:
                raise ValueError("one class only")
            return float(outputs[0].std())
    """
    some = scored(source.format(first="slice(8)"), path, samples, reference=reference).accuracy_drop
    assert some.ci_low <= some.value <= some.ci_high and "without a figure left out" in some.obtained
    with np.load(samples) as content:
        labels = content["labels"]
    two = next(at for at in range(len(labels)) if labels[at] != labels[at + 1])
    none = scored(source.format(first=f"slice({two}, {two + 2})"), path, samples, reference=reference).accuracy_drop
    assert (none.ci_low, none.ci_high) == (None, None)
    assert none.obtained.startswith("difference over the same samples; no interval: ")


def result(value, **changed):
    metric = OwnMetric("m:error", "error", "px", "lower")
    fields = {"correct": None, "n": 9, "dataset": "d", "obtained": "o", "score": "own", "metric": metric}
    return AccuracyResult(value=value, **(fields | changed))


def test_a_loss_is_positive_for_worse_whichever_way_is_better():
    assert result(2.0).lost_against(result(1.5)) == pytest.approx(0.5)
    other = OwnMetric("m:error", "error", "px", "higher")
    assert result(2.0, metric=other).lost_against(result(1.5, metric=other)) == pytest.approx(-0.5)
    assert result(2.0).lost_against(result(1.5, metric=other)) is None, "two metrics are no pair"
