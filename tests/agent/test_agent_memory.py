"""What a memory trial tells of its process: parts that add up, and peaks of loading and of running."""

import mmap
from collections.abc import Callable
from pathlib import Path

import pytest
from agent.agent_conversation import Steward, put, run, trial
from edge_agent import memory_parts
from support.made_graphs import running_sum

from harness.measure.memory_account import memory_account
from harness.measure.trial_summary import model_peak, trial_metrics
from harness.records.board import Trial
from harness.records.memory import PARTS

Start = Callable[..., Steward]

WEIGHTS = "models/support_mobilenet_v1_0.25_224_fp32.tflite"
INTEGER = "models/support_mobilenet_v1_0.25_224_quant.tflite"
MOST_UNEXPLAINED = 0.05


@pytest.fixture
def loaded(steward: Start) -> Trial:
    """A memory trial of a model of 1.9 MB."""
    one = steward()
    return run(one, [trial(put(one, WEIGHTS), kind="memory", warmup_runs=1)])[0]


def test_the_parts_of_a_process_add_up_to_its_proportional_set(loaded: Trial) -> None:
    account = memory_account([loaded], "candidate")
    assert account
    assert abs(account.unexplained_share) <= MOST_UNEXPLAINED
    assert sum(account.parts.values()) == pytest.approx(account.pss_bytes)
    assert account.parts["weights"] == pytest.approx(1_882_904, abs=8192)
    assert account.weights_mapped
    # Packed weights are the float weights once more; the input alone has 602 kB.
    assert account.parts["packed weights, heap"] > 1_500_000
    assert account.parts["tensor arena"] > 602_112


def test_loading_and_running_have_a_peak_each(loaded: Trial) -> None:
    memory = loaded.memory
    assert memory
    assert memory.load_hwm_bytes
    assert memory.run_hwm_bytes
    assert memory.mean_rss_bytes
    assert memory.hwm_before_bytes < memory.load_hwm_bytes <= memory.hwm_bytes
    assert memory.hwm_before_bytes < memory.mean_rss_bytes <= memory.run_hwm_bytes <= memory.hwm_bytes
    metrics = trial_metrics(loaded, None)
    assert metrics
    assert metrics.values["load_peak_memory"] == memory.load_hwm_bytes
    assert metrics.values["memory_mean"] == memory.mean_rss_bytes
    assert metrics.values["model_memory"] == model_peak(memory) - memory.hwm_before_bytes


@pytest.mark.parametrize("changes", [{"delegate": "none"}, {"num_threads": 2}, {"start": "exec"}], ids=str)
def test_the_parts_add_up_however_the_model_is_run(steward: Start, changes: dict[str, object]) -> None:
    one = steward()
    found = run(one, [trial(put(one, INTEGER), kind="memory", warmup_runs=1)], **changes)
    account = memory_account(found, "candidate")
    assert account
    assert abs(account.unexplained_share) <= MOST_UNEXPLAINED


def test_a_model_with_a_state_has_parts_too(steward: Start) -> None:
    one = steward()
    account = memory_account(run(one, [trial(one.put(running_sum()), kind="memory")]), "candidate")
    assert account
    assert abs(account.unexplained_share) <= MOST_UNEXPLAINED


@pytest.mark.parametrize("flags", [mmap.MAP_SHARED, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS], ids=["shared", "private"])
def test_what_nobody_allocated_is_unexplained(tmp_path: Path, flags: int) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(b"\1" * 1_000_000)
    memory_parts.read_content(memory_parts.take_snapshot())
    memory_parts.settle()
    before = memory_parts.take_snapshot()
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        read = mapped.read()
        held = [bytearray(b"\2" * 3_000_000)]
        ownerless = mmap.mmap(-1, 20_000_000, flags=flags)
        ownerless.write(b"\3" * len(ownerless))
        content = memory_parts.read_content(before)
        held[0][:2_000_000] = b"\4" * 2_000_000
        stages = memory_parts.Snapshots(before, content, content, memory_parts.take_snapshot())
        parts = memory_parts.parts_of(stages, model)
        assert len(read) == len(mapped)
    assert parts["pss_bytes"] - sum(parts[field] for field in PARTS) == pytest.approx(20_000_000, abs=1_500_000)
    assert parts["weights_bytes"] == pytest.approx(1_000_000, abs=8192)
    assert parts["arena_bytes"] == pytest.approx(2_000_000, abs=500_000)
    ownerless.close()


def test_a_model_that_is_copied_has_its_weights_on_the_heap(tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(b"\1" * 5_000_000)
    memory_parts.settle()
    before = memory_parts.take_snapshot()
    copied = model.read_bytes()
    content = memory_parts.read_content(before)
    parts = memory_parts.parts_of(memory_parts.Snapshots(before, content, content, memory_parts.take_snapshot()), model)
    assert (parts["weights_mapped"], parts["weights_bytes"]) == (False, len(copied))
    assert parts["packed_bytes"] < 1_000_000


def test_the_means_of_processes_add_up_as_well(loaded: Trial) -> None:
    assert loaded.memory
    assert loaded.memory.parts
    larger = loaded.memory.parts.model_copy(
        update={"pss_bytes": loaded.memory.parts.pss_bytes + 8, "weights_mapped": False}
    )
    memory = loaded.memory.model_copy(update={"parts": larger, "load_hwm_bytes": None})
    account = memory_account([loaded, loaded.model_copy(update={"memory": memory})], "candidate")
    assert account
    assert (account.processes, account.weights_mapped, account.load_peak_bytes) == (2, False, None)
    assert account.pss_bytes == loaded.memory.parts.pss_bytes + 4
    assert sum(account.parts.values()) == pytest.approx(account.pss_bytes)
    assert memory_account([loaded], "baseline") is None
