"""The caller's side of a worker that dies, hangs, talks nonsense or is ended."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pipeline.workbench import Workbench

from harness.pipeline.worker import worker_client
from harness.pipeline.worker.protocol import Stage
from harness.pipeline.worker.worker_client import WorkerClient
from harness.records.errors import BuildError

WAIT_S = 20.0


@pytest.fixture(autouse=True)
def found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.fixture
def worker():
    with WorkerClient(silence_s=WAIT_S, module="standin_worker") as made:
        yield made


def request(label: str) -> Stage:
    return Stage(label=label, stages="", raw="", model="", sha256="", cache_dir="")


def refusal(worker: WorkerClient, label: str, progress=lambda _step: None) -> str:
    with pytest.raises(BuildError) as caught:
        worker.ask(request(label), progress)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def is_gone(pid: int) -> bool:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_steps_are_told_and_one_process_serves_all(worker):
    steps = []
    pids = {worker.ask(request(label), steps.append).message for label in ("one", "two")}
    assert steps == ["one begun", "two begun"] and len(pids) == 1


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("dies", 'dies: the process that builds it ended with exit status 9: "the last words"'),
        ("killed", "killed: the process that builds it was killed by SIGKILL"),
        ("out of memory", "out of memory needs more memory than the 6.0 GB it may have"),
        ("nonsense", "nonsense: the process that builds it talks nonsense and was ended"),
        ("refuses", "refuses, with a reason"),
    ],
)
def test_a_failure_is_one_line_and_the_next_request_is_served(worker, label, said):
    assert refusal(worker, label) == said
    assert worker.ask(request("next"), lambda _step: None).event == "done"


def test_a_refusal_keeps_the_process(worker):
    before = worker.ask(request("one"), lambda _step: None).message
    refusal(worker, "refuses")
    assert worker.ask(request("two"), lambda _step: None).message == before


def test_silence_ends_it_with_a_line_that_says_what_to_do():
    with WorkerClient(silence_s=0.3, module="standin_worker") as quick:
        said = refusal(quick, "hangs")
        assert "nothing was heard of its process for 0.3 s" in said and "weights=" in said


def test_what_is_printed_is_a_sign_of_life():
    with WorkerClient(silence_s=2.0, module="standin_worker") as worker:
        assert worker.ask(request("prints for long"), lambda _step: None).event == "done"


def test_being_killed_from_another_thread_is_said_and_takes_its_children_along(worker):
    children = []

    def hear(step: str) -> None:
        if step.isdigit():
            children.append(int(step))
            threading.Thread(target=worker.kill).start()

    assert "cancelled" in refusal(worker, "hangs with a child", hear)
    assert is_gone(children[0])
    assert "cancelled" in refusal(worker, "one")


def test_the_real_worker_ends_when_the_one_who_asks_is_gone():
    script = (
        "import os\n"
        "from harness.pipeline.worker.protocol import Stage\n"
        "from harness.pipeline.worker.worker_client import WorkerClient\n"
        "nothing = Stage(label='', stages='', raw='', model='', sha256='', cache_dir='')\n"
        "print(WorkerClient()._started(nothing).pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert is_gone(int(done.stdout)), done.stderr


def test_without_tensorflow_it_says_what_to_install(monkeypatch, worker):
    monkeypatch.setattr(worker_client, "find_spec", lambda _name: None)
    from harness.pipeline.model.job import BuildJob, ModelSource
    from harness.pipeline.worker.protocol import Convert

    job = BuildJob(
        model=ModelSource(kind="factory", source="a:b", label="a:b"), trainings=[], recipe="int8", seed=0, prepared="",
        output="",
    )  # fmt: skip
    with pytest.raises(BuildError, match=r"edge-harness\[convert\].*--artifacts"):
        worker.ask(Convert(label="a:b/int8", job=job), lambda _step: None)


MODELS = """
import os, pathlib, subprocess, sys, time

def tells():
    known = "tensorflow" in sys.modules
    import tensorflow
    forked = b"warm_builds.py" in pathlib.Path("/proc/self/cmdline").read_bytes()
    raise ValueError(f"{known} {tensorflow.__name__} {os.getpgrp() == os.getpid()} {forked}")

def sleeps():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (pathlib.Path(__file__).parent / "begun").write_text(f"{os.getpid()} {child.pid}.")
    time.sleep(600)
"""


@pytest.mark.tensorflow
def test_a_fork_of_tests_is_as_a_process_that_is_started(tmp_path):
    (tmp_path / "models.py").write_text(MODELS)
    with WorkerClient() as real:
        bench = Workbench(tmp_path, real)
        assert "ValueError: True tensorflow True True" in bench.refusal("models:tells")
    assert bench.said[:1] == ["starting TensorFlow"]


@pytest.mark.tensorflow
@pytest.mark.parametrize("changes", [{"TESTS_FORKS": ""}, {"OMP_NUM_THREADS": "1"}], ids=str)
def test_where_none_is_wanted_or_could_be_alike_one_is_started(changes, monkeypatch):
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    with WorkerClient() as real:
        with pytest.raises(BuildError, match="cannot be read"):
            real.ask(request("nothing"), lambda _step: None)
        assert b"worker_main" in Path(f"/proc/{real._started(request('')).pid}/cmdline").read_bytes()


@pytest.mark.tensorflow
def test_a_fork_of_tests_dies_with_all_that_it_started(tmp_path):
    (tmp_path / "models.py").write_text(MODELS)
    begun = tmp_path / "begun"

    def end_when_begun() -> None:
        until = time.monotonic() + WAIT_S
        while not (begun.exists() and begun.read_text().endswith(".")) and time.monotonic() < until:
            time.sleep(0.02)
        real.kill()

    with WorkerClient() as real:
        threading.Thread(target=end_when_begun).start()
        with pytest.raises(BuildError, match="cancelled"):
            Workbench(tmp_path, real).prepare("models:sleeps")
    assert [pid for pid in begun.read_text().rstrip(".").split() if not is_gone(int(pid))] == []
