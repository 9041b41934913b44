"""From an image file to a label: a real MobileNet with its own pre- and post-processing, by a real agent."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from support import needs
from support.tiny_model import add_model, write

from harness.board import LiveBoard, choose_runner, open_board
from harness.measure import execute, make_plan
from harness.pipeline import Builder, candidates_from_paths
from harness.records.artifact import Artifact
from harness.records.device import Connection
from harness.records.entry import Entry
from harness.records.metrics import metrics_of
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_profile

STAGES = [metric.name for metric in metrics_of("stages")]
QUICK = Settings(trials=2, num_runs=5, min_secs=0.05)
IMAGES = "data/coral_images"


@contextmanager
def board() -> Iterator[LiveBoard]:
    """This machine under a lease of its own: no time is judged here."""
    profile = make_profile("desk", connection=Connection(transport="local"))
    with open_board(profile, lease=f"stages-{secrets.token_hex(8)}") as opened:
        yield opened


@dataclass(frozen=True)
class Measured:
    artifact: Artifact
    entry: Entry


def measured(tmp_path: Path, model: Path, *, stages: Path, raw: Path) -> Measured:
    """The model with its stages, built and measured as a session does it."""
    cache = tmp_path / "harness-cache"
    (candidate,) = candidates_from_paths([model])
    candidate = replace(candidate, stages=str(stages), samples=str(raw))
    with Builder(cache_dir=cache) as builder:
        artifact = builder.build(candidate)
    with board() as opened:
        plan = make_plan(QUICK, artifact, choose_runner(opened.profile, opened.facts))
        return Measured(artifact, execute(opened, plan, artifact, candidate=candidate))


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "board-cache"))


@pytest.fixture
def stages(tmp_path: Path) -> Path:
    """The file with ImageNet's labels in it: a stages file reads no others."""
    labels = (needs.need_shared(IMAGES) / "imagenet_labels.txt").read_text(encoding="utf-8").splitlines()
    source = (Path(__file__).parent / "image_stages.py").read_text(encoding="utf-8")
    return write(tmp_path / "mobilenet_stages.py", source.replace("LABELS = []", f"LABELS = {labels!r}").encode())


@pytest.mark.parametrize("number_format", ["quant", "fp32"])
def test_a_real_image_gets_its_label_and_three_stages(tmp_path: Path, stages: Path, number_format: str) -> None:
    model = needs.need_shared(f"models/support_mobilenet_v1_0.25_224_{number_format}.tflite")
    found = measured(tmp_path, model, stages=stages, raw=needs.need_shared(f"{IMAGES}/cat.bmp"))
    entry = found.entry
    assert (entry.status, entry.findings) == (Status.MEASURED, [])
    labels = [label for label, _ in json.loads(entry.answers[0])]
    assert labels[:2] == ["Egyptian cat", "tabby, tabby cat"]
    assert entry.outputs.endswith("(1 samples); answers as on the host for 1 of 1 samples")
    value = {m.metric: m.value for m in entry.measurements if m.metric in STAGES}
    assert all(seconds is not None and seconds > 0 for seconds in value.values())
    assert list(value) == STAGES
    assert value["end_to_end"] > value["preprocess"]


def test_several_images_get_an_answer_each(tmp_path: Path, stages: Path) -> None:
    """A uniform is a suit to so small a network: both are among its five best."""
    model = needs.need_shared("models/support_mobilenet_v1_0.25_224_quant.tflite")
    images = tmp_path / "images.npz"
    files = [needs.need_shared(f"{IMAGES}/{name}.bmp") for name in ("cat", "grace_hopper")]
    np.savez(images, **{f"r{at}": np.fromfile(file, np.uint8) for at, file in enumerate(files)})
    entry = measured(tmp_path, model, stages=stages, raw=images).entry
    cat, hopper = ([label for label, _ in json.loads(answer)] for answer in entry.answers)
    assert cat[0] == "Egyptian cat"
    assert "military uniform" in hopper[:3]
    assert entry.status is Status.MEASURED


def test_every_sample_gets_the_hosts_answer(tmp_path: Path) -> None:
    source = (
        b"def preprocess(raw):\n    return raw * 1.0\ndef postprocess(outputs):\n    return float(outputs[0].sum())\n"
    )
    model = write(tmp_path / "add.tflite", add_model((1, 4), inputs=1))
    np.save(tmp_path / "raw.npy", np.ones((3, 4), np.float32))
    found = measured(tmp_path, model, stages=write(tmp_path / "mine.py", source), raw=tmp_path / "raw.npy")
    assert found.entry.answers == ("8.0",) * 3 == found.artifact.stages.answers


def test_what_only_fails_on_the_board_is_an_error_with_its_line(tmp_path: Path) -> None:
    """The file looks where it is: on the host under one name, on the board under another."""
    source = (
        b"def preprocess(raw):\n    if __name__ == 'edge_agent_stages':\n        raise OSError('no such scanner')\n"
    )
    source += b"    return raw * 1.0\n"
    model = write(tmp_path / "add.tflite", add_model((1, 4), inputs=1))
    np.save(tmp_path / "raw.npy", np.ones((1, 4), np.float32))
    entry = measured(tmp_path, model, stages=write(tmp_path / "mine.py", source), raw=tmp_path / "raw.npy").entry
    assert entry.status is Status.ERROR
    assert entry.reason == (
        "pre- and post-processing could not be measured: mine.py, line 3: preprocess raised OSError: no such scanner"
    )
    assert next(m for m in entry.measurements if m.metric == "latency_p50").value is not None


def test_another_answer_than_on_the_host_fails(tmp_path: Path) -> None:
    source = b"def postprocess(outputs):\n    return 'board' if __name__ == 'edge_agent_stages' else 'host'\n"
    model = write(tmp_path / "add.tflite", add_model((1, 4), inputs=1))
    np.save(tmp_path / "raw.npy", np.ones((1, 4), np.float32))
    entry = measured(tmp_path, model, stages=write(tmp_path / "mine.py", source), raw=tmp_path / "raw.npy").entry
    assert entry.status is Status.FAIL
    assert entry.reason == 'postprocess says "board" on the board, "host" on the host for sample 0'
