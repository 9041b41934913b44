"""Artifacts held against their reference: accuracy, what was lost of it, and how near the outputs are."""

from hashlib import sha256

import numpy as np
import pytest
from pipeline.made_networks import Autoencoder, Classifier, samples_of
from sklearn.metrics import roc_auc_score
from support.needs import need_shared
from support.tiny_model import add_model, write

from harness.pipeline.check import sandbox
from harness.pipeline.check.verification.golden_client import HostInputs
from harness.pipeline.check.verification.verify import Claims, Reference, verify
from harness.records.errors import BuildError
from harness.stats import area_loss, proportion_loss

TOP1 = Claims("digits", "top1", None, real=True)
NETWORK = Classifier()


def hash_of(path):
    return sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def check(tmp_path):
    def _check(path, reference=None, *, samples=None, claims=TOP1, name="float32"):
        held = Reference(reference, hash_of(reference), name) if reference else None
        return verify(
            path,
            hash_of(path),
            reference=held,
            inputs=HostInputs(samples, 0),
            claims=claims,
            cache_dir=tmp_path / "cache",
            deadline_s=60.0,
        )

    return _check


@pytest.fixture
def pair(tmp_path):
    """A network in float32 and with rounded weights, and labelled samples."""
    return (
        write(tmp_path / "float32.tflite", NETWORK.content()),
        write(tmp_path / "rounded.tflite", NETWORK.rounded_as_a_whole()),
        samples_of(NETWORK, tmp_path / "samples.npz"),
    )


def scores(path):
    with np.load(path, allow_pickle=False) as content:
        return dict(content)


def truth(samples):
    content = scores(samples)
    return NETWORK(content["i0"]), content["labels"]


def test_the_reference_itself_has_accuracy_and_nothing_to_be_compared_with(check, pair):
    found = check(pair[0], samples=pair[2])

    outputs, labels = truth(pair[2])
    assert found.accuracy.correct == int((outputs.argmax(1) == labels).sum())
    assert (found.accuracy.n, found.accuracy.dataset, found.accuracy.score) == (300, "digits", "top1")
    assert found.accuracy.obtained.startswith("top-1 on 300 held-out samples, by litert ")
    assert found.accuracy_drop is None and found.fidelity is None
    assert found.fidelity_reason == "there is nothing to compare it with"


def test_what_was_lost_is_paired_sample_by_sample(check, pair):
    reference, path, samples = pair
    found = check(path, reference, samples=samples)

    base = check(reference, samples=samples).accuracy
    drop = found.accuracy_drop
    assert drop.value == pytest.approx(base.value - found.accuracy.value)
    assert drop.lost - drop.gained == base.correct - found.accuracy.correct
    expected = proportion_loss(lost=drop.lost, gained=drop.gained, n=300)
    assert (drop.ci_low, drop.ci_high, drop.p_value) == (expected.low, expected.high, expected.p_value)
    assert (drop.n, drop.confidence) == (300, 0.95)


def test_fidelity_is_that_of_the_kept_outputs(check, pair):
    reference, path, samples = pair
    found = check(path, reference, samples=samples)
    base = check(reference, samples=samples)

    ours, theirs = (scores(one.golden.outputs_path)["o0"].astype(float) for one in (found, base))
    error = ours - theirs
    near = found.fidelity
    assert (near.against, near.samples, near.real) == ("float32", 100, True)
    assert near.max_error == pytest.approx(np.abs(error).max())
    assert near.max_error_share == pytest.approx(np.abs(error).max() / np.ptp(theirs))
    assert near.sqnr_db == pytest.approx(10 * np.log10((theirs**2).sum() / (error**2).sum()))
    flat = ours.reshape(100, -1), theirs.reshape(100, -1)
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(*flat, strict=True)]
    assert near.cosine == pytest.approx(np.mean(cosines))
    assert near.sqnr_db > 25 and not found.worst_layers and found.layers_reason is None


def test_the_same_file_is_equal_to_itself(check, pair):
    found = check(pair[0], pair[0], samples=pair[2])

    assert (found.fidelity.max_error, found.fidelity.sqnr_db, found.fidelity.cosine) == (0.0, None, pytest.approx(1.0))
    assert (found.accuracy_drop.lost, found.accuracy_drop.gained, found.accuracy_drop.p_value) == (0, 0, 1.0)


def test_where_accuracy_is_not_claimed_outputs_are_compared_all_the_same(check, pair):
    reason = "synthetic: accuracy not claimed"
    found = check(pair[1], pair[0], samples=pair[2], claims=Claims("made up", "top1", reason, real=False))

    assert (found.accuracy, found.accuracy_reason, found.accuracy_drop) == (None, reason, None)
    assert found.fidelity is not None and not found.fidelity.real and not found.golden.real


def test_without_samples_both_run_on_what_is_made_up_for_the_reference(check, pair):
    found = check(pair[1], pair[0], claims=Claims(None, "top1", None, real=False))
    base = check(pair[0], claims=Claims(None, "top1", None, real=False))

    assert found.golden.inputs_sha256 == base.golden.inputs_sha256
    assert (found.golden.samples, found.golden.real, found.fidelity.real) == (16, False, False)
    assert found.accuracy_reason == "no data set was named"


def test_a_second_time_nothing_is_run(check, pair, monkeypatch):
    first = check(pair[1], pair[0], samples=pair[2])
    monkeypatch.setattr(sandbox, "run", lambda *_: pytest.fail("a process was started"))
    assert check(pair[1], pair[0], samples=pair[2]) == first


def test_an_autoencoder_is_scored_by_the_area_under_its_curve(check, tmp_path):
    network, worse = Autoencoder(), Autoencoder(off=0.3)
    reference = write(tmp_path / "float32.tflite", network.content())
    path = write(tmp_path / "worse.tflite", worse.content())
    samples = network.samples(tmp_path / "s.npz")
    claims = Claims("sounds", "auc", None, real=True)

    found = check(path, reference, samples=samples, claims=claims)

    inputs, labels = (scores(samples)[name] for name in ("i0", "labels"))
    before, after = (((one(inputs) - inputs) ** 2).mean(1) for one in (network, worse))
    assert found.accuracy.value == pytest.approx(roc_auc_score(labels, after), abs=1e-4)
    assert (found.accuracy.correct, found.accuracy.score, found.accuracy.n) == (None, "auc", 200)
    assert "area under the ROC curve" in found.accuracy.obtained
    expected = area_loss(before, after, labels)
    drop = found.accuracy_drop
    assert (drop.value, drop.ci_low, drop.ci_high) == pytest.approx(
        (expected.value, expected.low, expected.high), abs=1e-3
    )
    assert (drop.lost, drop.gained) == (None, None) and "DeLong" in drop.obtained


def test_an_area_that_nothing_changed_has_no_width_and_says_so(check, tmp_path):
    network = Autoencoder()
    path = write(tmp_path / "m.tflite", network.content())
    samples = network.samples(tmp_path / "s.npz")

    drop = check(path, path, samples=samples, claims=Claims("sounds", "auc", None, real=True)).accuracy_drop

    assert (drop.value, drop.ci_low, drop.ci_high) == (0.0, 0.0, 0.0)
    assert "no width" in drop.obtained


def test_other_outputs_are_not_compared(check, tmp_path, pair):
    other = write(tmp_path / "add.tflite", add_model((1, 6), inputs=1))

    found = check(other, pair[0], samples=pair[2])

    assert found.fidelity is None
    assert found.fidelity_reason == "its outputs have shape (1, 6), those of float32 (1, 4)"
    assert found.layers_reason == "layers were not compared: it has other operators than float32"


def test_other_inputs_are_made_up_on_their_own(check, tmp_path, pair):
    other = write(tmp_path / "add.tflite", add_model((1, 3), inputs=2))

    found = check(other, pair[0], claims=Claims(None, "top1", None, real=False))

    assert found.golden is not None and found.fidelity_reason == "it has other inputs than float32"


def test_a_reference_that_samples_do_not_fit_is_told_and_the_model_is_run(check, tmp_path, pair):
    other = write(tmp_path / "add.tflite", add_model((1, 3), inputs=2))

    found = check(pair[0], other, samples=pair[2])

    assert found.accuracy is not None and found.fidelity is None
    assert found.fidelity_reason.startswith("float32 was not run: the samples ")


def test_samples_that_do_not_fit_the_model_itself_are_an_error(check, tmp_path, pair):
    other = write(tmp_path / "add.tflite", add_model((1, 3), inputs=2))

    with pytest.raises(BuildError, match=r"do not fit add\.tflite"):
        check(other, pair[0], samples=pair[2])


def test_a_reference_that_cannot_be_run_is_told(check, tmp_path, pair):
    broken = write(tmp_path / "broken.tflite", b"TFL3" * 30)

    found = check(pair[0], broken, samples=pair[2])

    assert found.accuracy is not None and found.accuracy_drop is None
    assert found.fidelity_reason.startswith("float32 could not be run: LiteRT on this host refuses it")


def test_a_model_that_cannot_be_run_has_reasons_everywhere(check, tmp_path, pair):
    broken = write(tmp_path / "broken.tflite", b"TFL3" * 30)

    found = check(broken, pair[0], samples=pair[2])

    told = found.golden_reason
    assert told.startswith("LiteRT on this host refuses it")
    assert (found.golden, found.accuracy, found.accuracy_drop, found.fidelity) == (None, None, None, None)
    assert found.accuracy_reason == found.fidelity_reason == told


def test_values_that_are_lost_are_counted_instead_of_compared(check, tmp_path):
    sound = Classifier()
    broken = Classifier()
    broken.second[1, :] = np.inf
    reference = write(tmp_path / "float32.tflite", sound.content())
    samples = samples_of(sound, tmp_path / "s.npz")

    found = check(write(tmp_path / "m.tflite", broken.content()), reference, samples=samples)

    assert found.fidelity is None
    assert found.fidelity_reason.endswith("of its output values are NaN or infinite where those of float32 are not")
    assert int(found.fidelity_reason.split()[0]) >= 100


def test_a_stranger_s_file_that_dies_is_a_reason(check):
    found = check(need_shared("bad/abort_blockwise_quantized.tflite"), claims=Claims(None, "top1", None, real=False))

    assert "killed by SIGABRT" in found.golden_reason
