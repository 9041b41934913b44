"""The script that measures what reading a board's state costs: two blocks of each, and that it tells all four."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "reading_cost" / "reading_cost.py"


def test_it_tells_of_both_boards_and_both_models() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--blocks", "2", "--trial", "0.02", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    # Two blocks of short trials judge nothing: only that the script works is held here.
    assert done.returncode in (0, 1), done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["board"], one["model"]) for one in told] == [
        (board, model) for board in ("files", "programs") for model in ("0.1 ms", "10 ms")
    ]
    assert all(one["blocks"] == 2 and one["share"] > 0.0 for one in told)
