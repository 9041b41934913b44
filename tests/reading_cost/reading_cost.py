"""What reading a board's state costs a trial, on against off, paired. Exit status 1 above 1 %.

    python tests/reading_cost/reading_cost.py [--blocks 20] [--trial 0.5] [--json]

Two networks of equal layers, of about 0.1 and 10 ms, on this machine, each over two boards: one of made-up files, with
eight CPU policies, twelve thermal zones, ten cooling devices and three devfreq devices, as large boards have; and this
machine with a vcgencmd on its path that takes 6 ms, as a Raspberry Pi has where no file tells what it does.
"""

import argparse
import hashlib
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.made_graphs import equal_layers

from harness.board import choose_runner, open_board
from harness.measure.reading_cost import ReadingCost, measure_reading_cost
from harness.records.device import Connection
from harness.records.plan import TrialSpec
from harness.testing import make_profile

MOST = 0.01
MODELS = {"0.1 ms": (20, 64, 16), "10 ms": (60, 256, 48)}
"""Layers, units, rows."""
PROGRAMS = {"vcgencmd": (0.006, "throttled=0x0")}


def main() -> int:
    """The table, or JSON; 1 where reading costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=20, metavar="N", help="of four trials each (default: 20)")
    parser.add_argument("--trial", type=float, default=0.5, metavar="S", help="seconds of a trial (default: 0.5)")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        for board, root in (("files", _made_up_files(Path(folder) / "root")), ("programs", "/")):
            with _programs(Path(folder) / "bin") if board == "programs" else _nothing():
                for name, shape in MODELS.items():
                    found = _measured(Path(folder), shape, root, options)
                    worst = max(worst, found.share, found.latency.low - 1.0)
                    sys.stdout.write(_told(board, name, found, as_json=options.json) + "\n")
                    sys.stdout.flush()
    return int(worst > MOST)


def _told(board: str, name: str, found: ReadingCost, *, as_json: bool) -> str:
    if as_json:
        ratio = {"ratio": found.latency.ratio, "low": found.latency.low, "high": found.latency.high}
        return json.dumps(
            {"board": board, "model": name, "blocks": found.blocks, "latency": ratio, "share": found.share}
        )
    share = f"{1e3 * found.reading_s:.2f} ms of {1e3 * found.trial_s:.0f} ms, {100 * found.share:.2f} %"
    return f"{board:8}  {name:6}  p50 {found.latency}  time {share}"


def _measured(folder: Path, shape: tuple[int, int, int], root: str, options: argparse.Namespace) -> ReadingCost:
    count, width, rows = shape
    model = folder / f"{count}.tflite"
    model.write_bytes(equal_layers(count, width, rows))
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    profile = make_profile("board", connection=Connection(transport="local"))
    with open_board(profile, lease=f"edge-harness-cost-{secrets.token_hex(6)}", root=root) as board:
        board.ship(model, sha256)
        trial = TrialSpec(
            index=0, arm="candidate", kind="latency", model=sha256,
            warmup_runs=5, num_runs=5, min_secs=options.trial, max_secs=5.0, deadline_s=60.0,
        )  # fmt: skip
        runner = choose_runner(profile, board.facts)
        return measure_reading_cost(board, trial, runner, blocks=options.blocks, now=time.monotonic)


def _made_up_files(root: Path) -> str:
    files = {
        "proc/vmstat": "\n".join(f"counter_{n} 12345" for n in range(170)) + "\npswpin 0\npswpout 0",
        "proc/stat": "cpu  100 0 100 10000 0 0 0 0 0 0\n" + "cpu0 1 1 1 1\n" * 8 + "intr " + "0 " * 400,
        "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000",
        "var/lib/nvpmodel/status": "pmode:0000",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "0",
    }
    for n in range(12):
        files |= {f"sys/class/thermal/thermal_zone{n}/type": "cpu-thermal"}
        files |= {f"sys/class/thermal/thermal_zone{n}/temp": "51500"}
    for n in range(10):
        files |= {f"sys/class/thermal/cooling_device{n}/type": "thermal-cpufreq-0"}
        files |= {f"sys/class/thermal/cooling_device{n}/cur_state": "0"}
        files |= {f"sys/class/thermal/cooling_device{n}/stats/total_trans": "0"}
    for n in range(8):
        policy = f"sys/devices/system/cpu/cpufreq/policy{n}"
        times = "\n".join(f"{clock} 1000" for clock in range(408_000, 2_400_000, 100_000))
        files |= {f"{policy}/scaling_governor": "performance", f"{policy}/scaling_max_freq": "2400000"}
        files |= {f"{policy}/stats/time_in_state": times}
        files |= {f"sys/devices/system/cpu/cpu{n}/cpufreq/scaling_cur_freq": "2400000"}
    for n in range(3):
        device = f"sys/class/devfreq/device{n}"
        files |= {f"{device}/{name}": "2112000000" for name in ("cur_freq", "min_freq", "max_freq")}
        files |= {f"{device}/governor": "performance", f"{device}/trans_stat": "*2112000000: 0 0 1000"}
    for relative, text in files.items():
        path = root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return str(root)


@contextmanager
def _programs(folder: Path) -> Iterator[None]:
    """Programs that take as long as a board's own, first on the path."""
    folder.mkdir()
    for name, (seconds, answer) in PROGRAMS.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\nsleep {seconds}\nprintf '{answer}\\n'\n")
        program.chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}:{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextmanager
def _nothing() -> Iterator[None]:
    yield


if __name__ == "__main__":
    sys.exit(main())
