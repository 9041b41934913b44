"""Which files of tests come first: the longest, so that no process is left with one when the others have ended."""

LONGEST = (
    "emulated/test_emulated_board.py",
    "faces/test_docs_commands.py",
    "test_mutations.py",
    "faces/test_team_week.py",
    "pipeline/test_pruning_and_distilling.py",
    "faces/test_building_ahead.py",
    "faces/test_doctor.py",
    "test_growth_script.py",
    "store/test_history.py",
    "test_mutants.py",
    "faces/test_budget_commands.py",
    "faces/test_init.py",
    "faces/test_one_truth.py",
    "pipeline/test_demo_models.py",
    "pipeline/test_formats.py",
    "faces/test_baseline_sessions.py",
    "testing/test_gatelab.py",
    "pipeline/test_training.py",
    "pipeline/test_training_chain.py",
    "pipeline/test_saved_models.py",
    "faces/test_pytest_sessions.py",
    "faces/test_command_line.py",
    "faces/test_over_ssh.py",
    "pipeline/test_runtimes_agree.py",
    "faces/test_build_command.py",
    "faces/test_run_files.py",
    "session/test_revision_base.py",
    "faces/test_bad_words.py",
    "pipeline/test_building.py",
    "pipeline/test_building_trouble.py",
    "pipeline/test_building_together.py",
    "pipeline/test_zoo.py",
    "faces/test_wheel.py",
    "faces/test_pytest_benchmark.py",
    "board/test_provision_download.py",
    "report/test_page_in_chromium.py",
    "test_verdicts_script.py",
)
"""Of a run in an empty cache, the longest first; all others follow in the order of their names."""


def place_of(path: str) -> int:
    """Where a file of tests stands among all, told by its path in tests/."""
    return LONGEST.index(path) if path in LONGEST else len(LONGEST)
