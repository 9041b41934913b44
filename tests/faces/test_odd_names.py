"""Names of files and folders that are no text, and files that are none: one line, and the other runs stay."""

import json
import os
import shutil
from pathlib import Path

import pytest
from support.sample_results import results

from harness.store.results_file import save_results

ODD = os.fsdecode(b"odd-\xff")
QUICK = ("--device=local", "--trials=2", "--min-secs=0.02", "--num-runs=5")


def run_in(reports: Path, name: str, stamp: str = "20261124T054500Z") -> Path:
    found = results()
    folder = reports / f"{stamp}-{name}"
    folder.mkdir(parents=True)
    save_results(found.model_copy(update={"run": found.run.model_copy(update={"id": name})}), folder / "results.json")
    return folder


def one_line(said, code, *parts):
    assert said.code == code, said.text
    lines = said.err.splitlines()
    assert len(lines) == 1 and all(part in lines[0] for part in parts), said.text


def test_a_model_whose_name_is_no_text_is_one_line(place):
    shutil.copy(place.folder / "models/tiny.tflite", place.folder / f"{ODD}.tflite")

    one_line(place.harness("inspect", f"{ODD}.tflite"), 1, "cannot be shown: rename it")
    one_line(place.harness("run", f"{ODD}.tflite", *QUICK), 4, "rename it")


@pytest.mark.parametrize("option", ["--reports-dir", "--cache-dir", "--artifacts"])
def test_a_folder_whose_name_is_no_text_is_refused_before_anything_is_measured(place, option):
    one_line(place.harness("run", "models/tiny.tflite", *QUICK, option, ODD), 4, option, "cannot be shown")


def test_a_profile_whose_name_is_no_text_is_none(place):
    place.write("devices/good.toml", 'extends = "local"')
    shutil.copy(place.folder / "devices/good.toml", place.folder / f"devices/{ODD}.toml")

    said = place.harness("devices")

    assert said.code == 0 and "good" in said.out and "odd" not in said.out


@pytest.mark.parametrize("kind", ["pipe", "endless", "name", "damaged", "beyond"])
def test_one_odd_run_is_left_out_and_the_others_stay(place, kind):
    reports = place.folder / "reports"
    run_in(reports, "0good")
    odd = run_in(reports, "1odd") / "results.json"
    document = json.loads(odd.read_text())
    document["entries"][0]["num_threads"] = 10**30
    if kind == "name":
        odd.parent.rename(reports / f"20261124-{ODD}")
    elif kind == "pipe":
        odd.unlink()
        os.mkfifo(odd)
    elif kind == "endless":
        odd.unlink()
        odd.symlink_to("/dev/zero")
    else:
        odd.write_text(json.dumps(document) if kind == "beyond" else "{")

    index, history = place.harness("report", "--index"), place.harness("history", "--database=own.db")

    one_line(index, 0, "left out of the index")
    one_line(history, 0, "left out of the history")
    assert "0good" in (reports / "index.html").read_text() and "0good"[:6] in history.out
    if kind in ("pipe", "beyond"):
        measured = place.harness("run", "models/tiny.tflite", *QUICK)
        assert measured.code == 0 and "1 measured" in measured.out


def test_a_history_that_is_none_costs_no_run_its_results(place):
    place.write("pyproject.toml", '[tool.harness]\nhistory = "own.db"\n')
    for content in (b"no database", b""):
        (place.folder / "own.db").unlink(missing_ok=True)
        (place.folder / "own.db").write_bytes(content)
        said = place.harness("run", "models/tiny.tflite", *QUICK)
        assert said.code == 0, said.text
        assert ("not in the history" in " ".join(said.out.split())) is bool(content)
    (place.folder / "own.db").unlink()
    (place.folder / "own.db").symlink_to("elsewhere.db")
    said = place.harness("run", "models/tiny.tflite", *QUICK)
    assert said.code == 0 and "it is a symbolic link" in " ".join(said.out.split())
    assert not (place.folder / "elsewhere.db").exists()


def test_a_baseline_that_lacks_the_board_costs_no_run_its_results(place):
    found = results()
    entry = found.entries[0].model_copy(update={"device": "local", "candidate": "tiny", "recipe": None})
    save_results(found.model_copy(update={"entries": [entry], "devices": {}}), place.folder / "base.json")

    said = place.harness("run", "models/tiny.tflite", *QUICK, "--baseline=base.json")

    assert said.code in (0, 10) and "report: " in said.out, said.text
    assert "nothing is known of the board local there" in place.results()["entries"][0]["baseline"]["sentence"]
