"""What a model gives on the host: golden outputs and scores, kept, from a process that may die alone."""

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline.made_networks import Autoencoder, Classifier, samples_of
from support.needs import need_shared
from support.tiny_model import INT8, STRING, add_model, write

from harness.pipeline.check import sandbox
from harness.pipeline.check.sandbox import Reply
from harness.pipeline.check.stages.stages_arrays import as_inputs
from harness.pipeline.check.verification import golden_client
from harness.pipeline.check.verification.accuracy import accuracy_of
from harness.pipeline.check.verification.golden_client import HostInputs, run_on_host
from harness.pipeline.check.verification.samples import read_samples
from harness.pipeline.check.verification.scoring import score_all
from harness.records.artifact import TensorInfo
from harness.records.errors import BuildError

NETWORK = Classifier()


@pytest.fixture
def run(tmp_path):
    def _run(path, *, samples=None, seed=0, score=None, real=True, deadline_s=60.0):
        return run_on_host(
            path,
            sha256(path.read_bytes()).hexdigest(),
            inputs=HostInputs(samples, seed, real=real),
            score=score,
            cache_dir=tmp_path / "cache",
            deadline_s=deadline_s,
        )

    return _run


def arrays(path):
    with np.load(path, allow_pickle=False) as content:
        return dict(content)


def test_without_samples_random_inputs_are_kept_with_their_outputs(run, tmp_path):
    found = run(write(tmp_path / "add.tflite", add_model()))

    assert found.golden is not None and not found.golden.real and found.golden.samples == 16
    inputs, outputs = arrays(found.golden.inputs_path), arrays(found.golden.outputs_path)
    assert sorted(inputs) == ["i0", "i1"] and inputs["i0"].shape == (16, 1, 4)
    assert ((inputs["i0"] >= 0) & (inputs["i0"] < 1)).all()
    np.testing.assert_array_equal(outputs["o0"], inputs["i0"] + inputs["i1"])


def test_the_seed_decides_random_inputs(run, tmp_path):
    path = write(tmp_path / "add.tflite", add_model())
    first, again, other = run(path), run(path, seed=0), run(path, seed=1)

    assert first.golden.inputs_sha256 == again.golden.inputs_sha256 != other.golden.inputs_sha256
    assert not first.cached and again.cached and not other.cached


def test_at_most_a_hundred_real_samples_are_kept_and_all_are_scored(run, tmp_path):
    path, samples = write(tmp_path / "m.tflite", NETWORK.content()), samples_of(NETWORK, tmp_path / "s.npz", n=700)

    found = run(path, samples=samples, score="top1")

    assert found.golden.real and found.golden.samples == 100
    given_arrays, scores = arrays(samples), arrays(found.scores)
    assert found.n == 700 == len(scores["right"])
    expected_right = NETWORK(given_arrays["i0"]).argmax(1) == given_arrays["labels"]
    np.testing.assert_array_equal(scores["right"], expected_right)
    assert 0.5 < scores["right"].mean() < 1


def test_reconstruction_errors_are_kept_for_every_sample(run, tmp_path):
    network = Autoencoder()
    path, samples = write(tmp_path / "m.tflite", network.content()), network.samples(tmp_path / "s.npz")

    found = run(path, samples=samples, score="auc")

    given_arrays, scores = arrays(samples), arrays(found.scores)
    np.testing.assert_allclose(
        scores["errors"], ((network(given_arrays["i0"]) - given_arrays["i0"]) ** 2).mean(1), rtol=1e-4
    )
    np.testing.assert_array_equal(scores["labels"], given_arrays["labels"])


@pytest.mark.parametrize(
    "case",
    [
        (1, [[0.1], [0.5], [0.9], [0.2]], [0, 1, 0, 0], [1, 1, 0, 1], "class 1 from 0.5 on"),
        (1, [[-3], [0.4], [2], [-0.1]], [0, 1, 1, 1], [1, 1, 1, 0], "class 1 from 0, of logits, on"),
        (2, [[0, 1], [1, 1], [0, 0], [0.4, 0.6]], [[0, 1], [1, 1], [0, 1], [0, 1]], [1, 1, 0, 1], "all 2 labels right"),
        (3, [[0, 1, 0], [1, 0, 0]], [1, 1], [1, 0], "top-1"),
    ],
)
def test_each_kind_of_output_is_told_by_a_stated_rule(run, tmp_path, case):
    """Through a model that gives twice what it is given."""
    width, values, labels, right, rule = case
    np.savez(tmp_path / "s.npz", i0=np.array(values, np.float32) / 2, labels=np.array(labels))
    model = write(tmp_path / "m.tflite", add_model((1, width), inputs=1))

    found = run(model, samples=tmp_path / "s.npz", score="top1")

    scores = arrays(found.scores)
    assert scores["right"].tolist() == [bool(one) for one in right]
    assert str(scores["rule"]).startswith(rule)
    assert accuracy_of(found, dataset="own").obtained.startswith(rule)


def test_scores_do_not_depend_on_the_number_of_threads(tmp_path):
    path, samples = write(tmp_path / "m.tflite", NETWORK.content()), samples_of(NETWORK, tmp_path / "s.npz", n=600)
    tensors = (TensorInfo(name="x", shape=(1, 6), dtype="float32"),)

    one, three = (
        score_all(str(path), read_samples(str(samples), tensors), score="top1", threads=threads) for threads in (1, 3)
    )

    np.testing.assert_array_equal(one["right"], three["right"])


def test_what_was_asked_before_is_read_and_another_score_is_computed(run, tmp_path):
    path, samples = write(tmp_path / "m.tflite", NETWORK.content()), samples_of(NETWORK, tmp_path / "s.npz")

    first = run(path, samples=samples, score="top1")
    assert run(path, samples=samples, score="top1").cached
    assert not run(path, samples=samples).cached

    (tmp_path / "cache" / "golden" / first.scores.parent.name / "answer.json").write_text("{torn")
    assert not run(path, samples=samples, score="top1").cached


def test_samples_without_labels_have_golden_outputs_and_no_score(run, tmp_path):
    path = write(tmp_path / "m.tflite", NETWORK.content())
    np.savez(tmp_path / "s.npz", i0=np.zeros((3, 6), np.float32))

    found = run(path, samples=tmp_path / "s.npz", score="top1")

    assert found.golden is not None and found.scores is None
    assert found.scores_reason == "its samples have no labels"


@pytest.mark.parametrize(
    "case",
    [
        (
            add_model((1, 1), inputs=1),
            (5, 1),
            "top1",
            "its output is one number, and labels beyond 0 and 1 are no two classes",
        ),
        (NETWORK.content(), (5, 6), "auc", "its output is no reconstruction of its input"),
    ],
)
def test_outputs_that_say_nothing_of_the_labels_are_not_scored(run, tmp_path, case):
    content, shape, score, told = case
    np.savez(tmp_path / "s.npz", i0=np.zeros(shape, np.float32), labels=np.full(5, 2))

    found = run(write(tmp_path / "m.tflite", content), samples=tmp_path / "s.npz", score=score)

    assert (found.golden is not None, found.scores) == (True, None)
    assert found.scores_reason.startswith(told)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"i0": np.zeros((3, 5), np.float32)}, "they have shape (3, 5), where (n, 1, 6) was expected"),
        ({"i0": np.zeros((3, 6), np.int8)}, "they are int8, where float32 was expected"),
        ({"i0": np.zeros((0, 6), np.float32)}, "its arrays are empty or differ in length"),
        ({"x": np.zeros((3, 6), np.float32)}, "they hold x, where i0 to i0 were expected"),
        ({"i0": np.zeros((3, 6), np.float32), "labels": np.zeros(2)}, "its labels have shape (2,), where (3,)"),
    ],
)
def test_samples_that_do_not_fit_are_named_in_one_line(run, tmp_path, made, told):
    np.savez(tmp_path / "s.npz", **made)

    with pytest.raises(BuildError) as caught:
        run(write(tmp_path / "m.tflite", NETWORK.content()), samples=tmp_path / "s.npz")

    assert told in str(caught.value) and "s.npz do not fit m.tflite" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_array_file_at_all_is_told(run, tmp_path):
    (tmp_path / "s.npz").write_text("<html>")

    with pytest.raises(BuildError, match="cannot be read as arrays"):
        run(write(tmp_path / "m.tflite", NETWORK.content()), samples=tmp_path / "s.npz")


def test_nan_in_samples_of_a_quantised_input_is_refused(run, tmp_path):
    np.savez(tmp_path / "s.npz", i0=np.full((2, 4), np.nan, np.float32))

    with pytest.raises(BuildError, match="they hold NaN or infinity"):
        run(write(tmp_path / "m.tflite", add_model(dtype=INT8, inputs=1, scale=0.1)), samples=tmp_path / "s.npz")


@given(
    values=st.lists(st.floats(-300, 300, width=32), min_size=1, max_size=20),
    scale=st.floats(2**-10, 4.0, width=32),
    zero_point=st.integers(-128, 127),
)
def test_floats_become_integers_as_for_stages_and_on_the_board(tmp_path_factory, values, scale, zero_point):
    tensor = TensorInfo(name="x", shape=(1,), dtype="int8", scale=scale, zero_point=zero_point)
    path = tmp_path_factory.getbasetemp() / "floats.npy"
    np.save(path, np.array(values, np.float32)[:, None])

    fed = read_samples(str(path), (tensor,)).fed[0]

    assert fed.dtype == np.int8
    for value, integer in zip(np.array(values, np.float32), fed, strict=True):
        np.testing.assert_array_equal(as_inputs(value[None], (tensor,))[0], integer)


def test_a_file_that_is_no_model_is_refused_and_no_error(run, tmp_path):
    found = run(write(tmp_path / "m.tflite", b"TFL3" * 30))

    assert found.golden is None and found.reason.startswith("LiteRT on this host refuses it")


def test_inputs_that_cannot_be_made_up_are_named(run, tmp_path):
    found = run(write(tmp_path / "m.tflite", add_model(dtype=STRING, inputs=1)))

    assert found.golden is None and "\n" not in found.reason


def test_a_model_that_aborts_takes_only_its_process_along_and_is_tried_again(run, tmp_path):
    path = need_shared("bad/abort_blockwise_quantized.tflite")

    found = run(path)

    assert found.golden is None and found.reason.startswith("LiteRT on this host was killed by SIGABRT")
    assert not list((tmp_path / "cache" / "golden").glob("*/"))
    assert not run(path).cached


def test_a_deadline_ends_the_process(run, tmp_path):
    found = run(write(tmp_path / "m.tflite", NETWORK.content()), deadline_s=0.01)

    assert found.golden is None and found.reason == "LiteRT on this host took longer than 0.01 s"


def test_a_death_while_scoring_leaves_the_golden_outputs_and_is_tried_again(run, tmp_path, monkeypatch):
    path, samples = write(tmp_path / "m.tflite", NETWORK.content()), samples_of(NETWORK, tmp_path / "s.npz")
    whole = sandbox.run

    def dies_after_the_first_answer(module, job, limits):
        return Reply(whole(module, job, limits).lines[:1], "took longer than 9 s")

    with monkeypatch.context() as patched:
        patched.setattr(sandbox, "run", dies_after_the_first_answer)
        found = run(path, samples=samples, score="top1")

    assert found.golden is not None and found.scores is None
    assert found.scores_reason == "LiteRT on this host took longer than 9 s while its test samples were run"
    assert arrays(found.golden.outputs_path)["o0"].shape == (100, 1, 4)
    again = run(path, samples=samples, score="top1")
    assert not again.cached and again.n == 300


@pytest.mark.parametrize("lines", [(), ("nonsense",), ('{"samples": 1, "unknown": 2}',)])
def test_an_answer_that_is_none_is_a_refusal(run, tmp_path, monkeypatch, lines):
    monkeypatch.setattr(sandbox, "run", lambda *_: Reply(lines))

    found = run(write(tmp_path / "m.tflite", NETWORK.content()))

    assert found.golden is None and "answer" in found.reason


def test_a_host_without_litert_says_so(run, tmp_path, monkeypatch):
    monkeypatch.setattr(golden_client, "litert_version", lambda: None)

    assert run(write(tmp_path / "m.tflite", NETWORK.content())).reason == (
        "this host has no LiteRT to compute them with"
    )
