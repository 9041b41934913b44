"""Live things turned into the records that files keep: a board, a candidate that could not be measured."""

import ipaddress

from harness.board import LiveBoard, differences, fingerprint
from harness.records.candidate import Candidate
from harness.records.device import Connection
from harness.records.results import DeviceRecord, Entry, Finding
from harness.records.status import Status


def describe_device(board: LiveBoard) -> DeviceRecord:
    """What a results file keeps of a board: profile, facts, fingerprint, label, differences, what its release left."""
    left = [f"not put back at the end: {board.release_problem}"] if board.release_problem else []
    return DeviceRecord(
        profile=board.profile,
        facts=board.facts,
        fingerprint=fingerprint(board.facts),
        differences=[*differences(board.profile, board.facts), *left],
        label=board.facts.simulated or _stand_in(board.profile.connection),
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


def _stand_in(connection: Connection) -> str | None:
    if connection.transport == "local":
        return "this machine, no edge board"
    host = connection.host or ""
    if host == "localhost" or _is_loopback(host):
        return "loopback ssh on this machine, no edge board"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
