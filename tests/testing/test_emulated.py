"""What an emulated board is made of, without booting one: packages, drivers in their order, accounts, options."""

import gzip
import os
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.needs import need, need_root

from harness.records.errors import BoardUnavailableError, UsageError
from harness.testing.emulated import EmulatedBoard, build_image, stop_board
from harness.testing.emulated.boot_files import cpio, make_boot_files
from harness.testing.emulated.debian import BoardKeys, apt_mirror, make_disk, make_root, unpack
from harness.testing.emulated.image import find_programs

MASTERS = {
    "usr/share/base-passwd/passwd.master": "root:*:0:0:root:/root:/bin/bash\n",
    "usr/share/base-passwd/group.master": "root:*:0:\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., Path]:
    """Makes a .deb of files by name."""
    need("dpkg-deb")

    def make(name: str, files: dict[str, bytes]) -> Path:
        tree = tmp_path / "tree" / name
        control = f"Package: {name}\nVersion: 1\nArchitecture: arm64\nMaintainer: nobody\nDescription: x\n"
        for relative, content in {"DEBIAN/control": control.encode(), **files}.items():
            path = tree / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        target = tmp_path / f"{name}_1_arm64.deb"
        subprocess.run(["dpkg-deb", "--build", "-Znone", tree, target], check=True, capture_output=True)
        return target

    return make


@pytest.fixture
def keys(tmp_path: Path) -> BoardKeys:
    for name in ("login", "host"):
        (tmp_path / name).write_text(f"private {name}", encoding="utf-8")
        (tmp_path / f"{name}.pub").write_text(f"public {name}", encoding="utf-8")
    return BoardKeys(login=tmp_path / "login", host=tmp_path / "host")


def driver(*depends: str) -> bytes:
    """What of a module the kernel's loader reads first."""
    return b"\x7fELF\0license=GPL\0depends=" + ",".join(depends).encode() + b"\0name=x\0"


def test_the_mirror_is_the_one_of_the_machine_s_own_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = tmp_path / "apt-get"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    apt.write_text("#!/bin/sh\necho http://mirror.test/updates main\necho http://mirror.test/debian/ main\n")
    apt.chmod(0o755)
    assert apt_mirror() == "http://mirror.test/debian/"
    apt.write_text("#!/bin/sh\necho http://mirror.test/ubuntu/ main\n")
    with pytest.raises(UsageError, match="no source of Debian's packages: name one by --mirror"):
        apt_mirror()


def test_a_root_has_one_account_its_keys_and_links_where_debian_has_them(
    tmp_path: Path, package: Callable[..., Path], keys: BoardKeys
) -> None:
    files = {name: text.encode() for name, text in MASTERS.items()}
    packages = [
        package("base-passwd", files),
        package("busybox", {"bin/busybox": b"it", "usr/share/doc/busybox/copyright": b"long"}),
    ]
    root = tmp_path / "root"
    make_root(packages, root, keys)
    assert (root / "bin").readlink() == Path("usr/bin")
    assert (root / "usr/bin/busybox").read_bytes() == b"it"
    assert not (root / "usr/share/doc/busybox/copyright").exists()
    assert (root / "etc/passwd").read_text().splitlines() == [
        "root:*:0:0:root:/root:/bin/bash",
        "sshd:*:100:65534::/run/sshd:/usr/sbin/nologin",
        "debian:*:1000:1000::/home/debian:/bin/bash",
    ]
    assert (root / "home/debian/.ssh/authorized_keys").read_text() == "public login"
    assert (root / "etc/ssh/ssh_host_ed25519_key").read_text() == "private host"
    assert (root / "sbin/init").readlink() == Path("/bin/busybox")
    assert stat.S_IMODE((root / "etc/board-start").stat().st_mode) == 0o755


def test_drivers_are_loaded_after_what_they_depend_on_and_no_others(
    tmp_path: Path, package: Callable[..., Path]
) -> None:
    modules = {
        "virtio-ring": driver("virtio"),
        "virtio": driver(),
        "virtio_blk": driver("virtio", "virtio_ring"),
        "virtio_net": driver("net_failover", "virtio-ring"),
        "net_failover": driver(),
        "snd": driver(),
    }
    files = {f"lib/modules/6.1/kernel/{name}.ko": content for name, content in modules.items()}
    kernel = package("linux-image-6.1.0", {"boot/vmlinuz-6.1": b"kernel", **files})
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin/busybox").write_bytes(b"it")
    boot = {"kernel": tmp_path / "kernel", "initrd": tmp_path / "initrd"}
    make_boot_files([kernel], root, tmp_path / "scratch", **boot)
    assert boot["kernel"].read_bytes() == b"kernel"
    text = gzip.decompress(boot["initrd"].read_bytes()).decode("latin-1")
    assert "for driver in virtio virtio_ring virtio_blk net_failover virtio_net; do" in text
    assert "drivers/virtio_blk.ko" in text and "snd.ko" not in text
    with pytest.raises(BoardUnavailableError, match="linux-image-cloud-arm64 brought no kernel"):
        make_boot_files([], root, tmp_path / "scratch", **boot)


def test_an_archive_is_what_the_kernel_s_format_asks_for() -> None:
    archive = cpio({"init": (b"abc", 0o100755)})
    assert len(archive) % 4 == 0
    head, rest = archive[:110], archive[110:]
    assert head[:6] == b"070701"
    fields = [int(head[at : at + 8], 16) for at in range(6, 110, 8)]
    assert (fields[1], fields[2:4], fields[6], fields[11]) == (0o100755, [0, 0], 3, 5)
    assert rest.startswith(b"init\0\0abc\0" + b"070701")
    assert b"TRAILER!!!\0" in archive


def test_a_damaged_package_is_one_line(tmp_path: Path) -> None:
    need("dpkg-deb")
    broken = tmp_path / "broken_1_arm64.deb"
    broken.write_bytes(b"no archive")
    with pytest.raises(BoardUnavailableError, match=r"unpacking broken_1_arm64.deb: (tar|dpkg-deb) ended with"):
        unpack(broken, tmp_path / "root")


def test_the_disk_holds_the_tree_as_root_s_and_the_home_as_the_account_s(tmp_path: Path) -> None:
    need_root()
    tree, disk = tmp_path / "tree's", tmp_path / "disk"
    (tree / "home/debian").mkdir(parents=True)
    (tree / "etc").mkdir()
    make_disk(tree, disk)
    for path, owner in (("/etc", 0), ("/home/debian", 1000)):
        told = subprocess.run(["/sbin/debugfs", "-R", f"stat {path}", disk], capture_output=True, text=True, check=True)
        assert f"User: {owner:>5}" in told.stdout


def test_programs_that_are_missing_are_named_with_the_command_that_installs_them() -> None:
    find_programs({"sh": "dash"})
    with pytest.raises(
        UsageError, match="needs qemu-nowhere, xz-nowhere: run `apt-get install qemu-nowhere xz-nowhere`"
    ):
        find_programs({"sh": "dash", "no-such-xz": "xz-nowhere", "no-such-qemu": "qemu-nowhere"})


def test_a_release_that_is_not_offered_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="release sid: expected one of bookworm, bullseye, trixie"):
        build_image("sid", cache_dir=tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"memory": "64 MB"}, 'memory "64 MB": Debian needs at least 256 MB'),
        ({"memory": "plenty"}, 'memory "plenty": '),
        ({"name": "../x"}, "'../x' cannot be an emulated board's name"),
        ({"name": ""}, "'' cannot be an emulated board's name"),
    ],
)
def test_options_are_checked_before_anything_is_built(changes: dict[str, str], said: str, tmp_path: Path) -> None:
    need("qemu")
    with pytest.raises(UsageError) as refused:
        EmulatedBoard(cache_dir=tmp_path, **changes).start()
    assert str(refused.value).startswith(said)
    assert not list(tmp_path.glob("emulated/*-*"))


def test_a_board_that_runs_is_found_by_its_monitor_however_long_its_folder_s_path(tmp_path: Path) -> None:
    cache = tmp_path / ("long" * 30)
    assert stop_board("none", cache_dir=cache) is False
    folder = cache / "emulated/boards/mine"
    folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as monitor:
        opened = os.open(folder, os.O_RDONLY)
        monitor.bind(f"/proc/self/fd/{opened}/monitor")
        os.close(opened)
    assert stop_board("mine", cache_dir=cache) is False


def test_an_image_that_is_there_is_taken_and_its_use_is_noted(tmp_path: Path) -> None:
    need("debootstrap")
    with pytest.raises(BoardUnavailableError, match="downloading packages: debootstrap ended with"):
        build_image("bookworm", mirror="file:///nowhere", cache_dir=tmp_path)
    assert [path.name.partition("-")[0] for path in (tmp_path / "emulated").iterdir()] == ["bookworm"]
    (lock,) = (tmp_path / "emulated").iterdir()
    folder = lock.with_suffix("")
    folder.mkdir()
    os.utime(folder, (0, 0))
    assert build_image("bookworm", mirror="file:///nowhere", cache_dir=tmp_path).folder == folder
    assert folder.stat().st_mtime > 0
