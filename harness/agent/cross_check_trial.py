"""A cross-check trial: the vendor's own benchmark of the same file, from the package that the board has.

``litert-benchmark`` is a module of ai-edge-litert. It runs CompiledModel on random inputs and tells milliseconds with
two decimals.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List

from edge_agent.interpreters import TrialFailedError
from edge_agent.sysfs import read_text
from edge_agent.trial_setup import Numbers, Setting
from edge_agent.wire import one_line

if TYPE_CHECKING:
    from edge_agent import spec

_TOOL = "ai_edge_litert.tools.benchmark_litert_model"
_FIGURES = ("median_ms", "avg_ms", "min_ms", "max_ms", "p5_ms", "p95_ms")
_BEFORE_DEADLINE_S = 2.0
_SAID_BYTES = 4096


def run(trial: spec.Trial, setting: Setting) -> Numbers:
    """The figures of the Trial record; raises TrialFailedError."""
    path = setting.file(trial.model)
    if path is None:
        raise TrialFailedError("no model was named")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        words = [sys.executable, "-m", _TOOL, "--model", str(path), "--num_runs", str(trial.num_runs)]
        words += ["--warmup_runs", str(trial.warmup_runs), "--num_threads", str(setting.runner.num_threads)]
        _run_tool([*words, "--result_json", str(result)], setting, max(trial.deadline_s - _BEFORE_DEADLINE_S, 1.0))
        told = _figures(read_text(result) or "")
    return {"n": trial.num_runs, "vendor": {**told, "num_runs": trial.num_runs, "warmup_runs": trial.warmup_runs}}


def _run_tool(words: List[str], setting: Setting, seconds: float) -> None:
    site = setting.runner.site
    paths = [path for path in (site, os.environ.get("PYTHONPATH")) if path]
    environment = {**os.environ, **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})}
    try:
        ended = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment,
            timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TrialFailedError("litert-benchmark took more than %g s" % seconds) from error
    if ended.returncode != 0:
        said = [line for line in ended.stderr[-_SAID_BYTES:].decode("utf-8", "replace").splitlines() if line.strip()]
        raise TrialFailedError("litert-benchmark does not run here: %s" % one_line(said[-1] if said else "no word"))


def _figures(text: str) -> Dict[str, float]:
    try:
        latency = json.loads(text)["latency"]
        return {name[: -len("_ms")] + "_s": float(latency[name]) / 1e3 for name in _FIGURES}
    except (ValueError, KeyError, TypeError) as error:
        raise TrialFailedError("litert-benchmark tells no figures: %s" % one_line(repr(error))) from error
