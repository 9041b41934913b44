"""Accuracy by the board's own outputs for the whole test set: a real agent, and answers that cannot be."""

import base64
import secrets
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from pipeline.made_networks import Autoencoder, Classifier, samples_of
from support.tiny_model import write

from harness.board import choose_runner, open_board
from harness.measure.arm_metrics import artifact_metrics
from harness.measure.run_test_set import run_test_set
from harness.pipeline import Builder, candidates_from_paths
from harness.pipeline.check.verification.board_accuracy import score_board_outputs, write_test_inputs
from harness.records.artifact import HeldOutInputs, HeldOutSet
from harness.records.board import RawOutput, Trial
from harness.records.device import Connection
from harness.records.entry import ArtifactRecord
from harness.records.errors import BlockLostError, BuildError, EntryError, TrialError
from harness.records.plan import BlockSpec, RunnerSpec
from harness.session.board_accuracy import LEFT_BEHIND, BoardScorer
from harness.testing import make_artifact, make_entry, make_profile

NETWORK = Classifier()
METRIC = """
def own(outputs, truth):
    return (outputs[0].argmax(axis=1) == truth["labels"]).astype(float)
"""
RUNNER = RunnerSpec(package="litert", version="2", python="python3", site=None, num_threads=1, delegate="xnnpack")


def entry_of(artifact):
    """An entry that measured an artifact, with what is known of it without a trial."""
    return make_entry(artifact=ArtifactRecord.of(artifact), measurements=artifact_metrics(artifact))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A candidate by its own metric, built on the host, and the samples."""
    tmp_path = tmp_path_factory.mktemp("built")
    model = write(tmp_path / "network.tflite", NETWORK.content())
    samples = samples_of(NETWORK, tmp_path / "samples.npz", n=300)
    (tmp_path / "board_metric.py").write_text(METRIC, encoding="utf-8")
    (candidate,) = candidates_from_paths(
        [model], samples=str(samples), metric="board_metric:own(name=share)", base_dir=tmp_path
    )
    with Builder(cache_dir=tmp_path / "cache") as builder:
        return builder.build(candidate), samples


def test_a_board_s_own_outputs_are_scored_as_the_host_s_were(built, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "board-cache"))
    artifact, samples = built
    profile, heard = make_profile("desk", connection=Connection(transport="local")), []
    with open_board(profile, lease=f"accuracy-{secrets.token_hex(8)}") as board:
        scorer = BoardScorer(board, choose_runner(profile, board.facts), tmp_path / "cache", heard.append)
        sent = [board.bytes_sent]
        entries = []
        for _ in range(2):
            entries.append(scorer.score(entry_of(artifact), artifact))
            sent.append(board.bytes_sent)
    found = entries[0].artifact.verification.accuracy
    assert found.value == artifact.verification.accuracy.value
    assert "on desk; on the host the same" in found.obtained and found.metric.name == "share"
    assert sent[1] > sent[0] and sent[2] == sent[1], "samples are shipped once"
    assert [(one.done, one.total) for one in heard[:2]] == [(256, 300), (300, 300)]
    with np.load(samples) as content, np.load(next((tmp_path / "cache" / "test_sets").iterdir())) as shipped:
        assert shipped.files == ["i0"] and np.array_equal(shipped["i0"], content["i0"]), "the truth stays here"
    (figure,) = [one for one in entries[0].measurements if one.metric == "accuracy"]
    assert figure.value == found.value and "on desk" in figure.obtained


@pytest.mark.parametrize(
    ("network", "score", "said"),
    [(NETWORK, "top1", "top-1 on 40 held-out samples, by it"), (Autoencoder(), "auc", "anomalous of 40 held-out")],
)
def test_top_1_and_auc_are_counted_alike(network, score, said, tmp_path):
    rng = np.random.default_rng(0)
    inputs = rng.random((40, 6), dtype=np.float32)
    labels = network(inputs).argmax(1) if score == "top1" else np.arange(40) % 2
    np.savez(tmp_path / "set.npz", i0=inputs, labels=labels)
    (candidate,) = candidates_from_paths([write(tmp_path / "m.tflite", network.content())])
    with Builder(cache_dir=tmp_path / "cache") as builder:
        artifact = builder.build(candidate)
    test_set = HeldOutSet(
        samples=str(tmp_path / "set.npz"),
        dataset="set",
        score=score,
        seed=0,
        reference=artifact.path,
        reference_sha256=artifact.sha256,
        deadline_s=60.0,
    )
    outputs = network(inputs).astype(np.float32)[:, np.newaxis]
    found, drop = score_board_outputs(artifact, test_set, [outputs], where="by it", cache_dir=tmp_path / "cache")
    assert said in found.obtained and found.n == 40
    assert drop.value == pytest.approx(0.0, abs=0.03)
    with pytest.raises(BuildError, match="there are outputs of 39 samples, not of all 40"):
        score_board_outputs(artifact, test_set, [outputs[:39]], where="by it", cache_dir=tmp_path / "cache")


@dataclass
class Answering:
    """A board that answers a test set with what it was given; ``lost`` blocks are lost first."""

    raw: Any
    n: int = 5
    died: str | None = None
    lost: int = 0
    profile: Any = field(default_factory=lambda: make_profile("desk"))

    def ship(self, path, sha256):
        pass

    def run_block(self, block: BlockSpec):
        if self.lost:
            self.lost -= 1
            raise BlockLostError("the link is gone")
        (spec,) = block.trials
        yield Trial(
            index=spec.index,
            block=block.index,
            arm=spec.arm,
            kind=spec.kind,
            died=self.died,
            n=self.n,
            raw_outputs=() if self.died else self.raw,
        )


VALUES = np.arange(20, dtype=np.float32).reshape(5, 1, 4)


def packed(values=VALUES, *, data=None, **changed):
    bits = base64.b64encode(zlib.compress(values.tobytes())).decode() if data is None else data
    return (RawOutput(**({"dtype": str(values.dtype), "shape": values.shape, "data": bits} | changed)),)


def fetched(board, tmp_path):
    model = make_artifact()
    tensor = model.outputs[0].model_copy(update={"shape": (1, 4), "dtype": "float32"})
    model = model.model_copy(update={"outputs": (tensor,)})
    return run_test_set(board, model, RUNNER, inputs=HeldOutInputs(tmp_path, "0" * 64, 5), tell=lambda _: None)


def test_what_a_board_sends_is_what_the_model_gave_also_over_a_link_that_is_lost(tmp_path):
    (found,) = fetched(Answering(packed(), lost=2), tmp_path)
    assert np.array_equal(found, VALUES)


BOMB = base64.b64encode(zlib.compress(bytes(10_000_000))).decode()


@pytest.mark.parametrize(
    ("board", "told"),
    [
        (Answering(packed(), lost=3), "the link to the board was lost 3 times amid its test set"),
        (Answering((), died="killed by SIGSEGV"), "samples 0 to 4 of the test set: killed by SIGSEGV"),
        (Answering(()), "the board gave 0 outputs of 5 samples, where 1 of 5 were expected"),
        (Answering(packed(), n=4), "the board gave 1 outputs of 4 samples"),
        (Answering(packed(VALUES.astype(np.float64))), "is float64 of shape (5, 1, 4), where float32 of"),
        (Answering(packed(VALUES[:4])), "is float32 of shape (4, 1, 4), where float32 of (5, 1, 4) was expected"),
        (Answering(packed(data="?")), "cannot be unpacked"),
        (Answering(packed(data=base64.b64encode(b"no").decode())), "cannot be unpacked"),
        (Answering(packed(data=BOMB)), "has other than the 80 bytes of its type and shape"),
        (Answering(packed(data=base64.b64encode(zlib.compress(b"1234")).decode())), "has other than the 80 bytes"),
    ],
)
def test_what_cannot_be_the_model_s_outputs_is_refused(board, told, tmp_path):
    with pytest.raises(TrialError) as caught:
        fetched(board, tmp_path)
    assert told in str(caught.value)


def test_an_accuracy_that_the_board_does_not_give_is_unknown_with_the_reason(built, tmp_path):
    artifact, _ = built
    scorer = BoardScorer(Answering((), died="killed by SIGSEGV"), RUNNER, tmp_path / "cache", lambda _: None)
    found = scorer.score(entry_of(artifact), artifact)
    assert found.artifact.verification.accuracy is None
    reason = "on the board: samples 0 to 255 of the test set: killed by SIGSEGV"
    assert found.artifact.verification.accuracy_reason == reason
    (figure,) = [one for one in found.measurements if one.metric == "accuracy"]
    assert (figure.value, figure.reason) == (None, reason)
    carried = artifact.model_copy(update={"test_set": None})
    left = scorer.score(entry_of(carried), carried)
    assert left.artifact.verification.accuracy_reason == f"on the board: {LEFT_BEHIND}"
    plain = make_artifact()
    assert scorer.score(entry := entry_of(plain), plain) is entry, "there was no accuracy to begin with"


def test_inputs_are_one_file_for_all_models_of_a_test_set(built, tmp_path):
    artifact, _ = built
    first, second = (write_test_inputs(artifact.test_set, tmp_path / "cache") for _ in range(2))
    assert first == second and first.n == 300 and issubclass(BuildError, EntryError)
