"""Runs functions of files that only the TensorFlow process imports, and gives what they wrote."""

import json
import shutil
from pathlib import Path
from typing import Any

from pipeline.workbench import Workbench

_HERE = Path(__file__).parent
_FILES = ("training_experiments.py", "chain_experiments.py", "zoo_models.py")


def put_experiments(workbench: Workbench) -> None:
    """Copy the files to where the process finds modules."""
    for name in _FILES:
        shutil.copy(_HERE / name, workbench.folder)


def outcome(workbench: Workbench, function: str) -> dict[str, Any]:
    """What "module:function" found, which it wrote into a file of its name."""
    put_experiments(workbench)
    workbench.prepare(function)
    found: dict[str, Any] = json.loads((workbench.folder / f"{function.partition(':')[2]}.json").read_text())
    return found
