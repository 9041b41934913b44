import json
import subprocess
import sys
from pathlib import Path

from store.sample_results import results

from harness.store.results_file import save_results

HARNESS = Path(sys.executable).with_name("harness")


def keep_run(reports, number):
    sample = results()
    stamp = f"2026-01-0{number}T00:00:00Z"
    run = sample.run.model_copy(update={"id": f"run{number}", "created_at": stamp})
    folder = reports / f"2026010{number}T000000Z-run{number}"
    folder.mkdir(parents=True)
    save_results(sample.model_copy(update={"run": run}), folder / "results.json")


def history(*arguments, cwd):
    return subprocess.run([HARNESS, "history", *arguments], capture_output=True, text=True, cwd=cwd, check=False)


def test_a_metric_from_run_to_run(tmp_path):
    for number in (1, 2):
        keep_run(tmp_path / "reports", number)
    told = history(cwd=tmp_path).stdout
    assert "latency p50" in told and "2026-01-01T00:00" in told and "2026-01-02T00:00" in told
    keep_run(tmp_path / "reports", 3)
    series = json.loads(history("--json", "--metric", "model_size", cwd=tmp_path).stdout)
    assert {tuple(point["run_id"] for point in found["points"]) for found in series} == {("run1", "run2", "run3")}
    assert {found["unit"] for found in series} == {"B"}


def test_one_device_and_a_database_elsewhere(tmp_path):
    keep_run(tmp_path / "reports", 1)
    device = results().entries[0].device
    place = str(tmp_path / "elsewhere/all.db")
    series = json.loads(history("--device", device, "--database", place, "--json", cwd=tmp_path).stdout)
    assert series and {found["device"] for found in series} == {device}
    assert Path(place).is_file() and not (tmp_path / "reports/history.db").exists()


def test_what_cannot_be_shown_is_one_line(tmp_path):
    nowhere = history(cwd=tmp_path)
    assert (nowhere.returncode, nowhere.stdout) == (4, "") and "there are no runs in reports" in nowhere.stderr
    keep_run(tmp_path / "reports", 1)
    mistyped = history("--metric", "latency_p5", cwd=tmp_path)
    assert mistyped.returncode == 4 and "did you mean latency_p50?" in mistyped.stderr
    assert history("--device", "nobody", cwd=tmp_path).stdout == "no run measured what was asked for\n"
    (tmp_path / "reports/20260101T000000Z-run1/results.json").write_text("{")
    (tmp_path / "reports/history.db").unlink()
    damaged = history(cwd=tmp_path)
    assert damaged.returncode == 4 and len(damaged.stderr.splitlines()) == 1
