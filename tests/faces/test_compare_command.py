import json
import re

import pytest
from support.commands import outer_environment
from support.sample_results import results
from support.warm import run_warm

from harness.store.results_file import save_results
from harness.store.stored_runs import point_latest


def slower(entry, factor):
    if entry.recipe != "int8":
        return entry
    trials = [
        trial.model_copy(update={"quantiles": {name: value * factor for name, value in trial.quantiles.items()}})
        for trial in entry.trials
    ]
    return entry.model_copy(update={"trials": trials})


def keep_run(reports, number, *, factor=1.0, kernel=None, entries=None):
    sample = results()
    run = sample.run.model_copy(update={"id": f"run{number}", "created_at": f"2026-01-0{number}T00:00:00Z"})
    devices = {
        name: record.model_copy(update={"facts": record.facts.model_copy(update={"kernel": kernel})})
        if kernel
        else record
        for name, record in sample.devices.items()
    }
    kept = [slower(entry, factor) for entry in sample.entries[entries or slice(None)]]
    folder = reports / f"2026010{number}T000000Z-run{number}"
    folder.mkdir(parents=True)
    save_results(sample.model_copy(update={"run": run, "devices": devices, "entries": kept}), folder / "results.json")
    point_latest(folder)
    return folder


@pytest.fixture
def project(tmp_path):
    keep_run(tmp_path / "reports", 1)
    keep_run(tmp_path / "reports", 2, factor=1.05, entries=slice(1, None))
    return tmp_path


def harness(*arguments, cwd):
    return run_warm("harness", arguments, cwd, outer_environment())


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("run1", "run2"),
        ("run1", "latest"),
        ("reports/20260101T000000Z-run1", "reports/20260102T000000Z-run2/results.json"),
        ("reports/20260101T000000Z-run1/results.json", "reports/latest"),
    ],
)
def test_one_run_against_another_at_80_columns(project, a, b):
    said = harness("compare", a, b, cwd=project)
    assert said.code == 0 and said.err == ""
    assert "A: run run1" in said.out and "B: run run2" in said.out
    assert "WORSE: latency_p50 of digits_cnn/int8 on rpi4: 1.050 (1.046 to 1.054)" in said.out
    assert "only in A: local  digits_cnn/float32" in said.out
    lines = said.out.splitlines()
    assert max(len(line) for line in lines if "script" not in line and not line.startswith("Intervals")) <= 80
    assert "\x1b" not in said.out


def test_for_machines(project):
    told = json.loads(harness("compare", "run1", "run2", "--json", cwd=project).out)
    changed = [
        (entry["device"], metric["metric"], metric["verdict"])
        for entry in told["entries"]
        for metric in entry["metrics"]
        if metric["verdict"] not in ("alike", "unknown")
    ]
    assert ("local", "latency_p50", "worse") in changed
    assert {metric for _, metric, _ in changed} == {"latency_p50", "latency_p90", "latency_p99"}
    test = "benchmarks/test_models.py::test_model"
    assert told["only_a"] == [{"device": "local", "test": test, "candidate": "digits_cnn", "recipe": "float32"}]
    assert told["confidence"] == 0.99


def test_a_run_against_itself_has_not_changed(project):
    assert "\n0 of " in harness("compare", "run1", "run1", cwd=project).out


def test_unlike_boards_are_refused_and_what_differs_is_listed(project):
    keep_run(project / "reports", 3, kernel="7.0")
    said = harness("compare", "run1", "run3", cwd=project)
    assert said.code == 4
    (line,) = said.err.splitlines()
    assert "kernel: 6.12.34+rpt-rpi-v8 against 7.0" in line and line.startswith("harness: local, rpi4: not compared")
    assert "not compared" in said.out and "WORSE" not in said.out
    told = json.loads(harness("compare", "run1", "run3", "--json", cwd=project).out)
    assert all(entry["unlike"] for entry in told["entries"])


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("nosuch", "run nosuch: no run in reports, no folder and no results.json"),
        ("run", "several runs in reports begin so"),
        ("", "no run in reports"),
        ("reports", "cannot be read"),
    ],
)
def test_a_run_that_is_not_there_is_one_line(project, named, said):
    refused = harness("compare", named, "run1", cwd=project)
    assert (refused.code, refused.out) == (4, "")
    assert said in refused.err and len(refused.err.splitlines()) == 1


def test_reports_elsewhere_by_option_and_by_pyproject(project):
    (project / "reports").rename(project / "kept")
    assert harness("compare", "run1", "run2", cwd=project).code == 4
    assert harness("compare", "run1", "run2", "--reports-dir", "kept", cwd=project).code == 0
    (project / "pyproject.toml").write_text('[tool.harness]\nreports-dir = "kept"\n')
    assert harness("compare", "run1", "run2", cwd=project).code == 0


def test_a_report_again_by_id_and_the_index(project):
    said = harness("report", "run1", cwd=project)
    assert said.out == "report: reports/20260101T000000Z-run1/report.html\n"
    (project / "reports/20260103T000000Z-torn").mkdir()
    (project / "reports/20260103T000000Z-torn/results.json").write_text("{")
    index = harness("report", "--index", "--json", cwd=project)
    assert json.loads(index.out) == {"index": "reports/index.html"}
    assert "left out of the index" in index.err and len(index.err.splitlines()) == 1
    nothing = harness("report", cwd=project)
    assert nothing.code == 4 and "--index" in nothing.err


def test_what_is_named_is_compared_across_and_told(tmp_path):
    keep_run(tmp_path / "reports", 1)
    keep_run(tmp_path / "reports", 2, kernel="6.12.34")
    refused = harness("compare", "run1", "run2", cwd=tmp_path)
    assert refused.code == 4
    assert refused.err.rstrip().endswith("; to compare all the same: --across=kernel")
    said = harness("compare", "run1", "run2", "--across", "kernel", cwd=tmp_path)
    assert (said.code, said.err) == (0, "")
    assert re.search(r"^  across kernel: .+ against 6\.12\.34$", said.out, re.MULTILINE)
    told = json.loads(harness("compare", "run1", "run2", "--across=kernel", "--json", cwd=tmp_path).out)
    assert {(len(entry["unlike"]), len(entry["across"])) for entry in told["entries"]} == {(0, 1)}
    odd = harness("compare", "run1", "run2", "--across=kernal", cwd=tmp_path)
    assert odd.code == 4 and odd.err.endswith("did you mean kernel?\n")
    assert "expected one or more of: model, architecture, CPU" in odd.err


def test_what_stands_in_for_a_board_is_said_once(project):
    told = harness("compare", "run1", "run2", cwd=project).out
    assert told.count("local: this machine, no edge board\n") == told.count("rpi4: simulated board\n") == 1
    assert told.count("no edge board") == 1
