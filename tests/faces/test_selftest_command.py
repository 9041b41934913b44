"""harness selftest: a board measured against itself, and the record that its runs leave."""

import json
from typing import TYPE_CHECKING

import pytest

from harness.records.units import format_quantity

if TYPE_CHECKING:
    from support.user_folder import Place


def test_two_self_tests_are_runs_of_their_own_and_the_second_tells_the_record_of_both(place: "Place") -> None:
    said = place.harness("selftest", "local", "--runs=2", "--limit=2000 %", "--time-limit=120")
    assert said.code == 0, said.text
    assert said.out.count("report: ") == 2
    results = place.results()
    (entry,) = results["entries"]
    assert (entry["test"], entry["status"]) == ("harness selftest", "PASS")
    assert entry["baseline"]["state"] == "measured"
    assert entry["baseline"]["artifact"]["sha256"] != entry["artifact"]["sha256"]
    record = results["devices"]["local"]["selftests"]
    assert (record["runs"], record["false_alarms"], record["inconclusive"], record["last_failed"]) == (2, 0, 0, False)
    told = " ".join(said.out.split("report: ")[1].split())
    assert (
        f"local: 0 false alarms in 2 self-tests; would have caught {format_quantity(record['detectable'], '1')}" in told
    )
    assert "0 false alarms in 1 self-test;" in " ".join(said.out.split("report: ")[0].split())
    place.benchmark('model_size="1 MB"')
    assert "0 false alarms in 2 self-tests" in " ".join(place.pytest("--device=local").out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--limit=-2 %",), "--limit latency_p50_regression"),
        (("--limit=2 ms",), "--limit latency_p50_regression"),
        (("--model=gone.tflite",), "gone.tflite: expected a .tflite file"),
        (("--model=pyproject.toml",), "pyproject.toml: expected a .tflite file"),
    ],
)
def test_what_is_wrong_is_one_line_before_a_board_is_touched(
    place: "Place", arguments: tuple[str, ...], words: str
) -> None:
    said = place.harness("selftest", "local", *arguments)
    assert said.code == 4, said.text
    (line,) = said.err.splitlines()
    assert words in line
    assert not (place.folder / "reports").exists()


def test_a_board_out_of_reach_ends_it_at_the_first_run(place: "Place") -> None:
    place.write("devices/gone.toml", '[connection]\nhost = "127.0.0.1"\nport = 9\nuser = "x"\n')
    said = place.harness("selftest", "gone", "--runs=3")
    assert said.code == 11, said.text
    assert said.out.count("report: ") == 1


def test_in_full_it_is_one_page_and_the_planted_slowdown_is_no_run_of_the_board_s(place: "Place") -> None:
    said = place.harness("selftest", "local", "--full", "--json", "--limit=2000 %", "--time-limit=3")
    page = json.loads(said.out)
    checks = {check["name"]: check for check in page["checks"]}
    assert list(checks) == [
        "reading the state",
        "memory sum",
        "tuning put back",
        "the same twice",
        "a planted slowdown",
    ]
    assert said.code == {"ok": 0, "warn": 10, "fail": 1}[page["status"]]
    assert checks["memory sum"]["status"] == "ok" and "unexplained" in checks["memory sum"]["said"]
    assert checks["tuning put back"]["status"] == "ok"
    # A copy, and one layer more, are within a limit that nothing breaks: the latter is then not found.
    assert {checks[name]["status"] for name in ("the same twice",)} <= {"ok", "warn"}
    assert checks["a planted slowdown"]["status"] in ("fail", "warn") and page["emulated"] is False
    (kept,) = [run for run in (place.folder / "reports").iterdir() if run.is_dir() and not run.is_symlink()]
    (entry,) = json.loads((kept / "results.json").read_text(encoding="utf-8"))["entries"]
    assert entry["test"] == "harness selftest"
