"""Which tier a test is of: by its marker where it carries one, else by its file, its fixtures, its folder."""

import fnmatch
from collections.abc import Collection
from functools import cache

TIERS = {
    "fast": "needs neither TensorFlow nor a board nor a browser",
    "tensorflow": "builds or trains with TensorFlow",
    "board": "talks to an agent or a real sshd, or measures this machine",
    "browser": "opens pages in Chromium",
    "simulated": "measures a simulated board, or imitates the same many times over",
    "emulated": "boots a whole ARM board under QEMU; make test leaves it out",
}
FIXTURES = {
    "browser": "browser",
    "tensorflow_worker": "tensorflow",
    "steward": "board",
    "agent_zip": "board",
    "leased": "board",
    "here": "board",
    "server": "board",
    "installed": "board",
}
"""Fixtures that decide where the file does not, the first that a test has."""
FILES = {
    "faces/test_build_command.py": "tensorflow",
    "faces/test_building_ahead.py": "tensorflow",
    "faces/test_docs_commands.py": "tensorflow",
    "faces/test_run_files.py": "tensorflow",
    "pipeline/test_building.py": "tensorflow",
    "pipeline/test_building_together.py": "tensorflow",
    "pipeline/test_building_trouble.py": "tensorflow",
    "pipeline/test_demo_models.py": "tensorflow",
    "pipeline/test_formats.py": "tensorflow",
    "pipeline/test_pruning_and_distilling.py": "tensorflow",
    "pipeline/test_runtimes_agree.py": "tensorflow",
    "pipeline/test_training*.py": "tensorflow",
    "agent/test_agent_memory_limit.py": "board",
    "board/test_account_board.py": "board",
    "board/test_host_dies.py": "board",
    "board/test_lost_links.py": "board",
    "board/test_open_board.py": "board",
    "board/test_provision_boards.py": "board",
    "board/test_provision_download.py": "board",
    "board/test_tuning.py": "board",
    "faces/test_board_commands.py": "board",
    "faces/test_one_bad_party.py": "board",
    "measure/test_*_on_a_board.py": "board",
    "test_by_turns_scripts.py": "board",
    "test_links_script.py": "board",
    "test_memory_sum_script.py": "board",
    "test_put_back_script.py": "board",
    "test_verdicts_script.py": "board",
    "measure/test_broken_rigs.py": "simulated",
    "measure/test_execution.py": "simulated",
    "measure/test_interleaved.py": "simulated",
    "measure/test_lost_blocks.py": "simulated",
    "stats/test_changepoints.py": "simulated",
    "stats/test_percentile_bound.py": "simulated",
    "test_growth_script.py": "simulated",
    "test_mutants.py": "simulated",
    "test_mutations.py": "simulated",
    "testing/test_gatelab.py": "simulated",
    "testing/test_simulate*.py": "simulated",
}
"""Files all of whose tests are of one tier; also those of a kind, by * in the name."""
FOLDERS = {"emulated": "emulated", "transport": "board"}
"""Rooms whose other tests are of one tier; those of all others are fast."""


def tier_of(path: str, fixtures: Collection[str], marked: Collection[str] = ()) -> str:
    """The tier of a test in a file, told by its path in tests/. Raises ValueError where it is marked with two."""
    own = [name for name in TIERS if name in marked]
    if len(own) > 1:
        raise ValueError(f"{path}: a test of two tiers: {', '.join(own)}")
    if own:
        return own[0]
    named = [tier for fixture, tier in FIXTURES.items() if fixture in fixtures]
    return next(iter([*_filed(path), *named]), FOLDERS.get(path.partition("/")[0], "fast"))


@cache
def _filed(path: str) -> list[str]:
    return [tier for pattern, tier in FILES.items() if fnmatch.fnmatch(path, pattern)]
