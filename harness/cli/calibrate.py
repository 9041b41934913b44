"""``harness calibrate``: load steps on a board, a borrowed meter's readings, and the power model that both tell."""

import csv
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import Field, ValidationError

from harness.board import open_board
from harness.board.events import Watched
from harness.profiles import available, load, write_power_model
from harness.records.base import Record, describe_problems
from harness.records.device import DeviceProfile, PowerModel
from harness.records.errors import UsageError
from harness.records.files import read_bytes
from harness.records.text import escaped_json, visible

if TYPE_CHECKING:
    from harness.stats.meter_fit import MeterFit

STEPS: Final = (
    (0.0, 8.0), (1.0, 6.0), (0.25, 7.0), (0.75, 5.0), (0.0, 5.0), (0.5, 8.0), (1.0, 8.0), (0.0, 6.0), (0.75, 7.0),
    (0.25, 5.0), (1.0, 5.0), (0.5, 6.0), (0.0, 8.0),
)  # fmt: skip
"""Shares of all cores, and seconds of each: no two places of them are alike, so that they are found at one alone."""
_MOST_BYTES: Final = 64 * 2**20
_MOST_READINGS: Final = 1_000_000
_COLUMNS: Final = ["time_s", "watts"]


class DrivenStep(Record):
    """A load step as it was driven: seconds of this host's clock of day, and the utilisation that the board told."""

    begun_s: float
    ended_s: float
    utilisation: float = Field(ge=0.0, le=1.0)


class DrivenSteps(Record):
    """What ``calibrate`` keeps of the steps, so that a meter's file may come later."""

    device: str = Field(max_length=256)
    steps: tuple[DrivenStep, ...] = Field(max_length=1000)


def calibrate_device(name: str, meter: Path, *, steps: Path | None, devices_dir: Path | None, as_json: bool) -> None:
    """Drive the steps, or take those of a file, fit the meter's readings to them, and write the profile's model."""
    profile = load(name, devices_dir)
    path = available(devices_dir)[name]
    if path.is_relative_to(Path(__file__).parents[1]):
        raise UsageError(f"{path} comes with the harness: write a profile of your own that extends {name}")
    kept = meter.with_name(f"{meter.name}.steps.json")
    driven = _read_steps(steps) if steps is not None else _drive(profile, kept)
    if not meter.exists():
        raise UsageError(
            f"{meter}: not there. The load steps are kept: put the meter's readings there, with columns time_s,watts, "
            f"and type harness calibrate {name} --meter {meter} --steps {kept}"
        )
    times, watts = read_meter(meter)
    from harness.stats.meter_fit import LoadStep, fit_meter

    try:
        found = fit_meter(times, watts, [LoadStep(one.begun_s, one.ended_s, one.utilisation) for one in driven.steps])
    except ValueError as error:
        raise UsageError(f"{meter}: {error}") from error
    model = _model_of(found, meter)
    write_power_model(path, model)
    if as_json:
        told = {"device": name, "profile": str(path), "model": model.model_dump(mode="json"), **asdict(found)}
        sys.stdout.write(escaped_json(json.dumps(told, indent=2)) + "\n")
        return
    sys.stdout.write("\n".join(_lines(path, model, profile.power.model, found)) + "\n")


def _model_of(found: "MeterFit", meter: Path) -> PowerModel:
    source = (
        f"calibrated by {visible(meter.name)} on {time.strftime('%Y-%m-%d')}: {found.steps} load steps, "
        f"mean error {100 * found.mean_error:.2g} %, idle_w within {found.idle_error_w:.2g} W and full_w within "
        f"{found.full_error_w:.2g} W (standard errors); the meter's own error is not in it"
    )
    idle, full = round(found.idle_w, 4), round(found.full_w, 4)
    return PowerModel(idle_w=idle, full_w=full, bands=list(found.bands), source=source)


def _lines(path: Path, model: PowerModel, before: PowerModel | None, found: "MeterFit") -> Iterator[str]:
    yield f"steps found in the meter's readings, whose clock is {found.lead_s:+.1f} s from this host's"
    yield f"idle {model.idle_w:.3f} W within {found.idle_error_w:.2g} W (standard error)"
    yield f"full load {model.full_w:.3f} W within {found.full_error_w:.2g} W"
    yield f"mean error {100 * found.mean_error:.1f} % over {found.steps} steps, each by a fit to the others"
    for begins, error in model.bands:
        yield f"band from {100 * begins:.0f} % of the cores: {100 * error:.1f} %"
    if before is not None:
        yield f"before: idle {before.idle_w:.3f} W, full load {before.full_w:.3f} W"
    yield f"{path}: [power] model written; the meter's own error is not in its bands"


def _drive(profile: DeviceProfile, kept: Path) -> DrivenSteps:
    """The steps on the board, each kept with the time at which it ended; a line for each on stderr."""
    driven = []
    with open_board(profile, tune=True) as board:
        for share, seconds in STEPS:
            begun = time.time()
            told = board.ask("load", Watched, seconds=seconds, cores=share * board.facts.cpu_count).telemetry
            ended = time.time()
            used = share if told.utilisation is None else min(1.0, max(0.0, told.utilisation))
            driven.append(DrivenStep(begun_s=max(begun, ended - seconds), ended_s=ended, utilisation=used))
            sys.stderr.write(
                f"{profile.name}: {100 * share:.0f} % of the cores for {seconds:g} s: {100 * used:.0f} %\n"
            )
    found = DrivenSteps(device=profile.name, steps=tuple(driven))
    try:
        kept.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{kept}: cannot be written: {error.strerror}") from error
    return found


def _read_steps(path: Path) -> DrivenSteps:
    try:
        return DrivenSteps.model_validate_json(read_bytes(path, max_bytes=_MOST_BYTES))
    except ValidationError as error:
        reason = describe_problems(error)
    except (OSError, ValueError) as error:
        reason = str(error)
    raise UsageError(f"{path}: expected what harness calibrate keeps of its load steps: {visible(reason)}")


def read_meter(path: Path) -> tuple[list[float], list[float]]:
    """Times and watts of a CSV with the columns time_s and watts. Raises UsageError, naming the line."""
    try:
        text = read_bytes(path, max_bytes=_MOST_BYTES).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error
    rows = csv.DictReader(text.splitlines())
    missing = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise UsageError(f"{path}: no column {missing[0]}: expected a first line time_s,watts")
    times: list[float] = []
    watts: list[float] = []
    for line, row in enumerate(rows, start=2):
        try:
            at, power = float(row["time_s"] or ""), float(row["watts"] or "")
        except (TypeError, ValueError):
            raise UsageError(f"{path}: line {line}: expected two numbers, time_s and watts") from None
        if not (math.isfinite(at) and math.isfinite(power)) or (times and at < times[-1]):
            raise UsageError(f"{path}: line {line}: expected finite numbers, and times that rise")
        times.append(at)
        watts.append(power)
        if len(times) > _MOST_READINGS:
            raise UsageError(f"{path}: more than {_MOST_READINGS} readings")
    return times, watts
