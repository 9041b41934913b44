"""Stands before the real ai_edge_litert on a scripted board's path; all but the interpreter is the real one's."""

import sys
from pathlib import Path

_REAL = next(
    folder
    for folder in (Path(entry) / "ai_edge_litert" for entry in sys.path if entry)
    if (folder / "interpreter.py").exists() and folder.resolve() != Path(__file__).resolve().parent
)
__path__.append(str(_REAL))
