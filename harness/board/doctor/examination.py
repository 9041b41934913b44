"""Finding out all that checks ask for, in one session on the board."""

import time
from dataclasses import replace
from pathlib import Path

from harness.board.doctor.check import Examination
from harness.board.doctor.spread import measure_spread, recall_spread, remember_spread
from harness.board.events import StateEvent
from harness.board.live import LiveBoard
from harness.board.open_board import open_board
from harness.board.runner import choose_runner
from harness.board.runtime_proof import TOOK_NOTHING, prove_runner
from harness.records.device import DeviceProfile
from harness.records.errors import BoardUnavailableError, BoardUnfitError, HarnessError, ProfileError
from harness.records.health import DiskRoom
from harness.records.plan import RunnerSpec
from harness.transport import connect

_PINGS = 5
_DF_S = 20.0
_DF = (
    'cd "${XDG_CACHE_HOME:-$HOME/.cache}" 2>/dev/null; cd edge-harness 2>/dev/null; '
    "df -Pk . | tail -n 1; df -Pi . | tail -n 1"
)


def examine(
    profile: DeviceProfile, *, devices_dir: Path | None = None, root: str = "/", lease: str | None = None
) -> Examination:
    """What a board is and how it is now, as far as it can be reached; a board that is not is no error here.

    ``devices_dir`` stands in the commands that mend something; ``root`` and ``lease`` are `open_board`'s.
    """
    found = Examination(profile, devices_dir)
    try:
        with open_board(profile, tune=False, root=root, lease=lease) as board:
            return _look(board, found)
    except BoardUnavailableError as error:
        trouble = replace(found, trouble=error)
        return replace(trouble, disk=_bare_disk(profile)) if isinstance(error, BoardUnfitError) else trouble


def _look(board: LiveBoard, found: Examination) -> Examination:
    found = replace(
        found,
        facts=board.facts,
        restored=board.restored,
        link=board.link_facts(),
        connect_s=board.seconds.get("connect"),
        round_trip_s=min(_round_trip(board) for _ in range(_PINGS)),
        earlier_spread=recall_spread(found.profile.name),
    )
    state = board.ask("state", StateEvent).state
    # Said at the end of the answer, so that only the way back lies between; a second matters, milliseconds do not.
    found = replace(found, state=state, clock_ahead_s=state.time_s - time.time(), disk=state.disk)
    return _run(board, found)


def _round_trip(board: LiveBoard) -> float:
    begun = time.monotonic()
    board.ping()
    return time.monotonic() - begun


def _run(board: LiveBoard, found: Examination) -> Examination:
    """Whether the profile's runtime runs a model, and how steadily: as the board is, then as a run tunes it."""
    runner, problem = _choose(board)
    if runner is None:
        return replace(_tune(board, found), no_runner=problem)
    if runner.package == "command":
        return replace(_tune(board, found), unproved=True)
    objection = prove_runner(board, runner)
    if objection is not None and TOOK_NOTHING in objection:
        return replace(_tune(board, found), unproved=True)
    if objection is not None:
        return replace(_tune(board, found), model_problem=f"{_named(board, runner)} does not run a model: {objection}")
    found = replace(found, spread=measure_spread(board, runner, 1))
    found = _tune(board, found)
    if board.point is not None and any(setting.changed for setting in board.point.settings):
        found = replace(found, tuned_spread=measure_spread(board, runner, 2))
    if found.spread is not None:
        remember_spread(found.profile.name, found.tuned_spread or found.spread)
    return found


def _named(board: LiveBoard, runner: RunnerSpec) -> str:
    """The runtime with its numpy, whose version decides whether it works."""
    numpy = next(
        (one.numpy for one in board.facts.runtimes if (one.package, one.site) == (runner.package, runner.site)), None
    )
    return f"{runner.package} {runner.version}{f' with numpy {numpy}' if numpy else ''}"


def _choose(board: LiveBoard) -> tuple[RunnerSpec | None, str | None]:
    device = board.profile.name
    if not board.facts.runtimes and board.profile.runtime.package != "command":
        return None, f"no runtime on the board: run harness provision {device}"
    try:
        return choose_runner(board.profile, board.facts), None
    except (BoardUnfitError, ProfileError) as error:
        return None, str(error).removeprefix(f"{device}: ")


def _tune(board: LiveBoard, found: Examination) -> Examination:
    try:
        board.tune()
    except BoardUnfitError as error:
        return replace(found, untuned=str(error).removeprefix(f"{board.profile.name}: "), refused=True)
    return replace(found, untuned=board.untuned, point=board.point)


def _bare_disk(profile: DeviceProfile) -> DiskRoom | None:
    """The room on the disk of a board on which nothing of ours starts, by its own df; None where that tells nothing."""
    try:
        transport = connect(profile.connection, device=profile.name)
        try:
            process = transport.start(["sh", "-c", _DF])
            lines = [process.read_line(_DF_S), process.read_line(_DF_S)]
        finally:
            transport.close()
    except (HarnessError, TimeoutError):
        return None
    sizes, inodes = (_numbers(line) for line in lines)
    if sizes is None:
        return None
    there = inodes is not None and inodes[0] > 0
    return DiskRoom(
        size_bytes=sizes[0] * 1024,
        free_bytes=sizes[1] * 1024,
        inodes=inodes[0] if inodes is not None and there else None,
        inodes_free=inodes[1] if inodes is not None and there else None,
    )


def _numbers(line: bytes | None) -> tuple[int, int] | None:
    """Size and what is free, of a line of ``df -P``."""
    words = (line or b"").split()
    if len(words) < 6 or not (words[1].isdigit() and words[3].isdigit()):
        return None
    return min(int(words[1]), 2**50), min(int(words[3]), 2**50)
