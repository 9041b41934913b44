"""Runs the functions of training_experiments.py where TensorFlow is, and gives what they wrote."""

import json
import shutil
from pathlib import Path
from typing import Any

from pipeline.workbench import Workbench

_EXPERIMENTS = Path(__file__).with_name("training_experiments.py")


def outcome(workbench: Workbench, name: str) -> dict[str, Any]:
    """What an experiment found."""
    shutil.copy(_EXPERIMENTS, workbench.folder)
    workbench.prepare(f"{_EXPERIMENTS.stem}:{name}")
    found: dict[str, Any] = json.loads((workbench.folder / f"{name}.json").read_text())
    return found
