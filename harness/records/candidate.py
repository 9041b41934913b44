"""Candidates: what users ask to be measured. Without pydantic, since every collection of benchmarks imports this."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """One thing to measure: a source and, for sources that are built, a recipe.

    ``source`` is a zoo name, "module:function", or an absolute path. ``kind`` says which.
    ``recipe`` is None for a .tflite file measured as it is. ``base_dir`` is the folder of the calling
    file, from which modules of "module:function" are importable. ``samples`` is an optional .npz or .npy with real
    inputs. str() is "name/recipe", or the name alone for a file as given.
    """

    name: str
    kind: str
    """zoo | factory | tflite"""
    source: str
    recipe: str | None = None
    base_dir: str | None = None
    samples: str | None = None

    def __str__(self) -> str:
        return f"{self.name}/{self.recipe}" if self.recipe else self.name
