"""Memory that runs out on a board: who is killed, what is said of it, and the limits that count."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent.agent_conversation import PYTHON, Steward, run, runner, trial
from edge_agent import oom
from edge_agent.sysfs import Root
from support.made_graphs import Graph, Made, Op, model, running_sum
from support.needs import missing

BOOT = Path("/proc/sys/kernel/random/boot_id")
LIMIT = 160_000_000
V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


def large() -> bytes:
    """A few hundred bytes that declare two tensors of 400 MB."""
    shape = (1, 100, 1000, 1000)
    graph = Graph({"x": Made(shape), "y": Made(shape)}, [Op("ADD", ["x", "x"], ["y"])], ["x"], ["y"])
    return model(graph)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Path]:
    """A memory cgroup with a limit, for processes of this test."""
    base, limit = (V1, "memory.limit_in_bytes") if (V1 / "memory.limit_in_bytes").exists() else (V2, "memory.max")
    folder = base / f"edge-harness-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / limit).write_text(str(LIMIT))
    except OSError as error:
        missing(f"this test makes a memory cgroup, which cannot be had here: {error}")
    yield folder
    folder.rmdir()


def limited(group: Path) -> list[str]:
    """Words before a command that put its process into the cgroup."""
    return ["/bin/sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]


@pytest.mark.parametrize("start", ["fork", "exec"])
def test_a_model_that_takes_all_memory_is_said_to_and_the_steward_lives(
    group: Path, agent: Path, tmp_path: Path, start: str
) -> None:
    options = {"cache": str(tmp_path / "cache"), "root": "/", "holder": "a test", "lease": f"oom-{tmp_path}"[-90:]}
    one = Steward(agent, options, limited(group))
    try:
        trials = [trial(one.put(large())), trial(one.put(running_sum()), index=1)]
        killed, next_one = run(one, trials, start=start)
        assert (killed.died or "").startswith("out of memory: killed by the kernel at a peak of ")
        assert (killed.died or "").endswith("; its memory cgroup allows 160 MB")
        assert next_one.died is None
        facts = one.ask("probe")[0]["facts"]
        assert facts["memory_limit_bytes"] == pytest.approx(LIMIT, rel=0.01)
    finally:
        one.close_stdin()
        one.wait()
        one.end()


def test_the_memory_trial_and_the_block_itself_are_told_alike(group: Path, agent: Path, tmp_path: Path) -> None:
    options = {"cache": str(tmp_path / "cache"), "root": "/", "holder": "a test", "lease": f"oom-{tmp_path}"[-90:]}
    one = Steward(agent, options, limited(group))
    try:
        (killed,) = run(one, [trial(one.put(large()), kind="memory")])
        assert (killed.died or "").startswith("out of memory: killed by the kernel at a peak of ")
    finally:
        one.close_stdin()
        one.wait()
        one.end()


def made_up(root: Path, **files: str) -> Root:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Root(str(root))


def test_the_least_limit_upward_counts(tmp_path: Path) -> None:
    root = made_up(tmp_path, proc__meminfo="MemTotal: 1000000 kB\n", proc__self__cgroup="4:memory:/a/b\n0::/\n")
    for folder, limit in (("a/b", 1 << 62), ("a", 300_000_000), ("", 500_000_000)):
        place = tmp_path / "sys/fs/cgroup/memory" / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / "memory.limit_in_bytes").write_text(str(limit))
    assert oom.limit(root) == (300_000_000, "its memory cgroup allows")


def test_a_unified_hierarchy_is_read_too(tmp_path: Path) -> None:
    root = made_up(tmp_path, proc__meminfo="MemTotal: 1000000 kB\n", proc__self__cgroup="0::/user\n")
    place = tmp_path / "sys/fs/cgroup/user"
    place.mkdir(parents=True)
    (place / "memory.max").write_text("max\n")
    assert oom.limit(root) == (1_024_000_000, "the board has")
    (place / "memory.max").write_text("250000000\n")
    assert oom.limit(root) == (250_000_000, "its memory cgroup allows")


def test_nothing_is_known_where_the_board_tells_nothing(tmp_path: Path) -> None:
    assert oom.limit(Root(str(tmp_path))) is None
    told = oom.Watch(Root(str(tmp_path))).explain(int(signal.SIGKILL), 50_000_000)
    assert told == "killed by SIGKILL at a peak of 50 MB (out of memory?)"


@pytest.mark.parametrize(("status", "told"), [(0, None), (int(signal.SIGSEGV), None), (1 << 8, None)])
def test_another_end_is_no_want_of_memory(tmp_path: Path, status: int, told: None) -> None:
    assert oom.Watch(Root(str(tmp_path))).explain(status, 1) is told


def test_the_counter_decides(tmp_path: Path) -> None:
    root = made_up(tmp_path, proc__vmstat="nr_free 1\noom_kill 4\n", proc__meminfo="MemTotal: 250000 kB\n")
    watch = oom.Watch(root)
    assert watch.explain(int(signal.SIGKILL), 200_000_000) is None
    made_up(tmp_path, proc__vmstat="nr_free 1\noom_kill 5\n")
    assert watch.explain(int(signal.SIGKILL), 200_000_000) == (
        "out of memory: killed by the kernel at a peak of 200 MB; the board has 256 MB"
    )


def test_the_measuring_process_is_the_first_to_go(steward: Callable[..., Steward], tmp_path: Path) -> None:
    folder = tmp_path / "site" / "ai_edge_litert"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "interpreter.py").write_text("raise ImportError(open('/proc/self/oom_score_adj').read())\n")
    one = steward()
    asked = {"index": 1, "trials": [trial(one.put(running_sum()))]}
    runner = {"package": "litert", "version": "1", "python": PYTHON, "site": str(folder.parent)}
    asked["runner"] = {**runner, "num_threads": 1, "delegate": "none"}
    assert one.refusal("block", block=asked)[1].endswith(": 1000")


def test_a_steward_that_was_killed_for_memory_is_told_by_the_next_one(
    steward: Callable[..., Steward], tmp_path: Path
) -> None:
    root = tmp_path / "root"
    one = steward()
    made_up(root, proc__vmstat="oom_kill 4\n", proc__meminfo="MemTotal: 250000 kB\n")
    long = trial(one.put(running_sum()), min_secs=60.0, max_secs=60.0, deadline_s=90.0)
    one.tell("block", block={"index": 1, "runner": runner(), "trials": [long]})
    assert one.read()["event"] == "started"
    one.process.kill()
    one.wait()
    assert steward().first["restored"] == []
    (one.cache / "block.json").write_text(json.dumps({"boot": BOOT.read_text().strip(), "kills": 4}))
    made_up(root, proc__vmstat="oom_kill 5\n")
    said = "out of memory: the kernel killed the steward while a block ran; the board has 256 MB"
    assert steward(lease=f"second-{tmp_path}"[-90:]).first["restored"] == [said]
    assert not (one.cache / "block.json").exists()
