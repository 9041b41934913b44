"""A limit on a trial's memory: by a cgroup of its process, whose kills are told as that; by RLIMIT_DATA else."""

import os
import subprocess
from collections.abc import Callable

import pytest
from agent.agent_conversation import Steward, block, put, run, trial
from edge_agent.memory_limit import RLIMIT, ProcessLimit
from support.made_graphs import Graph, Made, Op, model
from support.needs import missing

from harness.measure.memory_account import memory_limit_finding
from harness.records.board import NO_FIT, Trial, TrialLimit
from harness.records.status import Status

Start = Callable[..., Steward]

WEIGHTS = "models/support_mobilenet_v1_0.25_224_fp32.tflite"
ENOUGH, TOO_LITTLE = 100_000_000, 8_000_000
NOBODY = 65534


@pytest.fixture
def made_cgroups() -> None:
    """Where a memory cgroup may be made."""
    limit = ProcessLimit(ENOUGH, f"edge-harness-test-{os.getpid()}")
    limit.remove()
    if limit.by == RLIMIT:
        missing(f"this test makes a memory cgroup, which cannot be had here: {limit.record()['refused']}")


def large() -> bytes:
    """Two tensors of 160 MB."""
    shape = (1, 40, 1000, 1000)
    return model(Graph({"x": Made(shape), "y": Made(shape)}, [Op("ADD", ["x", "x"], ["y"])], ["x"], ["y"]))


def limited(one: Steward, sha256: str, size: int, kinds: tuple[str, ...] = ("latency", "memory")) -> list[Trial]:
    trials = [trial(sha256, index=at, kind=kind, memory_limit_bytes=size) for at, kind in enumerate(kinds)]
    return run(one, trials, start="exec")


@pytest.mark.usefixtures("made_cgroups")
def test_what_fits_is_told_with_what_the_kernel_could_not_take_back(steward: Start) -> None:
    one = steward()
    latency, memory = limited(one, put(one, WEIGHTS), ENOUGH)
    assert (latency.died, memory.died) == (None, None)
    assert latency.samples_ns
    assert latency.limit
    assert latency.limit.unreclaimable_bytes is None
    assert memory.limit
    assert memory.memory
    assert (memory.limit.by[:6], memory.limit.limit_bytes, memory.limit.refused) == ("cgroup", ENOUGH, None)
    assert 10_000_000 < (memory.limit.unreclaimable_bytes or 0) < memory.memory.hwm_bytes
    finding = memory_limit_finding([latency, memory], "candidate", ENOUGH)
    assert finding
    assert (finding.gate, finding.status, finding.limit) == ("memory_limit", Status.PASS, float(ENOUGH))
    assert finding.value == memory.limit.unreclaimable_bytes
    assert finding.reason.startswith("fits in 100 MB: ")


@pytest.mark.usefixtures("made_cgroups")
def test_a_limit_a_tenth_above_what_cannot_be_taken_back_is_enough(steward: Start) -> None:
    one = steward()
    sha256 = put(one, WEIGHTS)
    (memory,) = limited(one, sha256, ENOUGH, ("memory",))
    assert memory.limit
    held = memory.limit.unreclaimable_bytes or 0
    below, above = (limited(one, sha256, round(share * held), ("memory",))[0] for share in (0.9, 1.1))
    assert (below.died or "").startswith(NO_FIT)
    assert above.died is None


@pytest.mark.usefixtures("made_cgroups")
@pytest.mark.parametrize("size", [TOO_LITTLE, ENOUGH], ids=["for the runtime", "for the model"])
def test_a_process_that_needs_more_is_said_not_to_fit_and_the_next_one_runs(steward: Start, size: int) -> None:
    one = steward()
    killed = limited(one, one.put(large()), size)
    written = f"{size / 1e6:.4g} MB"
    assert [each.died for each in killed] == [f"does not fit in {written}: killed by the kernel"] * 2
    finding = memory_limit_finding(killed, "candidate", size)
    assert finding
    assert (finding.status, finding.reason) == (
        Status.FAIL,
        f"does not fit in {written}: 2 of 2 processes killed by the kernel (latency, memory)",
    )
    (next_one,) = run(one, [trial(put(one, WEIGHTS))])
    assert next_one.died is None


@pytest.mark.usefixtures("made_cgroups")
def test_no_group_is_left(steward: Start) -> None:
    one = steward()
    limited(one, put(one, WEIGHTS), ENOUGH)
    limited(one, one.put(large()), ENOUGH, ("memory",))
    limit = ProcessLimit(ENOUGH, f"edge-harness-left-{os.getpid()}")
    assert limit._group
    left = [path.name for path in limit._group.parent.glob("edge-harness-*-[0-9]") if path != limit._group]
    limit.remove()
    assert left == []
    assert not limit._group.exists()


def test_a_forked_trial_with_a_limit_is_refused(steward: Start) -> None:
    one = steward()
    wanted = trial(put(one, WEIGHTS), memory_limit_bytes=ENOUGH)
    assert one.refusal("block", block=block([wanted])) == ("bad_request", "a trial with a memory limit is exec'd")


def test_an_account_that_may_make_no_group_has_an_rlimit_which_is_not_comparable() -> None:
    if os.getuid() != 0:
        limit = ProcessLimit(ENOUGH, "edge-harness-test")
        told = f"{limit.by}|{limit.record()['refused']}"
    else:
        told = as_nobody()
    by, refused = told.split("|", 1)
    assert by == RLIMIT
    assert refused.startswith("no memory cgroup can be made in ") or refused == "this kernel has no memory cgroups"
    brought = TrialLimit(by=by, limit_bytes=ENOUGH, refused=refused)
    lived = Trial(index=0, block=0, arm="candidate", kind="memory", limit=brought)
    finding = memory_limit_finding([lived, lived.model_copy(update={"died": "killed by SIGABRT"})], "candidate", ENOUGH)
    assert finding
    assert finding.status is Status.INVALID
    assert finding.reason == (
        "100 MB: not comparable: RLIMIT_DATA limits what a process reserves, not what it uses, and 1 of 2 processes "
        f"died under it; a cgroup would tell, but {refused}"
    )


def as_nobody() -> str:
    """What a limit says of itself in a process of an account without rights, whose data is limited then."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            limit = ProcessLimit(ENOUGH, "edge-harness-test")
            (ulimit,) = subprocess.check_output(limit.command(["/bin/sh", "-c", "ulimit -d"])).split()
            if int(ulimit) == ENOUGH // 1024:
                os.write(write_end, f"{limit.by}|{limit.record()['refused']}".encode())
                status = 0
        finally:
            os._exit(status)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        told = pipe.read().decode()
    assert os.waitpid(child, 0)[1] == 0
    return told


def test_a_limit_that_nothing_lived_to_tell_of_is_not_known() -> None:
    dead = Trial(index=0, block=0, arm="candidate", kind="memory", died="killed by SIGABRT")
    finding = memory_limit_finding([dead], "candidate", ENOUGH)
    assert finding
    assert (finding.status, finding.reason) == (
        Status.INVALID,
        "100 MB: not known whether it fits, as no process lived",
    )
    assert memory_limit_finding([dead], "candidate", 0) is None
    assert memory_limit_finding([dead], "baseline", ENOUGH) is None
