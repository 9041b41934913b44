"""Which wheels fit a board: the measured table of runtimes, as a pure function.

A wheel's tag is not proof that it loads: ai-edge-litert 2.3.0 for aarch64 is tagged manylinux_2_27 and imports symbols
of glibc 2.34. The figures here are those at which the files were seen to load; provisioning proves each by a model.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.records.errors import BoardUnfitError

DISTRIBUTIONS = {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}
"""The names under which the runtimes are published."""


@dataclass(frozen=True)
class WheelSet:
    """One runtime and its numpy for one kind of board; ``numpy`` is None where the board must bring its own.

    Of what the runtimes declare to need, only numpy is imported to run a model.
    """

    package: str
    version: str
    numpy: str | None
    arch: str
    python: tuple[int, int]
    platforms: tuple[str, ...]

    @property
    def requirements(self) -> tuple[str, ...]:
        """Pinned names for pip."""
        runtime = f"{DISTRIBUTIONS[self.package]}=={self.version}"
        return (runtime,) if self.numpy is None else (runtime, f"numpy=={self.numpy}")

    @property
    def abi(self) -> str:
        """E.g. cp311."""
        return f"cp{self.python[0]}{self.python[1]}"

    @property
    def env(self) -> str:
        """The environment's name on the board."""
        return f"{self.package}-{self.version}-{self.abi}"

    def __str__(self) -> str:
        return f"{' and '.join(self.requirements)} for {self.arch}, Python {self.python[0]}.{self.python[1]}"


@dataclass(frozen=True)
class _Row:
    """A runtime, the Python 3 minors and the glibc 2 minor from which it loads, and numpy by Python minor."""

    package: str
    version: str
    arch: str
    minors: range
    glibc: int
    numpy: dict[int, str]

    def loads(self, minor: int, glibc: int) -> bool:
        return minor in self.minors and glibc >= self.glibc


_NUMPY_1 = {8: "1.24.4", 9: "1.26.4", 10: "1.26.4", 11: "1.26.4"}
"""tflite-runtime imports under numpy 2, then its constructor raises SystemError."""
_NUMPY_2 = {10: "2.2.6", 11: "2.4.6", 12: "2.4.6", 13: "2.4.6", 14: "2.4.6"}
_NUMPY_2_OLD_GLIBC = {10: "2.2.6", 11: "2.2.6", 12: "2.2.6"}
"""Later ones need glibc 2.27."""
_FROM_DISTRIBUTION: dict[int, str] = {}
"""No numpy 1 is published for armv7l: the distribution's python3-numpy serves."""

_TABLE = (
    _Row("litert", "2.3.0", "aarch64", range(10, 15), 34, _NUMPY_2),
    _Row("litert", "2.3.0", "x86_64", range(10, 15), 27, _NUMPY_2),
    _Row("litert", "1.4.0", "aarch64", range(10, 13), 17, _NUMPY_2_OLD_GLIBC),
    _Row("litert", "1.4.0", "x86_64", range(10, 13), 17, _NUMPY_2_OLD_GLIBC),
    _Row("tflite", "2.14.0", "aarch64", range(9, 12), 34, _NUMPY_1),
    _Row("tflite", "2.14.0", "x86_64", range(9, 12), 29, _NUMPY_1),
    _Row("tflite", "2.14.0", "armv7l", range(9, 12), 34, _FROM_DISTRIBUTION),
    _Row("tflite", "2.13.0", "aarch64", range(8, 12), 17, _NUMPY_1),
    _Row("tflite", "2.13.0", "x86_64", range(8, 12), 17, _NUMPY_1),
    _Row("tflite", "2.13.0", "armv7l", range(8, 12), 17, _FROM_DISTRIBUTION),
)
"""In order of preference: the first that loads is taken."""

_OLDEST_TAG = 17
"""manylinux_2_17 is the same as manylinux2014."""
_NEWEST_TAG = 50


def choose_wheels(arch: str, python: str, libc: str | None, *, package: str = "auto") -> WheelSet:
    """The wheels for a board of machine ``arch``, e.g. "aarch64", Python "3.11.2" and C library "glibc 2.36".

    ``package`` is auto, litert or tflite, the latter two with a pinned version as in "tflite==2.13.0".
    Raises BoardUnfitError where nothing fits, naming what would.
    """
    name, _, pinned = package.partition("==")
    if name not in ("auto", *DISTRIBUTIONS):
        raise BoardUnfitError(
            f'"{package}" comes with the board\'s own system and cannot be put there: install it there'
        )
    version, glibc = _python(python), _glibc(libc)
    offered = [row for row in _TABLE if row.arch == arch and name in ("auto", row.package)]
    fitting = [row for row in offered if version[0] == 3 and row.loads(version[1], glibc)]
    chosen = next(iter(_of_version(fitting, pinned)), None)
    if chosen is None:
        raise BoardUnfitError(_refusal(arch, python, glibc, offered))
    numpy = chosen.numpy.get(version[1])
    return WheelSet(chosen.package, chosen.version, numpy, arch, version, platform_tags(arch, glibc))


def platform_tags(arch: str, glibc: int) -> tuple[str, ...]:
    """Every tag whose wheels a glibc 2.``glibc`` may load, newest first; pip takes each as it is spelled."""
    minors = range(min(glibc, _NEWEST_TAG), _OLDEST_TAG - 1, -1)
    return (*(f"manylinux_2_{minor}_{arch}" for minor in minors), f"manylinux2014_{arch}")


def _of_version(fitting: list[_Row], pinned: str) -> Iterator[_Row]:
    """The row of a pinned version, else the best one with the version put in: its proof comes on the board."""
    if not pinned:
        yield from fitting
        return
    yield from (row for row in fitting if row.version == pinned)
    yield from (replace(row, version=pinned) for row in fitting)


def _python(text: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", text)
    if match is None:
        raise BoardUnfitError(f'the board\'s Python says it is "{text}": expected a version such as 3.11.2')
    return int(match[1]), int(match[2])


def _glibc(libc: str | None) -> int:
    """The minor of glibc 2.x."""
    match = re.search(r"\b2\.(\d+)", libc or "")
    if match is None or "musl" in (libc or "").lower():
        raise BoardUnfitError(
            f"the board's C library is {libc or 'unknown'}: the runtimes are published for glibc alone"
        )
    return int(match[1])


def _refusal(arch: str, python: str, glibc: int, offered: list[_Row]) -> str:
    board = f"{arch}, Python {python}, glibc 2.{glibc}"
    if not offered:
        known = ", ".join(dict.fromkeys(row.arch for row in _TABLE))
        return f"{board}: no such runtime is published for this machine: expected one of {known}"
    needs = "; ".join(
        f"{row.package} {row.version} needs Python 3.{row.minors[0]}-3.{row.minors[-1]} and glibc 2.{row.glibc}"
        for row in offered
    )
    return f"{board}: no runtime fits: {needs}; put such a Python on the board and name it as connection.python"
