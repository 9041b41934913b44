"""The root file system of an emulated board: Debian packages unpacked, without running a program of theirs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.records.errors import BoardUnavailableError, UsageError

USER: Final = "debian"
"""The board's account, which may do nothing that a plain user may not."""
KERNEL: Final = "linux-image-cloud-arm64"
PACKAGES: Final = ("python3", "openssh-server", "busybox-static", KERNEL)
"""What is unpacked beside Debian's required packages. BusyBox is the first process and loads the drivers."""
_UID: Final = 1000
_DISK: Final = "2G"
"""Of which little is used: the file is sparse."""
_LEFT_OUT: Final = ("./usr/share/doc/*", "./usr/share/man/*", "./usr/share/locale/*", "./lib/modules/*", "./boot/*")

_INITTAB: Final = """\
::sysinit:/etc/board-start
::respawn:/usr/sbin/sshd -D -e
"""
_START: Final = """\
#!/bin/sh
# What an emulated board does when it starts: no service but sshd.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /dev/pts /dev/shm
busybox mount -t devpts devpts /dev/pts
for folder in /dev/shm /run /tmp; do busybox mount -t tmpfs -o mode=1777 tmpfs $folder; done
mkdir -p -m 755 /run/sshd
for word in $(cat /proc/cmdline); do case $word in clock=*) busybox date -s "@${word#clock=}" ;; esac; done
busybox hostname -F /etc/hostname
busybox ip link set lo up
busybox ip address add 10.0.2.15/24 dev eth0
busybox ip link set eth0 up
"""
_SSHD: Final = f"""\
HostKey /etc/ssh/ssh_host_ed25519_key
AllowUsers {USER}
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
Subsystem sftp /usr/lib/openssh/sftp-server
"""


@dataclass(frozen=True)
class BoardKeys:
    """Who may log in, and how the host knows the board: files of `ssh-keygen`, each with its .pub beside it."""

    login: Path
    host: Path


def apt_mirror() -> str:
    """Where this machine's own apt has Debian's packages from. UsageError where that is nowhere."""
    listing = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)", "Created-By: Packages"]
    said = (
        subprocess.run(listing, check=False, capture_output=True, text=True).stdout if shutil.which("apt-get") else ""
    )
    found = (line.split()[0] for line in said.splitlines() if line.endswith(" main"))
    mirror = next((address for address in found if address.rstrip("/").endswith("/debian")), None)
    if mirror is None:
        raise UsageError(
            "this machine's apt has no source of Debian's packages: name one by --mirror, as its sources.list would"
        )
    return mirror


def download_packages(release: str, mirror: str, folder: Path) -> list[Path]:
    """The .deb files of a release for aarch64, checked by debootstrap against Debian's signature; sorted by name."""
    command = ["debootstrap", "--download-only", "--force-check-gpg", "--arch=arm64", "--variant=minbase"]
    _run([*command, f"--include={','.join(PACKAGES)}", release, str(folder), mirror], what="downloading packages")
    return sorted(folder.glob("var/cache/apt/archives/*.deb"))


def unpack(package: Path, folder: Path, *, left_out: Sequence[str] = ()) -> None:
    """The files of a .deb below ``folder``, whose links to folders stay links."""
    folder.mkdir(exist_ok=True)
    excluded = [f"--exclude={pattern}" for pattern in left_out]
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    reading = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with reading:
        extract = ["tar", "--extract", "--keep-directory-symlink", "--no-same-owner", *excluded]
        _run([*extract, f"--directory={folder}"], what=f"unpacking {package.name}", stdin=reading)
    if reading.returncode:
        raise BoardUnavailableError(f"unpacking {package.name}: dpkg-deb ended with {reading.returncode}")


def make_root(packages: Sequence[Path], folder: Path, keys: BoardKeys) -> None:
    """The whole file system below ``folder``, with one account and an sshd that knows its key."""
    for name in ("bin", "sbin", "lib"):
        (folder / "usr" / name).mkdir(parents=True)
        (folder / name).symlink_to(f"usr/{name}")
    for package in packages:
        unpack(package, folder, left_out=_LEFT_OUT)
    _compile_library(folder)
    _add_accounts(folder)
    ssh = folder / "etc/ssh"
    _write(ssh / "sshd_config", _SSHD)
    shutil.copy(keys.host, ssh / "ssh_host_ed25519_key")
    login = folder / "home" / USER / ".ssh"
    login.mkdir(parents=True, mode=0o700)
    shutil.copy(keys.login.with_suffix(".pub"), login / "authorized_keys")
    _write(folder / "etc/hostname", "emulated\n")
    _write(folder / "etc/hosts", "127.0.0.1 localhost emulated\n")
    _write(folder / "etc/inittab", _INITTAB)
    _write(folder / "etc/board-start", _START)
    (folder / "etc/board-start").chmod(0o755)
    for name in ("proc", "sys", "dev", "run", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    init = folder / "sbin/init"
    init.unlink(missing_ok=True)
    init.symlink_to("/bin/busybox")


def make_disk(folder: Path, disk: Path) -> None:
    """An ext4 file system of ``folder``, whose files are root's and those of the home folder the account's.

    Whoever is not root needs fakeroot for that.
    """
    home = folder / "home" / USER
    owners = f"chown -R 0:0 {_quoted(folder)} && chown -R {_UID}:{_UID} {_quoted(home)}"
    making = f"mke2fs -q -F -t ext4 -d {_quoted(folder)} {_quoted(disk)} {_DISK}"
    as_root = [] if os.geteuid() == 0 else ["fakeroot"]
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    _run([*as_root, "sh", "-c", f"{owners} && {making}"], what="making the file system", env=environment)


def _compile_library(folder: Path) -> None:
    """Python's own modules compiled, as Debian does when it installs them: each process starts in a third of the time.

    Bytecode is the same on every machine, but of one Python: where this one is another, the board does without.
    """
    library = folder / "usr/lib/python{}.{}".format(*sys.version_info)
    if library.is_dir():
        compiling = [sys.executable, "-m", "compileall", "-qq", "-j0", "--invalidation-mode", "unchecked-hash"]
        _run([*compiling, "-s", str(folder), "-p", "/", str(library)], what="compiling Python's modules")


def _add_accounts(folder: Path) -> None:
    """What base-passwd, openssh-server and an installer would add."""
    masters = folder / "usr/share/base-passwd"
    users, groups = ((masters / f"{name}.master").read_text() for name in ("passwd", "group"))
    users += "sshd:*:100:65534::/run/sshd:/usr/sbin/nologin\n"
    _write(folder / "etc/passwd", f"{users}{USER}:*:{_UID}:{_UID}::/home/{USER}:/bin/bash\n")
    _write(folder / "etc/group", f"{groups}{USER}:x:{_UID}:\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def _run(
    command: Sequence[str],
    *,
    what: str,
    stdin: "subprocess.Popen[bytes] | None" = None,
    env: dict[str, str] | None = None,
) -> None:
    done = subprocess.run(
        command, check=False, stdin=stdin.stdout if stdin else subprocess.DEVNULL, capture_output=True, env=env
    )
    if done.returncode:
        said = " / ".join((done.stderr or done.stdout).decode(errors="replace").strip().splitlines()[-2:])
        raise BoardUnavailableError(f"{what}: {command[0]} ended with {done.returncode}: {said or 'it said nothing'}")
