"""The script that adds memory up: one of its rows, and what it calls broken."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from memory_sum.memory_sum import Row, spread, table
from support import needs

SCRIPT = Path(__file__).parent / "memory_sum" / "memory_sum.py"
ROW = Row(
    model="net",
    size=10_240,
    runtime="litert",
    pss=40e6,
    unexplained=0.01,
    total_range=0.005,
    peak_range=0.002,
    model_range=0.02,
    peak=52e6,
    held=20e6,
    smallest=21e6,
)


def test_a_row_says_which_bound_is_broken() -> None:
    lines = table([ROW, replace(ROW, unexplained=0.06, smallest=23e6), replace(ROW, held=None, smallest=None)])
    told = [line.split(" | ") for line in lines.splitlines()[2:]]
    assert told[0][1:] == [
        "10.2 kB", "litert", "40.00 MB", "1.00 %", "0.50 %", "0.20 %", "2.00 %",
        "20.00 MB", "21.00 MB", "1.050", "52.00 MB", " |",
    ]  # fmt: skip
    assert [row[-1] for row in told] == [" |", "unexplained, limit |", " |"]
    assert told[2][8:11] == ["-", "-", "-"]


def test_a_range_is_a_share_of_the_mean() -> None:
    assert spread([9.0, 10.0, 11.0]) == 0.2


def test_memory_of_a_small_model_adds_up_and_its_limit_is_what_cannot_be_taken_back() -> None:
    needs.need_root()
    model = needs.need_shared("models/tflm_micro_speech_int8.tflite")
    words = [str(model), "--runtime=litert", "--processes=2"]
    ended = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)
    told = ended.stdout.splitlines()[2].split(" | ")
    assert told[:3] == ["| tflm_micro_speech_int8", "18.8 kB", "litert"], ended.stdout + ended.stderr
    # PSS moves with other tests' processes, which share the libraries; what it consists of does not.
    assert told[-1] in (" |", "PSS |"), ended.stdout
    assert ended.returncode == (told[-1] != " |")
