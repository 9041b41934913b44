"""What QEMU starts an emulated board with: Debian's kernel, and a first file system that loads the drivers."""

import gzip
import lzma
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from harness.records.errors import BoardUnavailableError
from harness.testing.emulated.debian import KERNEL, unpack

_DRIVERS: Final = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "ext4")
_UNPACKERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {".xz": lzma.decompress, ".gz": gzip.decompress}
_NAME: Final = re.compile(r"(.+?)\.ko(?:\.xz|\.gz)?")
_DEPENDS: Final = re.compile(rb"\0depends=([^\0]*)\0")
_INIT: Final = """\
#!/bin/busybox sh
for driver in {drivers}; do /bin/busybox insmod /drivers/$driver.ko; done
/bin/busybox mount -t devtmpfs devtmpfs /dev
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /root || exec /bin/busybox sh
/bin/busybox mount -o move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
"""


def make_boot_files(packages: list[Path], root: Path, scratch: Path, *, kernel: Path, initrd: Path) -> None:
    """``kernel`` and ``initrd`` out of the kernel's package and the BusyBox below ``root``."""
    package = next((one for one in packages if re.match(r"linux-image-\d[^_]*_", one.name)), None)
    if package is None:
        raise BoardUnavailableError(f"{KERNEL} brought no kernel")
    unpack(package, scratch, left_out=("./usr/share/*",))
    image = next(scratch.glob("boot/vmlinuz-*"))
    shutil.copy(image, kernel)
    found = {
        match[1].replace("-", "_"): path for path in scratch.rglob("*.ko*") if (match := _NAME.fullmatch(path.name))
    }
    drivers = dict(_in_order(found))
    members = {
        "init": (_INIT.format(drivers=" ".join(drivers)).encode(), 0o100755),
        **dict.fromkeys(("bin", "dev", "drivers", "root"), (b"", 0o040755)),
        "bin/busybox": ((root / "bin/busybox").read_bytes(), 0o100755),
        **{f"drivers/{name}.ko": (content, 0o100644) for name, content in drivers.items()},
    }
    initrd.write_bytes(gzip.compress(cpio(members), compresslevel=1, mtime=0))


def _in_order(found: Mapping[str, Path]) -> Iterator[tuple[str, bytes]]:
    """The drivers, each after those it depends on; one that is built into the kernel has no file."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[tuple[str, bytes]]:
        if name in done or name not in found:
            return
        done.add(name)
        path = found[name]
        content = _UNPACKERS.get(path.suffix, bytes)(path.read_bytes())
        told = _DEPENDS.search(content)
        for other in told[1].decode().split(",") if told else []:
            yield from visit(other.replace("-", "_"))
        yield name, content

    for driver in _DRIVERS:
        yield from visit(driver)


def cpio(members: Mapping[str, tuple[bytes, int]]) -> bytes:
    """An archive of the kernel's format "newc" of contents and modes by name, all of it root's.

    The format: Documentation/driver-api/early-userspace/buffer-format.rst of the Linux kernel.
    """
    parts = [_member(number, *member) for number, member in enumerate(members.items(), start=1)]
    return b"".join([*parts, _member(0, "TRAILER!!!", (b"", 0))])


def _member(number: int, name: str, member: tuple[bytes, int]) -> bytes:
    content, mode = member
    encoded = name.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
