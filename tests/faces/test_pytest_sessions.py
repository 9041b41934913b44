"""Whole pytest sessions on this machine: statuses, letters, exit codes, files."""

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.user_folder import Place


def test_a_loose_budget_holds(place: "Place") -> None:
    place.benchmark('latency_p50="1 s", model_size="1 MB"')
    said = place.pytest("--device=local", "--trials=24")
    assert said.code == 0, said.text
    assert place.statuses() == ["PASS"]
    assert "report: " in said.out
    assert max(len(line) for line in said.out.splitlines()) <= 80 or "/" in said.out
    names = {path.name for path in (place.folder / "reports" / "latest").iterdir()}
    assert names == {"results.json", "trials.jsonl", "summary.md", "report.html", "github-action-benchmark.json"}


def test_without_a_budget_it_is_measured(place: "Place") -> None:
    place.benchmark()
    said = place.pytest("--device=local", "-v")
    assert said.code == 0, said.text
    assert place.statuses() == ["MEASURED"]
    assert "MEASURED" in said.out


def test_a_broken_budget_fails_and_says_all(place: "Place", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)  # where it is set pytest tells failures at length in its summary too
    place.benchmark('latency_p50="1 ns"')
    said = place.pytest("--device=local", "--trials=60")
    assert said.code == 1
    assert place.statuses() == ["FAIL"]
    finding = next(f for f in place.results()["entries"][0]["findings"] if f["metric"] == "latency_p50")
    assert finding["limit"] == 1e-9
    assert finding["ci_low"] <= finding["value"] <= finding["ci_high"]
    assert finding["reason"].startswith("latency_p50: ") and finding["reason"].endswith(" times limit 1 ns")
    text = " ".join(said.out.split())
    assert f"tiny on local FAIL {finding['reason']} {finding['detail']}" in text
    assert text.count(finding["detail"]) == 1
    assert "harness: benchmarks on local (this machine, no edge board)" in said.out
    judged = json.loads(place.harness("judge", "latest", "--json").out)
    assert judged["entries"] == place.results()["entries"], "a stored run is judged again to the byte"


def test_too_few_trials_for_a_limit_are_refused_before_a_board_is_touched(place: "Place") -> None:
    place.benchmark('latency_p50="1 s"')
    said = place.pytest("--device=local", "--trials=23")
    assert said.code == 4
    assert "--trials 23: a limit on latency_p50 needs 24 at least" in said.text
    assert not (place.folder / "reports").exists()


ASKED_TWICE = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("models"), ids=str)
@pytest.mark.budget(latency_p50="1 s")
def test_twice(bench, candidate):
    bench(candidate)
    bench(candidate)
"""
ASKED_UNTOLD = """
import pytest
from harness import candidates

@pytest.mark.budget(latency_p50="1 s")
def test_untold(bench):
    for candidate in candidates("models"):
        bench(candidate)
"""


def test_a_limit_that_collection_did_not_know_of_has_no_share_or_one_that_was_kept_back(place: "Place") -> None:
    place.write("test_bench.py", ASKED_TWICE)
    said = place.pytest("--device=local", "--trials=40")
    assert said.code == 4, said.text
    assert "test_twice[local-tiny]: measures something that its parameters do not name" in said.text
    place.write("test_bench.py", ASKED_UNTOLD)
    assert place.pytest("--device=local", "--trials=40").code == 0
    (finding,) = place.results()["entries"][0]["findings"]
    assert finding["alpha"] == 0.005 / 2 / 2


def test_energy_without_a_source_is_invalid_and_not_green(place: "Place") -> None:
    place.write("devices/bare.toml", 'extends = "local"\n[power]\nsensors = []\n')
    place.benchmark('energy_per_inference="1 J"')
    said = place.pytest("--device=bare")
    assert said.code == 10, said.text
    assert place.statuses() == ["INVALID"]


def test_an_ordinary_failure_stays_one(place: "Place") -> None:
    place.benchmark('model_size="1 MB"')
    place.write("test_other.py", "def test_other():\n    assert 1 == 2\n")
    said = place.pytest("--device=local")
    assert said.code == 1
    assert place.statuses() == ["PASS"]


ASSERTING = """
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("models"), ids=str)
def test_asserts(bench, candidate):
    assert bench(candidate).num_threads == 77

@pytest.mark.parametrize("candidate", candidates("models"), ids=str)
def test_takes_down(bench, candidate, request):
    request.addfinalizer(lambda: 1 / 0)
    bench(candidate)
"""


def test_what_a_test_asserts_of_its_entry_fails_it_though_the_entry_is_well(place: "Place") -> None:
    place.write("test_bench.py", ASSERTING)
    for workers in ((), ("-n1",)):
        said = place.pytest("--device=local", *workers, "-k", "asserts")
        assert said.code == 1, said.text
        assert place.statuses() == ["MEASURED"]
        assert "== 77" in said.out
        assert "1 failed" in said.out
    said = place.pytest("--device=local", "-k", "takes_down")
    assert said.code == 1, said.text
    assert "1 measured, 1 error" in said.out or "1 error, 1 measured" in said.out


def test_the_marker_and_the_file_the_stricter_holds(place: "Place") -> None:
    place.benchmark('model_size="1 MB"')
    place.write("budgets.toml", '[local."tiny"]\nmodel_size = "10 B"\n')
    said = place.pytest("--device=local")
    assert said.code == 1, said.text
    assert "budgets.toml" in said.out


def test_a_file_limits_what_a_test_names_only_when_it_runs(place: "Place") -> None:
    place.write("test_bench.py", 'def test_one(bench):\n    bench("models/tiny.tflite")\n')
    place.write("budgets.toml", '[local."tiny"]\nmodel_size = "10 B"\n')
    said = place.pytest("--device=local")
    assert said.code == 1, said.text
    assert place.statuses() == ["FAIL"]
    place.write("budgets.toml", '[local."tiny"]\nmodel_size = "1 MB"\n[local."tny"]\nmodel_size = "1 MB"\n')
    told = """budgets.toml [local."tny"]: matches no candidate; did you mean tiny?"""
    for workers in ((), ("-n1",)):
        said = place.pytest("--device=local", *workers)
        assert said.code == 4, said.text
        assert told in " ".join(said.out.split())
        assert place.results()["run"]["outcome"]["refused"] == [told]
    place.write("test_other.py", "def test_other():\n    assert 1 == 2\n")
    said = place.pytest("--device=local")
    assert said.code == 1, said.text
    assert f"budgets that nothing was measured for: {told}" in " ".join(said.out.split())


WRONGLY_CALLED = """
def test_two(bench):
    bench("a", "b")

def test_recipe(bench):
    bench("a", recipe="int8")

def test_none(bench):
    bench()
"""


def test_arguments_that_bench_does_not_take_are_one_line(place: "Place") -> None:
    place.write("test_bench.py", WRONGLY_CALLED)
    said = place.pytest("--device=local")
    assert said.code == 4, said.text
    assert "bench takes one candidate, not 2: parametrize the test" in said.out
    assert "bench takes one candidate, a name or a path, and no recipe: parametrize the test" in said.out
    assert "bench takes a candidate, a name or a path, not nothing" in said.out
    assert "TypeError" not in said.text


def test_several_devices_end_in_one_run(place: "Place") -> None:
    for name in ("a", "b"):
        place.write(f"devices/{name}.toml", 'extends = "local"\n')
    place.benchmark('model_size="1 MB"')
    said = place.pytest("--device=a", "--board=b")
    assert said.code == 0, said.text
    assert [entry["device"] for entry in place.results()["entries"]] == ["a", "b"]


def test_with_xdist_each_device_has_its_worker_and_one_report(place: "Place") -> None:
    for name in ("a", "b"):
        place.write(f"devices/{name}.toml", 'extends = "local"\n')
    place.benchmark('model_size="1 MB"')
    said = place.pytest("--device=a", "--device=b", "-n2")
    assert said.code == 0, said.text
    assert sorted(entry["device"] for entry in place.results()["entries"]) == ["a", "b"]
    assert len(list((place.folder / "reports").glob("*/results.json"))) == 2, "one run, and the link to the latest"


def test_where_another_plugin_owns_the_option_ours_is_board(place: "Place") -> None:
    place.benchmark('model_size="1 MB"')
    place.write("rival.py", 'def pytest_addoption(parser):\n    parser.addoption("--device", action="append")\n')
    said = place.pytest("-p", "rival", "--board=local", PYTHONPATH=str(place.folder))
    assert said.code == 0, said.text
    assert "another plugin or a conftest owns --device here; ours have a prefix, such as --harness-device" in said.out


def test_a_report_is_made_again_byte_for_byte(place: "Place") -> None:
    place.benchmark('model_size="1 MB"')
    place.pytest("--device=local")
    page = place.folder / "reports" / "latest" / "report.html"
    before = page.read_bytes()
    page.unlink()
    assert place.harness("report", "reports/latest").code == 0
    assert page.read_bytes() == before


ENDS_ITS_WORKER = """
import os
from pathlib import Path

def test_before():
    pass

def test_the_end():
    with Path("runs").open("a") as runs:
        runs.write("once ")
    os._exit(3)

def test_after():
    pass
"""


def test_a_test_in_which_a_worker_dies_has_failed_and_is_not_run_again(place: "Place") -> None:
    place.benchmark('model_size="1 MB"')
    place.write("test_end.py", ENDS_ITS_WORKER)
    said = place.pytest("--device=local", "-n2")
    assert said.code == 1, said.text
    assert (place.folder / "runs").read_text(encoding="utf-8") == "once "
    assert "1 failed, 3 passed" in said.out
    assert "crashed while running 'test_end.py::test_the_end'" in said.out
    assert place.statuses() == ["PASS"]
