"""A delegate library for tests, compiled here: ``dense_delegate.c`` says what it takes and how it may be wrong."""

import subprocess
from pathlib import Path

from support.needs import need

SOURCE = Path(__file__).with_suffix(".c")
WRONG = ("scale", "half", "offset", "zero", "sign", "nan", "one", "swap", "noise", "late")
"""How it computes falsely on request."""


def compile_delegate(folder: Path) -> Path:
    """The library, in this folder; skips the test, or fails it where CI=true, without a compiler."""
    library = folder / "libdense_delegate.so"
    flags = ["-std=c11", "-O2", "-Wall", "-Werror", "-shared", "-fPIC"]
    subprocess.run([need("gcc"), *flags, "-o", library, SOURCE, "-lm"], check=True)
    return library
