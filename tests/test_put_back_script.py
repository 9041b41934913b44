"""The script that ends tuned runs in every way: one of each that a lab sees, over a real sshd in network namespaces."""

import subprocess
import sys
from pathlib import Path

from put_back.put_back import EVENTS, Outcome, table
from support import needs

SCRIPT = Path(__file__).parent / "put_back" / "put_back.py"
EVERY_LAB = ("host killed", "link cut", "sshd restarted")


def test_the_table_counts_what_was_put_back_in_time() -> None:
    outcomes = [Outcome("link cut", 14.5, ""), Outcome("link cut", 20.5, "the lease is held")]
    assert table(outcomes).splitlines()[2] == "| link cut | 1 of 2 | 17.5 s | 20.5 s |"


def test_governor_limits_power_mode_interrupts_and_lease_are_back_whatever_ends_the_run() -> None:
    for tool in ("sshd", "ip"):
        needs.need(tool)
    needs.need_root()
    assert set(EVERY_LAB) < set(EVENTS)
    model = needs.need_shared("models/litert_add_dynamic_shape.tflite")
    words = [f"--model={model}", "--count=3", "--slots=3", *(f"--event={event}" for event in EVERY_LAB)]
    ended = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "3 of 3 put back in time" in ended.stdout
