"""Which wheels of a runtime fit a board, and these fetched and packed into one archive.

A wheel's tag is not proof that it loads: ai-edge-litert 2.3.0 for aarch64 is tagged manylinux_2_27 and imports symbols
of glibc 2.34. The figures here are those at which the files were seen to load; provisioning proves each by a model.
pip takes a file only with a hash that stands in wheel_hashes.txt. Of a version that a user pins and the table does not
know, there is none: then it is checked against the index's own.
"""

import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from harness.records.errors import BoardUnfitError

WHEEL_HASHES = Path(__file__).with_name("wheel_hashes.txt")
"""Every file of the versions in the table, as pip reads them: ``name==version`` with its hashes."""
DISTRIBUTIONS = {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}
"""The names under which the runtimes are published."""
_NUMPY_1 = {8: "1.24.4", 9: "1.26.4", 10: "1.26.4", 11: "1.26.4"}
"""tflite-runtime imports under numpy 2, then its constructor raises SystemError."""
_NUMPY_2 = {10: "2.2.6", 11: "2.4.6", 12: "2.4.6", 13: "2.4.6", 14: "2.4.6"}
_NUMPY_2_OLD_GLIBC = {10: "2.2.6", 11: "2.2.6", 12: "2.2.6"}
"""Later ones need glibc 2.27."""
_FROM_DISTRIBUTION: dict[int, str] = {}
"""No numpy 1 is published for armv7l: the distribution's python3-numpy serves."""
_OLDEST_TAG = 17
"""manylinux_2_17 is the same as manylinux2014."""
_NEWEST_TAG = 50
_UNNEEDED = {"tests", "__pycache__", "bin"}
"""Folders of a wheel that no model needs: a quarter of numpy is its tests."""
_COMPRESSION = 4


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


_TABLE = (
    _Row("litert", "2.3.0", "aarch64", range(10, 15), 34, _NUMPY_2),
    _Row("litert", "2.3.0", "x86_64", range(10, 15), 27, _NUMPY_2),
    _Row("litert", "1.4.0", "aarch64", range(10, 13), 17, _NUMPY_2_OLD_GLIBC),
    _Row("litert", "1.4.0", "x86_64", range(10, 13), 17, _NUMPY_2_OLD_GLIBC),
    _Row("tflite", "2.14.0", "aarch64", range(9, 12), 34, _NUMPY_1),
    _Row("tflite", "2.14.0", "x86_64", range(9, 12), 29, _NUMPY_1),
    _Row("tflite", "2.14.0", "armv7l", range(9, 12), 34, _FROM_DISTRIBUTION),
    _Row("tflite", "2.13.0", "aarch64", range(8, 11), 17, _NUMPY_1),
    _Row("tflite", "2.13.0", "x86_64", range(8, 11), 17, _NUMPY_1),
    _Row("tflite", "2.13.0", "armv7l", range(8, 11), 17, _FROM_DISTRIBUTION),
)
"""In order of preference: the first that loads is taken."""


def published_requirements() -> tuple[str, ...]:
    """Every version in the table, pinned, sorted."""
    return tuple(
        sorted(
            {f"{DISTRIBUTIONS[row.package]}=={row.version}" for row in _TABLE}
            | {f"numpy=={version}" for row in _TABLE for version in row.numpy.values()}
        )
    )


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
    offered = [row for row in offered if row.version == pinned] or offered  # what is known of a version holds for it
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
    if any(_python(python)[1] in row.minors for row in offered):
        remedy = "put a system with such a glibc on the board, or take another version"
    else:
        remedy = "put such a Python on the board and name it as connection.python"
    return f"{board}: no runtime fits: {needs}; {remedy}"


def fetch_wheels(wheels: WheelSet, cache_dir: Path, folder: Path | None = None) -> Path:
    """The archive with ``site/`` for a set of wheels, from the cache or made anew by pip.

    ``folder`` holds the wheels, and no index is asked. No code of the wheels runs here.
    Raises BoardUnfitError if pip cannot get them, or one has another hash than the published file.
    """
    archive = archive_path(wheels, cache_dir)
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".making-") as making:
        site = Path(making) / "site"
        _download(wheels, site, folder)
        packed = Path(making) / archive.name
        pack_site(site, packed)
        packed.replace(archive)
    return archive


def archive_path(wheels: WheelSet, cache_dir: Path) -> Path:
    """Where the host's cache keeps the archive of exactly these wheels."""
    key = hashlib.sha256(repr(astuple(wheels)).encode()).hexdigest()[:16]
    return cache_dir / "wheels" / f"{wheels.env}-{wheels.arch}-{key}" / "site.tar.gz"


def pack_site(site: Path, archive: Path) -> None:
    """A gzipped tar of the folder as ``site/``; the bytes depend on names and contents alone."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=_COMPRESSION, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        tar.addfile(_plain(tarfile.TarInfo("site"), tarfile.DIRTYPE))
        for path in sorted(site.rglob("*")):
            relative = path.relative_to(site)
            if path.is_file() and not _UNNEEDED & set(relative.parts[:-1]):
                _add(tar, path, f"site/{relative.as_posix()}")


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    member = _plain(tarfile.TarInfo(name), tarfile.REGTYPE)
    member.size = path.stat().st_size
    with path.open("rb") as content:
        tar.addfile(member, content)


def _plain(member: tarfile.TarInfo, kind: bytes) -> tarfile.TarInfo:
    """No times, owners or modes of this machine."""
    member.type = kind
    member.mode = 0o755
    return member


def _download(wheels: WheelSet, site: Path, folder: Path | None) -> None:
    pinned = site.with_name("requirements.txt")
    pinned.write_text("\n".join(_with_hashes(wheels)), encoding="utf-8")
    words = [*_pip_words(wheels, site), "--requirement", str(pinned), *_source_words(folder)]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0:
        return
    shutil.rmtree(site, ignore_errors=True)
    wrong = _wrong_hash(done.stderr)
    if wrong is not None:
        raise BoardUnfitError(f"{wrong}: it is not put on a board; see where it came from")
    remedy = "this machine needs a package index that pip can reach" if folder is None else f"put them into {folder}"
    raise BoardUnfitError(f"{wheels} could not be fetched: {_last_words(done.stderr)}; {remedy}")


def _with_hashes(wheels: WheelSet) -> list[str]:
    """Lines for pip; it wants hashes of all or of none."""
    known = _known_hashes()
    lines = [known.get(requirement, "") for requirement in wheels.requirements]
    return lines if all(lines) else list(wheels.requirements)


def _known_hashes() -> dict[str, str]:
    """What wheel_hashes.txt has, a line for pip by pinned requirement."""
    joined = WHEEL_HASHES.read_text(encoding="utf-8").replace("\\\n", " ")
    return {line.split()[0]: line for line in joined.splitlines() if "==" in line}


def _pip_words(wheels: WheelSet, site: Path) -> Sequence[str]:
    platforms = (word for tag in wheels.platforms for word in ("--platform", tag))
    return (
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--no-deps", "--no-compile", "--only-binary=:all:", "--target", str(site), *platforms),
        *("--python-version", f"{wheels.python[0]}.{wheels.python[1]}"),
        *("--implementation", "cp", "--abi", wheels.abi),
    )


def _source_words(folder: Path | None) -> Sequence[str]:
    return () if folder is None else ("--no-index", "--find-links", str(folder))


def _wrong_hash(stderr: str) -> str | None:
    """What pip says of a file whose hash is another, in one line; None where it failed for another reason."""
    found = re.search(r"^\s*(\S+==\S+).*:\s*\n(?:\s*(?:Expected|or).*\n)+\s*Got\s+(\w{64})", stderr, re.MULTILINE)
    return f"{found[1]} has sha256 {found[2]}, which no published file of it has" if found else None


def _last_words(stderr: str) -> str:
    """Pip's first error, or its last line of any kind."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines[-1:] or ["pip said nothing"])[0][:300]
