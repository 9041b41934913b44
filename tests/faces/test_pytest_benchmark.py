"""Device latencies in pytest-benchmark: its table, its files, its comparisons, also where it switches itself off."""

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from support.user_folder import Place

OLDEST = "5.1.0"
"""The version that pyproject.toml names."""
MIXED = """
def test_host(benchmark):
    benchmark(lambda: None)

def test_plain():
    pass
"""


def two_devices(place: "Place") -> None:
    for name in ("a", "b"):
        place.write(f"devices/{name}.toml", 'extends = "local"\n')


def saved(place: "Place", name: str = "out.json") -> dict[str, Any]:
    return dict(json.loads((place.folder / name).read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the oldest pytest-benchmark that is supported."""
    folder = tmp_path_factory.mktemp("oldest")
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder))
    subprocess.run([sys.executable, *install, f"pytest-benchmark=={OLDEST}"], check=True, capture_output=True)
    return folder


def check_against_results(place: "Place", benchmark: dict[str, Any]) -> None:
    """The saved rounds are the trials' medians of the run's only entry."""
    (entry,) = place.results()["entries"]
    medians = [trial["quantiles"]["p50"] for trial in entry["trials"]]
    assert benchmark["stats"]["data"] == medians
    assert benchmark["stats"]["rounds"] == len(medians) == 2
    assert benchmark["stats"]["iterations"] == 1
    assert benchmark["stats"]["min"] == min(medians)
    assert benchmark["fullname"] == entry["test"] == "test_bench.py::test_models[local-tiny]"
    assert benchmark["name"] == "test_models[local-tiny]"
    assert benchmark["param"] == "local-tiny"
    assert benchmark["group"] == "local (this machine, no edge board)"
    told = benchmark["extra_info"]
    assert told["sha256"] == entry["artifact"]["sha256"]
    assert (told["device"], told["label"]) == ("local", "this machine, no edge board")
    assert (told["candidate"], told["recipe"], told["runtime"]) == ("tiny", None, entry["runtime"])


def test_a_latency_stands_in_the_table_and_the_json(place: "Place") -> None:
    place.benchmark()
    said = place.pytest("--device=local", "--benchmark-json=out.json")
    assert said.code == 0, said.text
    assert "benchmark 'local (this machine, no edge board)': 1 tests" in said.out
    written = saved(place)
    (benchmark,) = written["benchmarks"]
    check_against_results(place, benchmark)
    facts = place.results()["devices"]["local"]["facts"]
    machine = written["machine_info"]
    assert (machine["node"], machine["machine"], machine["release"]) == (
        facts["hostname"],
        facts["arch"],
        facts["kernel"],
    )
    assert machine["devices"]["local"]["cpu_count"] == facts["cpu_count"]
    assert "python_build" not in machine


def test_with_the_oldest_version_too(place: "Place", oldest: Path) -> None:
    place.benchmark()
    said = place.pytest("--device=local", "--benchmark-json=out.json", PYTHONPATH=str(oldest))
    assert said.code == 0, said.text
    assert saved(place)["version"] == OLDEST
    check_against_results(place, saved(place)["benchmarks"][0])


def test_the_oldest_version_is_the_one_that_is_named() -> None:
    pyproject = Path(__file__).resolve().parents[2] / "pyproject.toml"
    assert f'"pytest-benchmark>={OLDEST.removesuffix(".0")}"' in pyproject.read_text(encoding="utf-8")


def test_saved_runs_are_compared_also_with_another_board_s(place: "Place") -> None:
    place.benchmark()
    assert place.pytest("--device=local", "--benchmark-autosave").code == 0
    said = place.pytest(
        "--device=local", "--benchmark-compare", "--benchmark-compare-fail=min:1000%", "--benchmark-save=after"
    )
    assert said.code == 0, said.text
    assert "test_models[local-tiny] (NOW)" in said.out
    assert "machine_info is different" not in said.text
    assert "is not what it was" not in said.text

    said = place.run(sys.executable, "-m", "pytest_benchmark", "compare", "--group-by=param:device", "--columns=min")
    assert said.code == 0, said.text
    assert "benchmark 'device=local': 2 tests" in said.out
    assert "test_models[local-tiny] (0002_after)" in said.out

    (file,) = (place.folder / ".benchmarks").rglob("0002_after.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    content["machine_info"]["devices"]["local"]["kernel"] = "1.2.3"
    content["benchmarks"][0]["stats"]["min"] /= 1000
    file.write_text(json.dumps(content), encoding="utf-8")
    said = place.pytest("--device=local", "--benchmark-compare=0002", "--benchmark-compare-fail=min:5%")
    assert said.code == 1, said.text
    assert "Performance has regressed" in said.text
    run = place.results()["run"]
    assert (run["exit_code"], run["status"]) == (1, "FAIL"), "the run says what its session ended with"
    assert "exit code 1: " in said.out
    assert "harness: local is not what it was in the run that this one is compared with: kernel '1.2.3'" in said.out


def test_under_xdist_the_controller_writes_the_same(place: "Place") -> None:
    two_devices(place)
    place.benchmark()
    said = place.pytest("--device=a", "--device=b", "-n2", "--benchmark-json=out.json", "--benchmark-save=both")
    assert said.code == 0, said.text
    written = saved(place)
    assert sorted(one["extra_info"]["device"] for one in written["benchmarks"]) == ["a", "b"]
    assert set(written["machine_info"]["devices"]) == {"a", "b"}
    facts = place.results()["devices"]["a"]["facts"]
    assert all(one["extra_info"]["board"]["hostname"] == facts["hostname"] for one in written["benchmarks"])
    assert len(list((place.folder / ".benchmarks").rglob("0001_both.json"))) == 1


def test_beside_the_host_s_own_benchmarks_the_machine_is_the_host(place: "Place") -> None:
    place.benchmark()
    place.write("test_host.py", MIXED)
    said = place.pytest("--device=local", "--benchmark-only", "--benchmark-json=out.json")
    assert said.code == 0, said.text
    assert "1 skipped" in said.out
    written = saved(place)
    assert {one["name"] for one in written["benchmarks"]} == {"test_models[local-tiny]", "test_host"}
    assert "python_build" in written["machine_info"]


def test_its_skipping_skips_ours(place: "Place") -> None:
    place.benchmark()
    place.write("test_host.py", MIXED)
    said = place.pytest("--device=local", "--benchmark-skip")
    assert "2 skipped" in said.out
    assert "1 passed" in said.out


def test_where_it_is_disabled_or_absent_nothing_is_listed(place: "Place") -> None:
    place.benchmark()
    for option in ("--benchmark-disable", "-pno:benchmark"):
        said = place.pytest("--device=local", option)
        assert said.code == 0, said.text
        assert "benchmark 'local" not in said.out


def test_what_was_not_measured_is_not_listed(place: "Place") -> None:
    place.benchmark()
    place.write("models/bad.tflite", "no model")
    said = place.pytest("--device=local", "--benchmark-json=out.json")
    assert said.code == 1, said.text
    assert [one["name"] for one in saved(place)["benchmarks"]] == ["test_models[local-tiny]"]
