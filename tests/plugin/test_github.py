import re

import pytest
from support.sample_results import HOSTILE, results

from harness.plugin.github import LARGEST_SUMMARY, MOST, add_summary, annotations, for_log, root_in_repository
from harness.records.results import Outcome, TestNote


def made(count):
    one = results().entries[5]
    entries = [one.model_copy(update={"candidate": f"model_{number}"}) for number in range(count)]
    return results().model_copy(update={"entries": entries})


def test_each_entry_that_did_not_hold_is_one_line_the_worst_first():
    lines = annotations(results())
    assert [re.match(r"::(\w+) ", line)[1] for line in lines] == ["error", "error", "error", "warning"]
    assert lines[1] == (
        "::error file=benchmarks/test_models.py,title=failed%3A rpi4 (simulated board)%2C digits_cnn/float32"
        "::latency p50 4.25 ms (4.23-4.27) is above 4 ms on rpi4"
    )
    assert "too close%3A rpi4" in lines[3]


def test_what_boards_and_models_named_cannot_end_a_line_or_a_property():
    line = annotations(results())[0]
    assert HOSTILE not in line
    assert not set(line) & set("\n\r\x1b\u202e")
    told = {"candidate": "a,b::c%\n::add-mask::x", "reason": "100 %\n::x::", "findings": []}
    hostile = results().entries[5].model_copy(update=told)
    (line,) = annotations(results().model_copy(update={"entries": [hostile]}))
    _, command, message = line.split("::", 2)
    assert command.endswith("a%2Cb%3A%3Ac%25 %3A%3Aadd-mask%3A%3Ax/float32")
    assert message == "100 %25 ::x::"


def test_there_are_no_more_than_github_shows():
    assert len(annotations(made(MOST))) == MOST
    lines = annotations(made(25))
    assert len(lines) == MOST
    assert lines[-1] == "::error title=edge-harness::and 16 more: see the summary of the run"


def ended(outcome):
    run = results().run.model_copy(update={"outcome": outcome, "exit_code": 2})
    return results().model_copy(update={"run": run, "entries": []})


def test_how_the_run_ended_comes_first_then_boards_refusals_and_tests_that_failed_by_themselves():
    outcome = Outcome(
        end="interrupted",
        sentence="SIGTERM",
        planned=2,
        measured=1,
        unreached=["rpi4: no answer, tried for 10 s"],
        refused=["--trials 3: too few"],
        failed_tests=[TestNote(test="tests/test_x.py::test_a", sentence="assert 1 == 2")],
    )
    assert annotations(ended(outcome), root="py") == [
        "::error title=run not whole::interrupted: 1 of 2 measured (SIGTERM); 1 test failed by itself: "
        "tests/test_x.py::test_a; exit code 2: the run was interrupted",
        "::error title=board not reached::rpi4: no answer, tried for 10 s",
        "::error title=refused::--trials 3: too few",
        "::error file=py/tests/test_x.py,title=failed%3A tests/test_x.py%3A%3Atest_a::assert 1 == 2",
    ]


def test_files_are_named_from_the_checkout(tmp_path):
    inside = tmp_path / "python"
    assert root_in_repository(inside, {"GITHUB_WORKSPACE": str(tmp_path)}) == "python"
    assert root_in_repository(tmp_path, {"GITHUB_WORKSPACE": str(tmp_path)}) == ""
    assert root_in_repository(tmp_path, {"GITHUB_WORKSPACE": str(inside)}) == ""
    assert root_in_repository(tmp_path, {}) == ""
    assert "file=python/benchmarks/test_models.py," in annotations(results(), root="python")[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n  ::error::b", "a\n|   ::error::b"),
        ("test.py::test", "test.py::test"),
        ("x ##[add-mask]y", "x ## [add-mask]y"),
    ],
)
def test_no_line_of_the_log_is_a_command(text, expected):
    assert for_log(text, {"GITHUB_ACTIONS": "true"}) == expected
    assert "::error" not in text or for_log(text, {}) == text


def test_the_summary_is_appended_while_there_is_room(tmp_path):
    path = tmp_path / "summary"
    environment = {"GITHUB_STEP_SUMMARY": str(path)}
    assert add_summary("# one\n", environment) is None
    assert add_summary("# two\n", environment) is None
    assert path.read_text(encoding="utf-8") == "# one\n\n# two\n\n"
    path.write_bytes(b"x" * (LARGEST_SUMMARY - 3))
    assert "is full" in add_summary("# three\n", environment)
    assert path.stat().st_size == LARGEST_SUMMARY - 3


def test_a_summary_that_cannot_be_written_is_a_sentence(tmp_path):
    said = add_summary("# one\n", {"GITHUB_STEP_SUMMARY": str(tmp_path / "none" / "summary")})
    assert said == "the step's summary cannot be written (No such file or directory): this run's stands in its folder"
    assert add_summary("# one\n", {}) is None
