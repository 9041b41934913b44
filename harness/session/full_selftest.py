"""All that a board can be asked about the harness itself: what reading costs, sums, what is put back, what is found."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from harness.board import LiveBoard, choose_runner, open_board
from harness.board.events import StateEvent
from harness.gates import parse_limits
from harness.measure.reading_cost import CostRatio, ReadingCost, measure_reading_cost
from harness.pipeline import candidates_from_paths
from harness.pipeline.cache import file_sha256
from harness.records.device import DeviceProfile
from harness.records.emulation import is_emulated
from harness.records.entry import Entry, Finding
from harness.records.errors import BoardUnavailableError, EntryError
from harness.records.health import CheckResult, CheckStatus, SystemState
from harness.records.plan import TrialSpec
from harness.records.results import SELFTEST
from harness.records.settings import Settings
from harness.records.status import Status
from harness.records.units import format_quantity
from harness.session.selftest import MODEL, SelfTest

EQUAL_LAYERS: Final = Path(__file__).with_name("selftest_layers_20.tflite")
"""Twenty equal dense layers in int8, whose outputs are exact with any kernels."""
SLOWER: Final = Path(__file__).with_name("selftest_layers_21.tflite")
"""One layer more: 5 % more of the same work."""
PLANTED: Final = "5 %"
MOST_COST: Final = 0.01
"""Of a trial's time and of its latency: what reading the board's state may cost."""
MOST_UNEXPLAINED: Final = 0.05
"""Of PSS: what the parts of a process' memory may leave over."""
_BLOCKS: Final = 10
_MOST_BLOCKS: Final = 30
"""Where the first ones leave it open whether reading keeps to its share."""
_TRIAL_S: Final = Settings().min_secs
"""What a session's trials take at least: of them reading may take its share."""
_NO_SETTING: Final = "the board shows no setting that tuning changes"
_SET_NOTHING: Final = " nothing: it was so already, or is not asked for"
_EMULATED: Final = "not judged: the board is emulated, its speed says nothing"
PLANTED_TEST: Final = f"{SELFTEST}: planted slowdown"
"""No self-test of the record of false alarms."""


@dataclass(frozen=True)
class BoardPart:
    """What a board said before anything was measured: its settings, whether it is emulated, what reading costs."""

    settings: dict[str, str]
    emulated: bool
    reading: CheckResult
    set_by_tuning: tuple[str, ...]
    untuned: str | None


def planted_slowdown(settings: Settings, reports_dir: Path, *, limit: str) -> SelfTest:
    """Twenty-one equal layers against twenty, as a run whose FAIL is wanted: in a folder and a history of its own."""
    limits = parse_limits({"latency_p50_regression": limit}, origin="--limit")
    own = replace(settings, baseline=str(EQUAL_LAYERS), trials=None, reports_dir=reports_dir, history=None)
    return SelfTest(candidates_from_paths([str(SLOWER)])[0], own, limits)


def ask_board(profile: DeviceProfile) -> BoardPart:
    """Read the settings of an untuned board, then open it as a run does and find what reading its state costs.

    Raises BoardUnavailableError.
    """
    with open_board(profile, tune=False) as board:
        settings = board_settings(board.ask("state", StateEvent).state)
        emulated = is_emulated(profile, board.facts)
    with open_board(profile) as board:
        reading = check("reading the state", "ok", _EMULATED) if emulated else _check_reading(board)
        point = board.point
        return BoardPart(settings, emulated, reading, point.changed if point else (), board.untuned)


def board_settings(state: SystemState) -> dict[str, str]:
    """What tuning may change of a board, by what it is called; what the board does not tell is left out."""
    found: dict[str, object] = {"power mode": state.power_mode}
    for policy in state.policies:
        found[f"governor of {policy.name}"] = policy.governor
        found[f"cap of {policy.name}"] = policy.max_khz
    for device in state.devices:
        found[f"governor of {device.name}"] = device.governor
        found[f"cap of {device.name}"] = device.max_hz
    if state.turbo is not None:
        found["turbo"] = "on" if state.turbo.on else "off"
    return {name: str(value) for name, value in found.items() if value is not None}


def check(
    name: str, status: CheckStatus, said: str, *, effect: str | None = None, fix: str | None = None
) -> CheckResult:
    """One line of the page."""
    return CheckResult(name=name, status=status, said=said, effect=effect, fix=fix)


def _check_reading(board: LiveBoard) -> CheckResult:
    name = "reading the state"
    sha256 = file_sha256(MODEL)
    board.ship(MODEL, sha256)
    trial = TrialSpec(
        index=0,
        arm="candidate",
        kind="latency",
        model=sha256,
        warmup_runs=5,
        num_runs=20,
        min_secs=_TRIAL_S,
        max_secs=5.0,
        deadline_s=60.0,
    )
    try:
        runner = choose_runner(board.profile, board.facts)
        found = measure_reading_cost(board, trial, runner, blocks=_BLOCKS, now=time.monotonic)
        if _is_open(found.latency):
            found = measure_reading_cost(board, trial, runner, blocks=_MOST_BLOCKS, now=time.monotonic)
    except EntryError as error:
        return check(name, "fail", f"could not be measured: {error}")
    return judge_reading(found)


def judge_reading(found: ReadingCost) -> CheckResult:
    """At most 1 % of a trial's time, and of its latency as far as the interval tells."""
    said = (
        f"takes {format_quantity(found.reading_s, 's')} of a trial's {format_quantity(found.trial_s, 's')} "
        f"({100 * found.share:.2g} %), and changes its latency by {found.latency} (95 %, {found.blocks} blocks)"
    )
    status: CheckStatus = "ok"
    if max(found.share, found.latency.low - 1.0) > MOST_COST:
        status = "fail"
    elif _is_open(found.latency):
        status = "warn"
    effect = None if status == "ok" else f"more than {100 * MOST_COST:g} % of what is measured may be the reading's"
    return check("reading the state", status, said, effect=effect)


def _is_open(latency: CostRatio) -> bool:
    """Whether the interval neither keeps to 1 % nor lies beyond it."""
    return latency.ratio > 1.0 + MOST_COST


def judge_memory(entry: Entry | None) -> CheckResult:
    """What the parts of a process' memory leave over of its PSS."""
    name, account = "memory sum", entry.memory if entry is not None else None
    if account is None:
        why = "no memory trial counted" if entry is None or entry.status is Status.ERROR else "this board does not tell"
        return check(name, "warn", f"not judged: {why} what processes consist of")
    parts = ", ".join(f"{title} {format_quantity(size, 'B')}" for title, size in account.parts.items() if size)
    said = f"PSS {format_quantity(account.pss_bytes, 'B')} = {parts} ({100 * account.unexplained_share:.2g} %)"
    if abs(account.unexplained_share) > MOST_UNEXPLAINED:
        return check(name, "fail", said, effect=f"more than {100 * MOST_UNEXPLAINED:g} % of a figure has no reason")
    return check(name, "ok", said)


def judge_put_back(part: BoardPart, profile: DeviceProfile) -> CheckResult:
    """Whether every setting is what it was before anything was tuned; the untuned board is asked once more."""
    name = "tuning put back"
    try:
        with open_board(profile, tune=False) as board:
            after = board_settings(board.ask("state", StateEvent).state)
    except BoardUnavailableError as error:
        return check(name, "warn", f"not judged: {error}", fix=f"harness doctor {profile.name}")
    return compare_settings(part, after)


def compare_settings(part: BoardPart, after: dict[str, str]) -> CheckResult:
    """Whether settings that were read before and after are the same."""
    name = "tuning put back"
    changed = [
        f"{what} was {was}, is {after.get(what, 'gone')}"
        for what, was in part.settings.items()
        if after.get(what) != was
    ]
    if changed:
        return check(name, "fail", "; ".join(changed), effect="others on this board run at another speed than before")
    kept = f"{len(part.settings)} settings are as they were" if part.settings else _NO_SETTING
    done = f": {'; '.join(part.set_by_tuning)}" if part.set_by_tuning else _SET_NOTHING
    said = f"{kept}; a run set{done}"
    if part.untuned:
        return check(name, "warn", f"{said}; {part.untuned}", effect="figures scatter more than they need to")
    return check(name, "ok", said)


def judge_same(entry: Entry | None, *, emulated: bool) -> CheckResult:
    """A model against its copy: a difference that is found is a false alarm."""
    finding = _regression(entry)
    said = _said(finding, entry)
    if emulated:
        return check("the same twice", "ok", _EMULATED)
    if finding is not None and finding.status is Status.PASS:
        return check("the same twice", "ok", said)
    if finding is not None and finding.status is Status.FAIL:
        return check("the same twice", "fail", said, effect="a change may be failed that changed nothing")
    return check("the same twice", "warn", said, effect="so small a change is not told on this board in this time")


def judge_planted(entry: Entry | None, *, emulated: bool) -> CheckResult:
    """Twenty-one equal layers against twenty: a slowdown of 5 % that has to be found."""
    name, finding = "a planted slowdown", _regression(entry)
    said = f"of {PLANTED}: {_said(finding, entry)}"
    if emulated:
        return check(name, "ok", _EMULATED)
    if finding is not None and finding.status is Status.FAIL:
        return check(name, "ok", said)
    if finding is not None and finding.status is Status.PASS:
        return check(name, "fail", said, effect="a change may pass that made the model slower")
    return check(name, "warn", said, effect="so small a change is not told on this board in this time")


def _regression(entry: Entry | None) -> Finding | None:
    found = entry.findings if entry is not None else []
    return next((finding for finding in found if finding.gate == "regression"), None)


def _said(finding: Finding | None, entry: Entry | None) -> str:
    if finding is not None:
        return finding.reason
    return "not measured" if entry is None else f"{entry.status}: {entry.reason}"


def worst_status(results: Sequence[CheckResult]) -> CheckStatus:
    """Fail where any failed, warn where any could not be judged."""
    found = {result.status for result in results}
    return "fail" if "fail" in found else "warn" if "warn" in found else "ok"
