"""Which files of tests come first: the longest, so that no process is left with one when the others have ended."""

LONGEST = (
    "faces/test_docs_commands.py",
    "faces/test_building_ahead.py",
    "faces/test_team_week.py",
    "faces/test_build_command.py",
    "faces/test_pytest_sessions.py",
    "faces/test_one_truth.py",
    "faces/test_wheel.py",
    "faces/test_init.py",
    "faces/test_baseline_sessions.py",
    "faces/test_run_files.py",
    "faces/test_budget_commands.py",
    "faces/test_pytest_benchmark.py",
    "faces/test_command_line.py",
    "faces/test_over_ssh.py",
)
"""Of a run in an empty cache, the longest first; all others follow in the order of their names."""


def place_of(path: str) -> int:
    """Where a file of tests stands among all, told by its path in tests/."""
    return LONGEST.index(path) if path in LONGEST else len(LONGEST)
