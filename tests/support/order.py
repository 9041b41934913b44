"""Which files of tests come first: the longest, so that no process is left with one when the others have ended."""

LONGEST = (
    "faces/test_docs_commands.py",
    "faces/test_building_ahead.py",
    "pipeline/test_building_together.py",
    "pipeline/test_zoo.py",
    "faces/test_team_week.py",
    "faces/test_build_command.py",
    "pipeline/test_pruning_and_distilling.py",
    "faces/test_pytest_sessions.py",
    "pipeline/test_training_chain.py",
    "faces/test_wheel.py",
    "report/test_page_in_chromium.py",
    "pipeline/test_building_trouble.py",
    "pipeline/test_runtimes_agree.py",
    "pipeline/test_building.py",
    "test_mutations.py",
    "faces/test_init.py",
    "faces/test_run_files.py",
    "faces/test_baseline_sessions.py",
    "faces/test_one_truth.py",
    "pipeline/test_training.py",
    "faces/test_pytest_benchmark.py",
    "pipeline/test_saved_models.py",
    "faces/test_command_line.py",
    "pipeline/test_demo_models.py",
)
"""Of a run in an empty cache, the longest first; all others follow in the order of their names."""


def place_of(path: str) -> int:
    """Where a file of tests stands among all, told by its path in tests/."""
    return LONGEST.index(path) if path in LONGEST else len(LONGEST)
