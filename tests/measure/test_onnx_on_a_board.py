"""ONNX Runtime as the runtime of a board, by a program of about forty lines: measured, and held to stored outputs."""

import secrets
import sys
from pathlib import Path

import numpy as np
import pytest
from support.onnx_model import dense_model
from support.tiny_model import write

from harness.board import choose_runner, open_board
from harness.measure import execute, make_plan
from harness.pipeline import Builder, candidates_from_paths
from harness.records.device import Connection, Runtime
from harness.records.entry import Entry
from harness.records.settings import Settings
from harness.records.status import Status
from harness.testing import make_profile

RUNNER = Path(__file__).parents[1] / "support" / "onnx_runner.py"
WEIGHTS = np.random.default_rng(3).normal(size=(16, 8)).astype(np.float32)


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "board-cache"))


def measured(folder: Path, content: bytes, golden: np.ndarray, inputs: np.ndarray) -> Entry:
    np.savez(folder / "golden.npz", i0=inputs, o0=golden)
    model = write(folder / "dense.onnx", content)
    (candidate,) = candidates_from_paths([model], samples=folder / "golden.npz")
    with Builder(cache_dir=folder / "cache") as builder:
        artifact = builder.build(candidate)
    runtime = Runtime(package="command", command=[sys.executable, str(RUNNER), "{model}"])
    profile = make_profile("npu", connection=Connection(transport="local"), runtime=runtime)
    with open_board(profile, lease=f"onnx-{secrets.token_hex(8)}") as board:
        settings = Settings(trials=1, num_runs=20, min_secs=0.01)
        plan = make_plan(settings, artifact, choose_runner(profile, board.facts))
        return execute(board, plan, artifact, candidate=candidate)


@pytest.mark.parametrize(
    ("content", "status"), [("right", Status.MEASURED), ("wrong", Status.FAIL), ("cut", Status.ERROR)]
)
def test_an_onnx_file_is_measured_judged_and_its_refusal_told(tmp_path: Path, content: str, status: Status) -> None:
    inputs = np.random.default_rng(4).normal(size=(5, 1, 16)).astype(np.float32)
    file = dense_model(WEIGHTS * 1.5 if content == "wrong" else WEIGHTS)
    entry = measured(tmp_path, file[:40] if content == "cut" else file, np.tanh(inputs @ WEIGHTS), inputs)
    assert entry.status is status, entry.reason
    assert (entry["latency_p50"].value is None) == (content == "cut")
    if content == "right":
        assert entry.outputs.startswith(("agree with the outputs stored", "bit-equal with the outputs stored"))
    if content == "cut":
        assert "ended with exit status 1" in entry.reason
        assert "onnxruntime" in entry.reason
