"""Wheels for another machine, fetched on this one and packed into one archive, the same bytes each time."""

import gzip
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from harness.board.provision_wheels import WheelSet
from harness.records.errors import BoardUnfitError

_UNNEEDED = {"tests", "__pycache__", "bin"}
"""Folders of a wheel that no model needs: a quarter of numpy is its tests."""
_COMPRESSION = 4


def fetch(wheels: WheelSet, cache_dir: Path) -> Path:
    """The archive with ``site/`` for a set of wheels, from the cache or made anew by pip.

    No code of the wheels runs here. Raises BoardUnfitError if pip cannot get them.
    """
    archive = archive_path(wheels, cache_dir)
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".making-") as making:
        site = Path(making) / "site"
        _install(wheels, site)
        packed = Path(making) / archive.name
        pack(site, packed)
        packed.replace(archive)
    return archive


def archive_path(wheels: WheelSet, cache_dir: Path) -> Path:
    """Where the host's cache keeps the archive of exactly these wheels."""
    key = hashlib.sha256(repr(astuple(wheels)).encode()).hexdigest()[:16]
    return cache_dir / "wheels" / f"{wheels.env}-{wheels.arch}-{key}" / "site.tar.gz"


def pack(site: Path, archive: Path) -> None:
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


def _install(wheels: WheelSet, site: Path) -> None:
    done = subprocess.run(_pip_words(wheels, site), capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        shutil.rmtree(site, ignore_errors=True)
        raise BoardUnfitError(
            f"{wheels} could not be downloaded: {_last_words(done.stderr)}; "
            "this machine needs a package index that pip can reach"
        )


def _pip_words(wheels: WheelSet, site: Path) -> Sequence[str]:
    platforms = (word for tag in wheels.platforms for word in ("--platform", tag))
    return (
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--no-deps", "--no-compile", "--only-binary=:all:", "--target", str(site), *platforms),
        *("--python-version", f"{wheels.python[0]}.{wheels.python[1]}"),
        *("--implementation", "cp", "--abi", wheels.abi, *wheels.requirements),
    )


def _last_words(stderr: str) -> str:
    """Pip's first error, or its last line of any kind."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines[-1:] or ["pip said nothing"])[0][:300]
