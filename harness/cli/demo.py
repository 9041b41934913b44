"""``harness demo``: two shipped models measured on this machine, and what to type next."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from harness.cli.budget_files import stored_folder
from harness.cli.run import RunRequest, run_files
from harness.records.results import Entry
from harness.records.units import format_quantity
from harness.store import load_results

MODELS: Final = Path(__file__).with_name("demo_models")
"""kws_ds_cnn of this package's zoo, seed 0, as float32 and as int8: 2.7 million multiply-accumulates."""
_NEXT: Final = """
The report shows both with their intervals, and what the board was doing. What to type next:
  harness run MODEL.tflite --device=local   measure a model of your own on this machine
  harness add NAME USER@HOST                a board that is reached over SSH: writes its profile
  harness init                              benchmarks with limits, and a workflow that fails what is too slow
"""


def show_demo(given: dict[str, Any], *, as_json: bool) -> int:
    """Measure the shipped models, say what was found and what to do next; returns the run's exit code."""
    prose = sys.stderr if as_json else sys.stdout
    prose.write(
        "One small network for spotting keywords, as float32 and as int8, is measured on this machine.\n"
        "That takes about half a minute.\n\n"
    )
    prose.flush()
    files = sorted(map(str, MODELS.glob("*.tflite")))
    code = run_files(RunRequest(files), devices=["local"], given=given, as_json=as_json)
    if code == 0:
        results = load_results(stored_folder("latest", given["reports_dir"]))
        prose.write("\n" + _compare_formats(results.entries) + _NEXT)
    return code


def _compare_formats(entries: Sequence[Entry]) -> str:
    """How int8 compares with float32 in time and size, one sentence; of the time only where the intervals part."""
    by_format = {entry.candidate.rpartition("_")[2]: entry for entry in entries}
    float32, int8 = (by_format[name]["latency_p50"] for name in ("float32", "int8"))
    speed = "not clearly faster"
    if float32.value and int8.value and (int8.ci_high or float32.value) < (float32.ci_low or 0.0):
        speed = f"{float32.value / int8.value:.2g} times as fast"
    sizes = [format_quantity(by_format[name]["model_size"].value or 0.0, "B") for name in ("int8", "float32")]
    return f"Found: as int8 the network is {speed}, and takes {sizes[0]} instead of {sizes[1]}.\n"
