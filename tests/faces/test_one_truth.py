"""However a session ends, its process, its terminal and every file of its run say the same exit code."""

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

if TYPE_CHECKING:
    from support.user_folder import Place, Said

MIXED = """
import pytest
from harness import candidates

MODELS = candidates("models")
each = pytest.mark.parametrize("candidate", MODELS, ids=str)

def test_ordinary():
    assert 1 == 2

async def test_async():
    pass

@each
def test_held(bench, candidate):
    bench(candidate)

@each
def test_asserts(bench, candidate):
    assert bench(candidate).num_threads == 77

@pytest.mark.budget(model_size="1 B")
@each
def test_never_called(bench, candidate):
    pass

@pytest.fixture
def broken():
    raise RuntimeError("no such rig")

@each
def test_setup(broken, bench, candidate):
    bench(candidate)

@pytest.mark.xfail(reason="known to be large")
@pytest.mark.budget(model_size="1 B")
@each
def test_marked(bench, candidate):
    bench(candidate)

@pytest.mark.xfail(strict=True, reason="was broken once")
@each
def test_mended(bench, candidate):
    bench(candidate)

@pytest.mark.skip(reason="another day")
@each
def test_skipped(bench, candidate):
    bench(candidate)

@pytest.mark.xfail(reason="nothing yet")
@each
def test_marked_and_never_called(bench, candidate):
    pass
"""
FAILED = {
    "test_ordinary": "assert 1 == 2",
    "test_async": "async def functions are not natively supported",
    "test_asserts[local-tiny]": "assert 1 == 77",
    "test_never_called[local-tiny]": "takes bench and never called it",
    "test_setup[local-tiny]": "in its setup: RuntimeError: no such rig",
    "test_mended[local-tiny]": "[XPASS(strict)] was broken once",
}
TWO = """
import os, signal
import pytest
from harness import candidates

@pytest.mark.parametrize("candidate", candidates("models"), ids=str)
@pytest.mark.budget(model_size="1 MB")
def test_models(bench, candidate):
    if "tiny" in str(candidate) and os.environ.get("HIT"):
        exec(os.environ["HIT"])
    bench(candidate)
"""


def everywhere(place: "Place", said: "Said") -> dict[str, Any]:
    """The run's record, when all places that tell its exit code agree."""
    reports = place.folder / "reports"
    run: dict[str, Any] = place.results()["run"]
    summary = (reports / "latest" / "summary.md").read_text(encoding="utf-8")
    page = (reports / "latest" / "report.html").read_text(encoding="utf-8")
    lines = map(json.loads, (reports / "index.jsonl").read_text(encoding="utf-8").splitlines())
    codes = {
        "process": said.code,
        "terminal": int(re.findall(r"exit code (\d+):", " ".join(said.out.split()))[-1]),
        "results": run["exit_code"],
        "summary": int(re.findall(r"Exit code (\d+):", summary)[0]),
        "page": int(re.findall(r"Exit code (\d+):", page)[0]),
        "index": next(line["exit_code"] for line in lines if line["id"] == run["id"]),
    }
    if place.results()["entries"]:
        with closing(sqlite3.connect(place.folder / "history.db")) as history:
            kept = history.execute("select exit_code, status from runs where id = ?", (run["id"],)).fetchall()
        assert kept == [(said.code, run["status"])]
    junit = place.folder / "junit.xml"
    if junit.exists():
        told = {one.get("name"): one.get("value") for one in ElementTree.parse(junit).iter("property")}  # noqa: S314
        codes["junit"] = int(told["harness_exit_code"] or -1)
        assert told["harness_run"] == run["id"]
    assert set(codes.values()) == {said.code}, codes
    assert (run["status"] in ("PASS", "MEASURED")) == (said.code == 0)
    return run


@pytest.fixture(autouse=True)
def own_history(place: "Place") -> None:
    place.write("pyproject.toml", '[tool.harness]\nhistory = "history.db"\n')


def second_model(place: "Place", benchmark: str = TWO) -> None:
    (place.folder / "models" / "first.tflite").write_bytes((place.folder / "models" / "tiny.tflite").read_bytes())
    place.write("test_bench.py", benchmark)


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_tests_that_fail_by_themselves_are_the_runs_failures(place: "Place", workers: tuple[str, ...]) -> None:
    place.write("test_bench.py", MIXED)
    said = place.pytest("--device=local", "--junitxml=junit.xml", *workers)
    run = everywhere(place, said)
    assert (said.code, run["status"]) == (1, "FAIL")
    failed = {note["test"].partition("::")[2]: note["sentence"] for note in run["outcome"]["failed_tests"]}
    assert failed.keys() == FAILED.keys()
    for test, sentence in FAILED.items():
        assert sentence in failed[test]
    marked = {note["test"].partition("::")[2]: note["sentence"] for note in run["outcome"]["expected_failures"]}
    assert marked == {
        "test_marked[local-tiny]": "known to be large",
        "test_marked_and_never_called[local-tiny]": "nothing yet",
    }
    assert run["outcome"]["skipped"] == 1
    text = " ".join(said.out.split())
    assert "6 tests failed by themselves: test_bench.py::test_" in text
    assert "test_bench.py::test_ordinary: assert 1 == 2" in text


def test_what_is_marked_as_failing_is_not_red_and_a_single_failure_beside_it_is(place: "Place") -> None:
    place.write("test_bench.py", MIXED)
    said = place.pytest("--device=local", "-k", "held or marked or skipped")
    run = everywhere(place, said)
    assert (said.code, run["status"]) == (0, "MEASURED")
    text = " ".join(said.out.split())
    assert "1 measured, 2 tests failed as expected: test_bench.py::test_marked[local-tiny]" in text
    assert "1 skipped; exit code 0: everything else held" in text
    said = place.pytest("--device=local", "-k", "held or ordinary")
    everywhere(place, said)
    assert "1 measured, 1 test failed by itself: test_bench.py::test_ordinary; exit code 1" in " ".join(
        said.out.split()
    )


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_where_all_is_skipped_pytests_own_code_stands_and_no_run_is_made(
    place: "Place", workers: tuple[str, ...]
) -> None:
    place.write("test_bench.py", MIXED)
    said = place.pytest("--device=local", "-k", "skipped", *workers)
    assert said.code == 0, said.text
    assert not list(place.folder.glob("reports/2*"))


INTERRUPTED = "os.kill(os.getpid(), signal.{})"


def test_an_interrupted_run_says_so_and_is_taken_up_again(place: "Place") -> None:
    second_model(place)
    said = place.pytest("--device=local", "--junitxml=junit.xml", HIT=INTERRUPTED.format("SIGINT"))
    run = everywhere(place, said)
    assert (said.code, run["status"]) == (2, "INTERRUPTED")
    text = " ".join(said.out.split())
    assert "interrupted: 1 of 2 measured (Ctrl-C); 1 passed; exit code 2: the run was interrupted" in text
    folder = (place.folder / "reports" / "latest").resolve()
    assert f"--junitxml=junit.xml --resume=reports/{folder.name}" in said.out
    first = place.results()["entries"][0]
    (place.folder / "junit.xml").unlink()

    said = place.pytest("--device=local", "-k", "first", "--resume=reports/latest")
    run = everywhere(place, said)
    assert (said.code, run["status"]) == (10, "INCOMPLETE"), "the whole run is not what this part of it is"
    assert "1 of 2 measured; 1 passed; exit code 10" in " ".join(said.out.split())

    said = place.pytest("--device=local", "--resume=reports/latest")
    again = everywhere(place, said)
    assert (said.code, again["status"], again["id"]) == (0, "PASS", run["id"])
    entries = place.results()["entries"]
    assert [entry["candidate"] for entry in entries] == ["first", "tiny"]
    assert entries[0] == first
    assert "go on with" not in said.out
    assert "this run is whole" in place.pytest("--device=local", "--resume=reports/latest").text


def test_a_second_signal_while_pytest_tells_of_the_first_changes_nothing(place: "Place") -> None:
    second_model(place)
    place.write(
        "conftest.py",
        "import os, signal, pytest\n"
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_keyboard_interrupt():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n",
    )
    said = place.pytest("--device=local", "--junitxml=junit.xml", HIT=INTERRUPTED.format("SIGINT"))
    run = everywhere(place, said)
    assert (said.code, run["status"], run["outcome"]["end"]) == (2, "INTERRUPTED", "interrupted")
    assert "interrupted: 1 of 2 measured (Ctrl-C)" in " ".join(said.out.split())


def test_a_run_that_stopped_after_a_failure_is_taken_up_again_with_and_without_workers(place: "Place") -> None:
    second_model(place)
    place.write("test_a_first.py", "import os\ndef test_first():\n    assert not os.environ.get('BREAK')\n")
    said = place.pytest("--device=local", "-x", BREAK="1")
    run = everywhere(place, said)
    assert said.code == 1
    assert "stopped after a failure: 0 of 2 measured; 1 test failed by itself: test_a_first.py" in " ".join(
        said.out.split()
    )
    said = place.pytest("--device=local", "-x", "-n1", "--resume=reports/latest")
    assert everywhere(place, said)["id"] == run["id"]
    assert said.code == 0, said.text
    assert place.statuses() == ["PASS", "PASS"]


@pytest.mark.parametrize(
    ("hit", "code", "words"),
    [
        ("pytest.exit('enough', 7)", 7, "ended early: 1 of 2 measured (enough)"),
        ("pytest.exit('enough', 0)", 10, "ended early: 1 of 2 measured (enough)"),
        (INTERRUPTED.format("SIGTERM"), 2, "interrupted: 1 of 2 measured (SIGTERM)"),
    ],
)
def test_other_ends_of_pytest(place: "Place", hit: str, code: int, words: str) -> None:
    second_model(place)
    said = place.pytest("--device=local", HIT=hit)
    everywhere(place, said)
    assert said.code == code
    assert words in " ".join(said.out.split())


def test_what_a_plugin_makes_of_the_session_at_its_end_is_the_runs(place: "Place") -> None:
    second_model(place)
    place.write("conftest.py", "def pytest_sessionfinish(session):\n    session.exitstatus = 7\n")
    said = place.pytest("--device=local")
    everywhere(place, said)
    assert said.code == 7
    text = " ".join(said.out.split())
    assert "ended early: 2 of 2 measured (a plugin ended the session with exit status 7); 2 passed" in text


def test_files_that_do_not_load_are_the_runs_failure(place: "Place") -> None:
    second_model(place)
    place.write("test_other.py", "import nothing_of_that_name\n")
    said = place.pytest("--device=local", broken=True)
    run = everywhere(place, said)
    assert (said.code, run["status"]) == (2, "INTERRUPTED")
    assert "test files do not load: 0 of 2 measured; 1 test failed by itself: test_other.py" in " ".join(
        said.out.split()
    )


def test_an_error_inside_pytest_keeps_what_was_measured(place: "Place") -> None:
    second_model(place)
    place.write(
        "conftest.py",
        "def pytest_runtest_logfinish(nodeid):\n    if 'first' in nodeid:\n        raise RuntimeError('broke')\n",
    )
    said = place.pytest("--device=local", broken=True)
    run = everywhere(place, said)
    assert (said.code, run["status"]) == (3, "ERROR")
    assert "ended by an internal error of pytest: 1 of 2 measured (RuntimeError: broke)" in " ".join(said.out.split())


def test_nothing_that_fails_at_the_end_costs_the_results_or_the_exit_code(place: "Place") -> None:
    second_model(place)
    place.write(
        "conftest.py",
        "from harness.board.live import LiveBoard\n"
        "from harness.report import renderer\n"
        "from harness.session import record_run\n"
        "def broken(*_, **__):\n"
        "    raise RuntimeError('this broke too')\n"
        "release = LiveBoard.release\n"
        "def half_released(board):\n"
        "    release(board)\n"
        "    broken()\n"
        "LiveBoard.release = half_released\n"
        "record_run.import_runs = broken\n"
        "renderer.write_index = broken\n",
    )
    said = place.pytest("--device=local")
    run = place.results()["run"]
    assert (said.code, run["exit_code"], run["status"]) == (0, 0, "PASS")
    assert [note.partition(": ")[0] for note in run["notes"] if "this broke too" in note] == [
        "the board's release",
        "the history",
    ]
    assert "harness: the report: RuntimeError, conftest.py line 5: this broke too" in " ".join(said.out.split())
    assert (place.folder / "reports" / "latest" / "report.html").exists()
