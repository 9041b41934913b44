"""``harness demo``: two shipped models measured on this machine, and what to type next."""

import sys
from pathlib import Path
from typing import Any, Final

from harness.cli.run import RunRequest, run_files

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
        prose.write(_NEXT)
    return code
