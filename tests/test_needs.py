"""What is absent from a machine skips a test by name and reason; where CI=true it fails it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import needs

TESTS = """
from support import needs

def test_server(): needs.need("sshd")
def test_browser(): needs.need("chromium")
def test_account(): needs.need("runuser")
def test_root(): needs.need_root()
def test_models(): needs.need_shared("models/tiny.tflite")
def test_plain(): pass
"""
REASONS = (
    "sshd is not on this machine: install openssh-server",
    "chromium is not on this machine: install chromium",
    "runuser is not on this machine: install util-linux",
    "this test makes accounts and needs root",
)
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:hypothesispytest", "-p", "no:cacheprovider")
NO_SAMPLES = "sample files are not on this machine: tiny.tflite"


def outcome(folder: Path, ci: str, *options: str) -> list[str]:
    """The summary of a run on a machine that has none of it: a line for each test that is not green, and the counts."""
    (folder / "test_it.py").write_text(TESTS)
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    bare = {"PYTHONPATH": str(Path(needs.__file__).parents[1]), "TESTS_WITHOUT": "sshd chromium runuser root shared"}
    done = subprocess.run(
        [*PYTEST, "-rsf", "-q", *options, "."],
        cwd=folder,
        env=outer | bare | {"CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()


def lines_with(lines: list[str], word: str, reason: str) -> int:
    return sum(line.startswith(word) and line.endswith(reason) for line in lines)


def test_here_they_are_skipped_by_name_and_reason(tmp_path: Path) -> None:
    lines = outcome(tmp_path, ci="")
    assert lines[-1].startswith("1 passed, 5 skipped")
    assert [lines_with(lines, "SKIPPED", reason) for reason in (*REASONS, NO_SAMPLES)] == [1] * 5


def test_where_ci_is_true_they_fail_but_for_the_samples(tmp_path: Path) -> None:
    lines = outcome(tmp_path, ci="true")
    assert lines[-1].startswith("4 failed, 1 passed, 1 skipped")
    assert [lines_with(lines, "FAILED", reason) for reason in REASONS] == [1] * 4
    assert lines_with(lines, "SKIPPED", NO_SAMPLES) == 1


@pytest.mark.parametrize("processes", ["0", "2"])
def test_the_last_line_names_what_the_machine_lacks(tmp_path: Path, processes: str) -> None:
    last = outcome(tmp_path, "", "-p", "support.needs", f"--numprocesses={processes}")[-1]
    assert last.startswith("skipped on this machine: ")
    told = last.removeprefix("skipped on this machine: ").split("; ")
    assert told == [f"{reason} (1)" for reason in sorted([*REASONS, NO_SAMPLES])]


def test_the_last_line_is_the_counts_where_nothing_is_skipped(tmp_path: Path) -> None:
    assert outcome(tmp_path, "", "-p", "support.needs", "-k", "plain")[-1].startswith("1 passed")


def test_a_program_that_is_there_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TESTS_WITHOUT", raising=False)
    assert needs.need("chromium") == str(program)
