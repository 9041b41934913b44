"""The medium that a folder lies on, how fast it is read, and how a file's pages are put out of memory."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import subprocess
import time
from pathlib import Path
from typing import List, NamedTuple, Optional

from edge_agent.sysfs import SUDO, Root, read_text

READ_BYTES = 8 << 20
"""Of the file that is read to tell a medium's rate: some tenths of a second of a slow card."""
_CHUNK = 1 << 18
_NO_MEDIUM = {"tmpfs": "memory (tmpfs)", "ramfs": "memory (ramfs)", "nfs": "network (NFS)", "nfs4": "network (NFS)"}
_DROP_CACHES = "proc/sys/vm/drop_caches"
_DROPPING = ("/sbin/sysctl", "-w", "vm.drop_caches=3")
_DROPPING_S = 30.0
_BY_ADVICE, _BY_DROPPING = "posix_fadvise", "drop_caches"


class NotColdError(Exception):
    """Why a file's pages are in memory still, in one line."""


def disk_kind(disk: Path) -> str:
    """The kind of a disk by its folder in /sys/block."""
    if disk.name.startswith("mmcblk"):
        return "microSD" if read_text(disk / "device" / "type") == "SD" else "eMMC"
    if disk.name.startswith("nvme"):
        return "NVMe"
    return "hard disk" if read_text(disk / "queue" / "rotational") == "1" else "SSD"


def medium_of(root: Root, folder: Path) -> Optional[str]:
    """The kind of disk that a folder lies on, "virtio disk" among them; None where the kernel does not tell."""
    mount = _mount_of(root, folder)
    if mount is None:
        return None
    if mount.kind in _NO_MEDIUM:
        return _NO_MEDIUM[mount.kind]
    disk = _disk(root, mount)
    if disk is None:
        return None
    return "virtio disk" if disk.name.startswith("vd") else disk_kind(disk)


class _Mount(NamedTuple):
    device: str
    kind: str
    source: str


def _mount_of(root: Root, folder: Path) -> Optional[_Mount]:
    """The file system a folder lies on: the mount with its device's number, or else the longest path above it."""
    try:
        number = folder.stat().st_dev
    except OSError:
        return None
    device = "%d:%d" % (os.major(number), os.minor(number))
    for line in (root.read("proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        words, told = before.split(), after.split()
        if len(words) > 4 and len(told) > 1 and words[2] == device:
            return _Mount(device, told[0], told[1])
    return None


def _disk(root: Root, mount: _Mount) -> Optional[Path]:
    """The folder of the disk in /sys/block; of a mapped device that of the first disk below it."""
    names = [Path(mount.source).name]
    with contextlib.suppress(OSError):
        names.insert(0, root.at("sys/dev/block/" + mount.device).resolve().name)
    for name in names:
        for disk in root.glob("sys/block/*"):
            if name and (disk.name == name or (disk / name).is_dir()):
                below = sorted((disk / "slaves").glob("*"))
                return _whole_disk(root, below[0].name) if below else disk
    return None


def _whole_disk(root: Root, name: str) -> Optional[Path]:
    return next((disk for disk in root.glob("sys/block/*") if disk.name == name or (disk / name).is_dir()), None)


def put_out(root: Root, path: Path) -> str:
    """Put a file's pages out of memory, checked page by page; by what means. Raises NotColdError."""
    try:
        fd = os.open(str(path), os.O_RDONLY)
    except OSError as error:
        raise NotColdError("the file cannot be opened: %s" % (error.strerror or "").lower()) from error
    try:
        # Only pages that are written out can go.
        with contextlib.suppress(OSError):
            os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        if not resident_pages(fd):
            return _BY_ADVICE
        drop_caches(root)
        left = resident_pages(fd)
        if not left:
            return _BY_DROPPING
    except OSError as error:
        raise NotColdError("the kernel refuses it: %s" % (error.strerror or "").lower()) from error
    finally:
        os.close(fd)
    raise NotColdError("%d pages of the file stay in memory, by posix_fadvise as by drop_caches" % left)


def may_drop_caches(root: Root) -> bool:
    """Whether this account may have the kernel forget what it keeps of files; nothing is dropped."""
    return os.access(str(root.at(_DROP_CACHES)), os.W_OK) or (root.real and _runs([*SUDO, "-l", *_DROPPING]))


def drop_caches(root: Root) -> bool:
    """Have the kernel forget what it keeps of files; whether it did."""
    os.sync()
    try:
        with root.at(_DROP_CACHES).open("r+") as file:
            file.write("3")
    except OSError:
        return root.real and _runs([*SUDO, *_DROPPING])
    return True


def _runs(words: List[str]) -> bool:
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_DROPPING_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def resident_pages(fd: int) -> int:
    """How many pages of an open file are in memory, by mincore. Raises OSError."""
    size = os.fstat(fd).st_size
    if not size:
        return 0
    library = ctypes.CDLL(None, use_errno=True)
    count = -(-size // mmap.PAGESIZE)
    told = (ctypes.c_ubyte * count)()
    library.mmap.restype = ctypes.c_void_p
    number = ctypes.c_int
    library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, number, number, number, ctypes.c_long]
    at = library.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
    if at in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    try:
        if library.mincore(ctypes.c_void_p(at), ctypes.c_size_t(size), told):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        library.munmap(ctypes.c_void_p(at), ctypes.c_size_t(size))
    return sum(page & 1 for page in told)


def read_through(path: Path) -> float:
    """Read a file from its begin to its end; seconds."""
    fd = os.open(str(path), os.O_RDONLY)
    try:
        begun = time.perf_counter()
        while os.read(fd, _CHUNK):
            pass
        return time.perf_counter() - begun
    finally:
        os.close(fd)


def make_probe(path: Path) -> None:
    """A file of bytes that no file system can pack, where there is none yet. Raises OSError."""
    if path.is_file() and path.stat().st_size == READ_BYTES:
        os.utime(str(path))
        return
    making = path.with_name("%s.%d" % (path.name, os.getpid()))
    try:
        with making.open("wb") as file:
            for _ in range(READ_BYTES // _CHUNK):
                file.write(os.urandom(_CHUNK))
            file.flush()
            os.fsync(file.fileno())
        making.replace(path)
    finally:
        with contextlib.suppress(OSError):
            making.unlink()
