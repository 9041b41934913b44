"""Runs functions of files that only the TensorFlow process imports, and gives what they wrote."""

import json
import shutil
from pathlib import Path
from typing import Any

from pipeline.workbench import Workbench
from support.kept_cache import kept_folder

_HERE = Path(__file__).parent
_FILES = ("training_experiments.py", "chain_experiments.py", "zoo_models.py")


def put_experiments(workbench: Workbench) -> None:
    """Copy the files to where the process finds modules."""
    for name in _FILES:
        shutil.copy(_HERE / name, workbench.folder)


def outcome(workbench: Workbench, function: str) -> dict[str, Any]:
    """What "module:function" found, which it wrote into a file of its name."""
    answer = f"{function.partition(':')[2]}.json"

    def make(folder: Path) -> None:
        put_experiments(workbench)
        workbench.prepare(function)
        shutil.copy(workbench.folder / answer, folder)

    text = "".join((_HERE / name).read_text(encoding="utf-8") for name in _FILES)
    found: dict[str, Any] = json.loads((kept_folder(function.replace(":", "."), text, make) / answer).read_text())
    return found
