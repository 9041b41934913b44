"""The run that pictures show: simulated boards, measured, judged and told by the harness itself as real ones are."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.gates import is_sampled, judge, limit_tests_of
from harness.gates.limits import Limit, parse_limits
from harness.measure.execution import execute
from harness.measure.planning import make_plan, most_blocks
from harness.records.artifact import AccuracyDrop, AccuracyResult, Artifact
from harness.records.candidate import Candidate
from harness.records.device import Power
from harness.records.entry import Entry
from harness.records.history import Series, SeriesPoint
from harness.records.limit_test import JUDGING_RULE
from harness.records.metrics import ESTIMATOR
from harness.records.results import DeviceRecord, Results, Run, SelfTests
from harness.records.settings import Settings
from harness.records.status import Status, exit_code, worst
from harness.session.error_guarantee import error_guarantee
from harness.store.history import with_changes
from harness.testing import (
    BoardState,
    SimulatedBoard,
    SimulatedModel,
    made_up_sha256,
    make_artifact,
    make_facts,
    make_golden,
    make_profile,
    make_runner,
)

DEVICE = "pi-07"
FINGERPRINT = "1c2d3e4f (Raspberry Pi 4 Model B Rev 1.4, 1.5 GHz)"
MADE_AT = "2026-11-24T05:45:00Z"
SETTINGS = Settings(baseline="origin/main", time_limit_s=240.0)
PROFILE = make_profile(
    DEVICE, description="Raspberry Pi 4 Model B, 4 GB", power=Power(sensors=["sim"]), limits={"max_temp_c": 75.0}
)
SAMPLES = 4890


@dataclass(frozen=True)
class _Shown:
    """One entry: how its artifact behaves, what it is held against, and what it may cost."""

    candidate: str
    recipe: str
    latency_s: float
    size_bytes: int
    right: int
    was_s: float | None = None
    """The baseline's latency."""
    budget: Mapping[str, str] | None = None
    states: tuple[BoardState, ...] = (BoardState(temp_c=48.0),)

    @property
    def accuracy(self) -> AccuracyResult:
        return AccuracyResult(
            value=self.right / SAMPLES,
            correct=self.right,
            n=SAMPLES,
            dataset=self.candidate.split("_")[0],
            obtained="LiteRT on the host",
        )


_HOT = tuple(
    BoardState(from_s=from_s, temp_c=temp_c, slowdown=slowdown, freq_khz=freq_khz)
    for from_s, temp_c, slowdown, freq_khz in (
        (0.0, 58.0, 1.0, 1_500_000),
        (3.0, 66.0, 1.0, 1_500_000),
        (5.0, 73.0, 1.0, 1_500_000),
        (7.0, 79.0, 1.5, 1_000_000),
        (9.0, 64.0, 1.0, 1_500_000),
    )
)
_WHOLE = {"latency_p50": "12 ms", "latency_p50_regression": "2 %"}
_KWS = {"latency_p50": "5 ms", "latency_p50_regression": "2 %", "accuracy_drop": "1 pt"}
_VWW = {"latency_p50": "40 ms", "accuracy_drop": "1 pt"}
SHOWN = (
    _Shown("kws_ds_cnn", "float32", 0.00981, 118_400, 4597, was_s=0.00981, budget=_WHOLE),
    _Shown("kws_ds_cnn", "int8", 0.00442, 52_900, 4561, was_s=0.00416, budget=_KWS),
    _Shown("kws_ds_cnn", "prune(0.8)+int8", 0.00417, 53_100, 4554, was_s=0.00416, budget=_KWS),
    _Shown("vww_mobilenet_v1", "float32", 0.0624, 868_000, 4211),
    _Shown("vww_mobilenet_v1", "int8", 0.0216, 311_000, 4189, budget=_VWW, states=_HOT),
)


BUDGETS = "\n".join(
    line
    for subject, limits in (("kws_ds_cnn/float32", _WHOLE), ("kws_ds_cnn/*int8", _KWS), ("vww_mobilenet_v1/int8", _VWW))
    for line in (f'[{DEVICE}."{subject}"]', *(f'{key} = "{limit}"' for key, limit in limits.items()), "")
)
"""The same limits as a budgets file."""


def shown_run() -> Results:
    """The same each time: a failed regression, a board that became hot, two boards' worth of recipes, a history."""
    entries = [_measure(one, seed) for seed, one in enumerate(SHOWN)]
    statuses = [entry.status for entry in entries]
    run = Run(
        id="8d1f03",
        created_at=MADE_AT,
        harness_version="0.1.0",
        commit="7c4e19ab5d20f6e3918b7c4e19ab5d20f6e3918b",
        branch="feature/wider-stem",
        command=f"pytest benchmarks/ --device={DEVICE} --baseline=origin/main",
        settings={"trials": SETTINGS.trials, "baseline": "origin/main", "devices": [DEVICE]},
        status=worst(statuses),
        exit_code=exit_code(statuses),
        seconds={"connect": 0.4, "measure": 212.0, "total": 214.1},
        bytes_sent={DEVICE: 1_403_500},
        gate=error_guarantee(entries, SETTINGS),
        judging_rule=JUDGING_RULE,
        estimator=ESTIMATOR,
    )
    record = DeviceRecord(
        profile=PROFILE,
        facts=make_facts(model="Raspberry Pi 4 Model B Rev 1.4", simulated="harness.testing"),
        fingerprint=FINGERPRINT,
        label="simulated board",
        selftests=SelfTests(
            runs=212,
            false_alarms=0,
            inconclusive=3,
            last_failed=False,
            detectable=0.03,
            sentence=f"{DEVICE}: 0 false alarms in 212 self-tests; would have caught 3 %",
        ),
    )
    return Results(run=run, devices={DEVICE: record}, entries=entries, history=_history(entries))


def _measure(one: _Shown, seed: int) -> Entry:
    artifact = _artifact(one, "abcdef"[seed])
    behaviours = {artifact.sha256: SimulatedModel(latency_s=one.latency_s)}
    baseline = None
    if one.was_s is not None:
        baseline = artifact.model_copy(update={"sha256": made_up_sha256("0123456789"[seed])})
        behaviours[baseline.sha256] = SimulatedModel(latency_s=one.was_s)
    board = SimulatedBoard(
        profile=PROFILE, models=behaviours, states=one.states, sensors={"sim": (5.1, 2.3)}, seed=seed
    )
    limits = _limits(one)
    paired = baseline is not None
    share = SETTINGS.alpha / sum(map(_count_sampled, SHOWN))
    most = most_blocks(SETTINGS, arms=2 if paired else 1)
    plan = make_plan(
        SETTINGS,
        artifact,
        make_runner(),
        baseline=baseline,
        sensors=("sim",),
        questions=limit_tests_of(limits, share=share, miss=SETTINGS.miss, most_blocks=most, paired=paired),
    )
    entry = execute(
        board,
        plan,
        artifact,
        candidate=Candidate(one.candidate, "zoo", one.candidate, recipe=one.recipe),
        test=f"benchmarks/test_models.py::test_{one.candidate.split('_')[0]}",
        baseline=baseline,
        now=board.now,
        sleep=board.sleep,
    )
    if entry.baseline is not None:
        told = {"given": "origin/main", "sentence": "commit 1a2b3c4d, the merge base with origin/main"}
        entry = entry.model_copy(update={"baseline": entry.baseline.model_copy(update=told)})
    return judge(entry, limits, settings=SETTINGS, share=share)


def _limits(one: _Shown) -> tuple[Limit, ...]:
    return tuple(parse_limits(one.budget or {}, origin=f'budgets.toml [{DEVICE}."{one.candidate}/{one.recipe}"]'))


def _count_sampled(one: _Shown) -> int:
    """Limits in which chance has a part: a session divides its alpha over these."""
    return sum(is_sampled(limit, paired=one.was_s is not None) for limit in _limits(one))


def _artifact(one: _Shown, letter: str) -> Artifact:
    whole = next(shown for shown in SHOWN if shown.candidate == one.candidate and shown.recipe == "float32")
    lost = whole.right - one.right
    drop = AccuracyDrop(
        value=lost / SAMPLES,
        ci_low=(lost - 30) / SAMPLES,
        ci_high=(lost + 30) / SAMPLES,
        confidence=0.95,
        p_value=0.01,
        lost=lost + 21,
        gained=21,
        n=SAMPLES,
        obtained="paired over the same samples",
    )
    return make_artifact(
        one.candidate,
        sha256=made_up_sha256(letter),
        recipe=one.recipe,
        path=f"{one.candidate}-{one.recipe}.tflite",
        size_bytes=one.size_bytes,
        accuracy=one.accuracy,
        accuracy_drop=None if one is whole else drop,
        golden=make_golden(),
        golden_reason=None,
    )


def _history(entries: list[Entry]) -> list[Series]:
    """Five weeks on main and a few runs of the branch, the last one this run."""
    return [series for entry in entries for series in _ways(entry)]


def _ways(entry: Entry) -> list[Series]:
    p50 = entry["latency_p50"].value
    if p50 is None:
        return []
    chance = np.random.default_rng(len(entry.subject))
    level = 0.941 if entry.recipe == "int8" and entry.candidate.startswith("kws") else 1.0
    main = [p50 * level * (1.07 if day < 16 else 1.0) * math.exp(chance.normal(0.0, 0.004)) for day in range(36)]
    branch = [p50 * level * math.exp(chance.normal(0.0, 0.004)) for _ in range(3)]
    return [
        _series(entry, "main", [(day, value) for day, value in enumerate(main)]),
        _series(entry, "feature/wider-stem", [*((33 + at, value) for at, value in enumerate(branch)), (36, p50)]),
    ]


def _series(entry: Entry, branch: str, ways: list[tuple[int, float]]) -> Series:
    points = tuple(
        SeriesPoint(
            run_id=f"r{day}",
            created_at=f"2026-{10 if day < 13 else 11}-{day + 19 if day < 13 else day - 12:02d}T05:45:00Z",
            commit=f"{day + 7:08x}" * 5,
            status="PASS",
            value=value,
            ci_low=value * 0.996,
            ci_high=value * 1.004,
        )
        for day, value in ways
    )
    found = Series(
        device=DEVICE,
        candidate=entry.candidate,
        recipe=entry.recipe,
        metric="latency_p50",
        unit="s",
        better="lower",
        fingerprint=FINGERPRINT,
        runtime=entry.runtime,
        delegate=entry.delegate,
        num_threads=entry.num_threads,
        test=entry.test,
        branch=branch,
        estimator=ESTIMATOR,
        points=points,
    )
    return with_changes(found)


def earlier_runs(shown: Results) -> list[Results]:
    """Runs of other days and branches, as an index over a folder has them; only what it shows differs."""
    chance, found = np.random.default_rng(4), list[Results]()
    for day in range(1, 24):
        branch = ("main", "main", "main", "feature/wider-stem", "fix/rounding")[chance.integers(5)]
        passed = chance.random() < 0.8
        entries = [_earlier(entry, chance, passed=passed) for entry in shown.entries]
        statuses = [entry.status for entry in entries]
        changed = {
            "id": chance.bytes(3).hex(),
            "created_at": f"2026-11-{day:02d}T{chance.integers(6, 20):02d}:{chance.integers(60):02d}:00Z",
            "commit": chance.bytes(20).hex(),
            "branch": branch,
            "status": worst(statuses),
            "exit_code": exit_code(statuses),
        }
        run = shown.run.model_copy(update=changed)
        found.append(shown.model_copy(update={"run": run, "entries": entries, "history": []}))
    return found


def _earlier(entry: Entry, chance: np.random.Generator, *, passed: bool) -> Entry:
    moved = math.exp(chance.normal(0.0, 0.006))
    measurements = [
        one.model_copy(update={"value": one.value * moved}) if one.metric == "latency_p50" and one.value else one
        for one in entry.measurements
    ]
    kept = {"measurements": measurements, "trials": [], "figures": []}
    return entry.model_copy(update=kept | ({"status": Status.PASS} if passed else {}))
