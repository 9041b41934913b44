"""A job in a process with limits: what it answers, how it ended, and what it could not take."""

import pytest

from harness.pipeline.check import sandbox
from harness.pipeline.check.sandbox import ProcessLimits, Reply
from harness.records.base import Record


class Job(Record):
    what: str


class Seen(Record):
    limits: tuple[int, ...]
    modules: tuple[str, ...] = ()


BEGIN = """
import resource, sys
LIMITS = tuple(resource.getrlimit(one)[0] for one in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU))
HEAVY = tuple(name for name in ("numpy", "tensorflow", "ai_edge_litert") if name in sys.modules)
from pathlib import Path
from harness.records.base import Record

class Job(Record):
    what: str

class Seen(Record):
    limits: tuple[int, ...]
    modules: tuple[str, ...] = ()

def main(text, tell):
    job = Job.model_validate_json(text)
    tell(Seen(limits=LIMITS, modules=HEAVY))
"""


@pytest.fixture(autouse=True)
def started(monkeypatch):
    monkeypatch.setenv("TESTS_FORKS", "")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def _run(body="", **limits):
        (tmp_path / "probe_main.py").write_text(BEGIN + body)
        return sandbox.run("probe_main", Job(what="anything"), ProcessLimits(**{"deadline_s": 60.0, **limits}))

    return _run


def test_limits_hold_before_what_does_the_job_is_imported(run):
    reply = run(memory_bytes=3 * 2**30, file_bytes=2**20, cpu_s=100)

    assert reply.ended is None and len(reply.lines) == 1
    assert reply.first(Seen) == Seen(limits=(3 * 2**30, 2**20, 100), modules=())


def test_what_is_printed_is_no_answer(run):
    reply = run("    print('{}')\n    import os\n    os.write(1, b'{}\\n')\n")

    assert len(reply.lines) == 1 and "{}" in reply.printed


@pytest.mark.parametrize(
    ("body", "ended"),
    [
        ("    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)\n", "was killed by SIGKILL"),
        ("    import os\n    os._exit(3)\n", "ended with exit status 3"),
        ("    raise SystemExit(0)\n", None),
        ("    bytearray(2**40)\n", "ended with exit status 1"),
        ("    Path('/dev/shm/probe').write_bytes(bytes(2**21))\n", "ended with exit status 1"),
        ("    while True: pass\n", "was killed by SIGKILL"),
    ],
)
def test_how_a_process_ended_stands_beside_what_it_answered(run, tmp_path, body, ended):
    reply = run(body.replace("/dev/shm", str(tmp_path)), file_bytes=2**20, cpu_s=2)

    assert reply.first(Seen) is not None
    assert reply.ended == ended


def test_a_deadline_ends_it(run):
    reply = run("    import time\n    time.sleep(600)\n", deadline_s=0.01)

    assert reply.failure() == "LiteRT on this host took longer than 0.01 s"


def test_a_module_that_is_none_is_told_with_its_name(run):
    reply = sandbox.run("nowhere_main", Job(what="anything"), ProcessLimits(deadline_s=60.0))

    assert reply.first(Seen) is None
    assert reply.failure("it") == "it ended with exit status 1: \"ModuleNotFoundError: No module named 'nowhere_main'\""


@pytest.mark.parametrize("lines", [(), ("nonsense",), ('{"limits": [1], "unknown": 2}',)])
def test_no_answer_is_said_in_one_way(lines):
    reply = Reply(lines)

    assert reply.first(Seen) is None and reply.failure("the process") == "the process gave no answer"
