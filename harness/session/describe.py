"""Live things turned into the records that files keep: a board, a candidate that could not be measured."""

import ipaddress
import os
import platform

from harness.board import LiveBoard, differences, fingerprint
from harness.records.artifact import Artifact
from harness.records.board import BoardFacts
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.emulation import EMULATED, is_emulated
from harness.records.entry import ArtifactRecord, Entry, Finding
from harness.records.plan import RunnerSpec
from harness.records.results import DeviceRecord
from harness.records.status import Status

THIS_MACHINE = "this machine, no edge board"


def describe_device(board: LiveBoard) -> DeviceRecord:
    """What a results file keeps of a board: profile, facts, fingerprint, label, differences, what its release left."""
    untuned = [f"not tuned as the profile says: {board.untuned}"] if board.untuned else []
    times = "once" if board.losses == 1 else f"{board.losses} times"
    lost = [f"the link was lost and made again {times}"] if board.losses else []
    found = [f"left by a run that died: {sentence}" for sentence in board.restored]
    left = [f"not put back at the end: {board.release_problem}"] if board.release_problem else []
    return DeviceRecord(
        profile=board.profile.without_secrets(),
        facts=board.facts,
        fingerprint=fingerprint(board.facts, board.point),
        differences=[*differences(board.profile, board.facts), *untuned, *found, *lost, *left],
        operating_point=board.point,
        label=board.facts.simulated or stand_in(board.profile, board.facts),
    )


def refused_entry(candidate: Candidate, device: str, *, test: str, reason: str) -> Entry:
    """The entry of a candidate that never reached the board: status ERROR with one line."""
    finding = Finding(gate="measuring", metric=None, status=Status.ERROR, reason=reason)
    return Entry(
        device=device,
        test=test,
        candidate=candidate.name,
        recipe=candidate.recipe,
        artifact=None,
        runtime=None,
        delegate=None,
        num_threads=None,
        status=Status.ERROR,
        reason=reason,
        findings=[finding],
    )


def bare_entry(candidate: Candidate, device: str, runner: RunnerSpec, *, test: str = "") -> Entry:
    """A candidate's entry before anything is known of it but what runs it."""
    return Entry(
        device=device,
        test=test,
        candidate=candidate.name,
        recipe=candidate.recipe,
        artifact=None,
        runtime=f"{runner.package} {runner.version}",
        delegate=runner.delegate,
        num_threads=runner.num_threads,
        status=Status.MEASURED,
        reason="",
    )


def unmeasured_entry(candidate: Candidate, device: str, runner: RunnerSpec, *, test: str, artifact: Artifact) -> Entry:
    """The entry of a candidate that is the same as its baseline: what is known without a trial."""
    from harness.measure.arm_metrics import artifact_metrics  # loads numpy

    return bare_entry(candidate, device, runner, test=test).model_copy(
        update={
            "artifact": ArtifactRecord.of(artifact),
            "reason": "identical to the baseline: nothing was measured",
            "measurements": artifact_metrics(artifact),
        }
    )


def stand_in(profile: DeviceProfile, facts: BoardFacts) -> str | None:
    """What stands in for a board: this machine, or an emulated one; None for a board, also at the end of a tunnel."""
    if is_emulated(profile, facts):
        return EMULATED
    if profile.connection.transport == "local":
        return THIS_MACHINE
    # A tunnel's end is a loopback address too, and a name of ~/.ssh/config may hide one: the board's own word decides.
    alike = (facts.kernel, facts.arch, facts.cpu_count) == (platform.release(), platform.machine(), os.cpu_count())
    if alike and (facts.hostname == platform.node() or _is_loopback(profile.connection.host or "")):
        return "loopback ssh on this machine, no edge board"
    return None


def _is_loopback(host: str) -> bool:
    name = host.removeprefix("[").removesuffix("]").removesuffix(".").lower()
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith((".localhost", "-localhost"))
