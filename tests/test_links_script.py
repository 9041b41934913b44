"""The script that strikes links and boards: a few of its runs, over a real sshd in network namespaces."""

import subprocess
import sys
from pathlib import Path

from links.links import MOMENTS, Outcome, table
from support import needs

SCRIPT = Path(__file__).parent / "links" / "links.py"


def outcome(moment: str, ended: str, *, lost: bool = True) -> Outcome:
    return Outcome("sshd killed", moment, ended, 30.0, (0,), lost)


def test_the_table_counts_how_runs_ended() -> None:
    found = table([outcome("measuring", "right"), outcome("measuring", "resumed"), outcome("uploading", "right")])
    assert found.splitlines()[0] == "| what happened | connecting | uploading | measuring |"
    assert found.splitlines()[2] == (
        "| sshd killed |  | 1 right (1 by another link), 30 s | 1 right, 1 resumed (2 by another link), 30 s |"
    )


def test_a_killed_sshd_costs_no_run_its_results() -> None:
    needs.need("sshd")
    needs.need("ip")
    needs.need_root()
    models = [f"--model={needs.need_shared(name)}" for name in ("models/tiny_vww96_fp32.tflite",)]
    words = ["--scenario=sshd killed", f"--count={len(MOMENTS)}", f"--slots={len(MOMENTS)}"]
    ended = subprocess.run([sys.executable, str(SCRIPT), *models, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "3 of 3 ended right" in ended.stdout
