"""``harness calibrate``: load steps on a board, a meter's file, and the model that the profile has afterwards."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from support.own_lease import own_lease

from harness.cli import calibrate
from harness.cli.calibrate import DrivenStep, DrivenSteps, calibrate_device, read_meter
from harness.profiles import load
from harness.records.errors import UsageError

PROFILE = """\
# the bench's third board
description = "mine"
[connection]
transport = "local"
[power]  # no sensor here
model = { idle_w = 1.0, full_w = 2.0, bands = [[0.0, 0.4]], source = "a guess" }
"""


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    folder = tmp_path / "devices"
    folder.mkdir()
    (folder / "mine.toml").write_text(PROFILE)
    return folder


def kept_steps(tmp_path: Path) -> Path:
    at, found = 50_000.0, []
    for share, seconds in calibrate.STEPS:
        found.append(DrivenStep(begun_s=at, ended_s=at + seconds, utilisation=0.02 + 0.9 * share))
        at += seconds + 0.2
    path = tmp_path / "steps.json"
    path.write_text(DrivenSteps(device="mine", steps=tuple(found)).model_dump_json())
    return path


def meter_file(tmp_path: Path, steps: Path, *, lead_s: float = 123.4) -> Path:
    told = DrivenSteps.model_validate_json(steps.read_text()).steps
    rng = np.random.default_rng(3)
    lines = ["time_s,watts"]
    for at in np.arange(told[0].begun_s - 10.0, told[-1].ended_s + 10.0, 1.0):
        used = next((one.utilisation for one in told if one.begun_s <= at < one.ended_s), 0.02)
        lines.append(f"{at + lead_s:.2f},{2.2 + 4.0 * used + rng.normal(0.0, 0.02):.3f}")
    path = tmp_path / "meter.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_profile_has_the_fitted_model_and_keeps_its_comments(tmp_path, devices, capsys):
    steps = kept_steps(tmp_path)
    calibrate_device("mine", meter_file(tmp_path, steps), steps=steps, devices_dir=devices, as_json=False)
    said, text = capsys.readouterr().out, (devices / "mine.toml").read_text()
    assert "whose clock is +123." in said and "before: idle 1.000 W, full load 2.000 W" in said
    assert text.startswith("# the bench's third board\n") and "# no sensor here" in text
    model = load("mine", devices).power.model
    assert (model.idle_w, model.full_w) == (pytest.approx(2.2, rel=0.02), pytest.approx(6.2, rel=0.02))
    assert all(error < 0.05 for _, error in model.bands)
    assert "calibrated by meter.csv" in model.source and "standard errors" in model.source
    assert list(tomllib.loads(text)) == ["description", "connection", "power"]


def test_json_tells_the_fit(tmp_path, devices, capsys):
    steps = kept_steps(tmp_path)
    calibrate_device("mine", meter_file(tmp_path, steps), steps=steps, devices_dir=devices, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["device"] == "mine" and told["mean_error"] < 0.05
    assert told["lead_s"] == pytest.approx(123.4, abs=0.8)


def test_steps_that_cannot_be_found_change_nothing(tmp_path, devices):
    steps, meter = kept_steps(tmp_path), tmp_path / "flat.csv"
    meter.write_text("time_s,watts\n" + "".join(f"{at},3.{at % 7}\n" for at in range(200)))
    with pytest.raises(UsageError, match=r"flat.csv: the load steps cannot be found"):
        calibrate_device("mine", meter, steps=steps, devices_dir=devices, as_json=False)
    assert (devices / "mine.toml").read_text() == PROFILE


def test_the_steps_are_driven_on_the_board_and_kept_for_a_meter_that_comes_later(
    tmp_path, devices, monkeypatch, capsys
):
    monkeypatch.setattr(calibrate, "STEPS", ((1.0, 0.6), (0.0, 0.6)))
    meter = tmp_path / "later.csv"
    with own_lease(), pytest.raises(UsageError, match=r"later.csv: not there.*--steps .*later.csv.steps.json"):
        calibrate_device("mine", meter, steps=None, devices_dir=devices, as_json=False)
    kept = DrivenSteps.model_validate_json((tmp_path / "later.csv.steps.json").read_text())
    busy, idle = kept.steps
    assert busy.utilisation > idle.utilisation or busy.utilisation > 0.5
    assert busy.ended_s <= idle.begun_s + 0.01
    assert "mine: 100 % of the cores for 0.6 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("watts\n3\n", "no column time_s: expected a first line time_s,watts"),
        ("time_s,watts\n1,x\n", "line 2: expected two numbers"),
        ("time_s,watts\n1,2\n0,2\n", "line 3: expected finite numbers, and times that rise"),
        ("time_s,watts\n1,nan\n", "line 2: expected finite numbers"),
        ("time_s,watts\n1\n", "line 2: expected two numbers"),
    ],
)
def test_a_meters_file_is_refused_by_its_line(tmp_path, text, said):
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_meter(path)


def test_steps_of_another_kind_are_refused(tmp_path, devices):
    other = tmp_path / "x.json"
    other.write_text("{}")
    with pytest.raises(UsageError, match="expected what harness calibrate keeps"):
        calibrate_device("mine", other, steps=other, devices_dir=devices, as_json=False)
