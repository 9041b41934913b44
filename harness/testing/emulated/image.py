"""An emulated board's image, made once and kept in the cache under a key of what makes it."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.records.cache_dir import writable_cache
from harness.records.errors import UsageError
from harness.testing.emulated.boot_files import make_boot_files
from harness.testing.emulated.debian import BoardKeys, apt_mirror, download_packages, make_disk, make_root

RELEASES: Final = ("bookworm", "bullseye", "trixie")
"""Debian's releases that are offered: glibc 2.36 with Python 3.11, 2.31 with 3.9, 2.41 with 3.13."""
_PROGRAMS: Final = {
    "debootstrap": "debootstrap",
    "dpkg-deb": "dpkg",
    "mke2fs": "e2fsprogs",
    "ssh-keygen": "openssh-client",
    "tar": "tar",
}
"""What building an image runs, and the package it is of."""
_KEPT_S: Final = 30 * 24 * 3600.0
_SOURCES: Final = ("boot_files.py", "debian.py", "image.py")


@dataclass(frozen=True)
class Image:
    """Files of one folder: what QEMU starts, and the keys by which board and host know each other."""

    folder: Path

    @property
    def kernel(self) -> Path:
        """Debian's kernel."""
        return self.folder / "kernel"

    @property
    def initrd(self) -> Path:
        """The first file system, which loads drivers."""
        return self.folder / "initrd"

    @property
    def disk(self) -> Path:
        """The board's disk, an ext4 file system. A board writes to a copy of its own that goes with it."""
        return self.folder / "disk"

    @property
    def keys(self) -> BoardKeys:
        """The key that may log in, and the board's own."""
        return BoardKeys(login=self.folder / "login", host=self.folder / "host")


def find_programs(programs: dict[str, str]) -> None:
    """UsageError that names every package to install for these programs."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    lacking = sorted({package for program, package in programs.items() if shutil.which(program, path=path) is None})
    if lacking:
        raise UsageError(f"an emulated board needs {', '.join(lacking)}: run `apt-get install {' '.join(lacking)}`")


def build_image(
    release: str = "bookworm",
    *,
    mirror: str | None = None,
    cache_dir: Path | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> Image:
    """The image of a Debian release, out of the cache or made anew; ``say`` hears what takes time.

    ``mirror`` is where Debian's packages come from; None: where this machine's own apt has them from.
    Raises UsageError for an unknown release or where a program is missing, BoardUnavailableError where a step fails.
    """
    from filelock import FileLock

    if release not in RELEASES:
        raise UsageError(f"release {release}: expected one of {', '.join(RELEASES)}")
    folder = writable_cache(cache_dir) / "emulated" / f"{release}-{_key()}"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            as_root = {} if os.geteuid() == 0 else {"fakeroot": "fakeroot"}
            find_programs(_PROGRAMS | as_root)
            with tempfile.TemporaryDirectory(prefix="making-", dir=folder.parent) as scratch:
                _make(release, mirror or apt_mirror(), Path(scratch), say)
                (Path(scratch) / "image").rename(folder)
            _remove_old(folder.parent)
        os.utime(folder)
    return Image(folder)


def _remove_old(parent: Path) -> None:
    """Remove images that nobody has booted for a month, and what a killed process left of one."""
    for path in parent.glob("*-*"):
        if path.is_dir() and time.time() - path.stat().st_mtime > _KEPT_S:
            shutil.rmtree(path, ignore_errors=True)


def _key() -> str:
    """Of what makes an image: these sources. Debian's packages are those of the day."""
    sources = (Path(__file__).with_name(name).read_bytes() for name in _SOURCES)
    return hashlib.sha256(b"\0".join(sources)).hexdigest()[:16]


def _make(release: str, mirror: str, scratch: Path, say: Callable[[str], None]) -> None:
    image = Image(scratch / "image")
    image.folder.mkdir(mode=0o700)
    for key in (image.keys.login, image.keys.host):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "emulated", "-f", str(key)], check=True)
    say(f"downloading Debian {release} for aarch64")
    packages = download_packages(release, mirror, scratch / "packages")
    say(f"unpacking {len(packages)} packages")
    root = scratch / "root"
    make_root(packages, root, image.keys)
    make_boot_files(packages, root, scratch / "kernel", kernel=image.kernel, initrd=image.initrd)
    say("making the file system")
    make_disk(root, image.disk)
