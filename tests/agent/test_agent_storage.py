"""Cold and warm loads: a file's pages put out of memory and seen to be, the medium of the store, and its rate."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from agent.agent_conversation import Steward, put, run, trial
from edge_agent import storage
from edge_agent.sysfs import Root

from harness.measure.trial_summary import trial_metrics
from harness.records.board import Trial

Start = Callable[..., Steward]

WEIGHTS = "models/support_mobilenet_v1_0.25_224_fp32.tflite"
SHM = Path("/dev/shm")


@pytest.fixture
def loads(steward: Start) -> tuple[Trial, Trial]:
    """A cold load and a warm one."""
    one = steward()
    sha256 = put(one, WEIGHTS)
    cold, warm = run(one, [trial(sha256, index=at, kind="load", cold=at == 0) for at in range(2)])
    return cold, warm


def test_a_cold_load_and_a_warm_one_are_each_timed_to_the_first_inference(loads: tuple[Trial, Trial]) -> None:
    for each, cold in zip(loads, (True, False), strict=True):
        assert each.died is None
        assert each.load
        assert (each.load.cold, each.load.not_cold) == (cold, None)
        assert each.load.load_s
        assert each.init_s
        assert each.first_inference_s
        assert each.load.load_s >= each.init_s + each.first_inference_s
    cold_load, warm_load = (each.load for each in loads)
    assert cold_load
    assert warm_load
    assert cold_load.by in ("posix_fadvise", "drop_caches")
    assert (warm_load.by, warm_load.read_s) == (None, None)
    assert cold_load.read_bytes == storage.READ_BYTES
    metrics = [trial_metrics(each, None) for each in loads]
    assert [sorted(each.values) for each in metrics if each] == [["cold_load", "storage_read"], ["warm_load"]]


def test_a_files_pages_are_seen_to_go_and_to_come(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(1_000_000))
    pages = -(-1_000_000 // os.sysconf("SC_PAGE_SIZE"))
    with path.open("rb") as file:
        assert storage.resident_pages(file.fileno()) == pages
        storage.put_out(Root("/"), path)
        assert storage.resident_pages(file.fileno()) == 0
        assert storage.read_through(path) > 0.0
        assert storage.resident_pages(file.fileno()) == pages


def test_what_stays_in_memory_is_not_cold(tmp_path: Path) -> None:
    path = SHM / f"edge-harness-test-{os.getpid()}"
    path.write_bytes(b"x" * 100_000)
    try:
        with pytest.raises(storage.NotColdError, match=r"\d+ pages of the file stay in memory"):
            storage.put_out(Root(str(tmp_path)), path)
        assert storage.medium_of(Root("/"), SHM) == "memory (tmpfs)"
    finally:
        path.unlink()
    with pytest.raises(storage.NotColdError, match="cannot be opened: no such file"):
        storage.put_out(Root("/"), path)


def test_a_model_that_stays_in_memory_has_no_cold_figure(steward: Start) -> None:
    folder = SHM / f"edge-harness-test-{os.getpid()}"
    one = steward(cache=str(folder))
    try:
        (found,) = run(one, [trial(put(one, WEIGHTS), kind="load", cold=True)])
        assert found.died is None
        assert found.load
        assert (found.load.load_s, found.load.read_s) == (None, None)
        assert "stay in memory" in (found.load.not_cold or "")
        assert "stay in memory" in (found.load.unread or "")
        metrics = trial_metrics(found, None)
        assert metrics
        assert metrics.values == {}
    finally:
        one.end()
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        folder.rmdir()


def test_the_file_that_is_read_is_made_once_and_whole(tmp_path: Path) -> None:
    probe = tmp_path / "read-rate"
    probe.write_bytes(b"cut off")
    storage.make_probe(probe)
    made = probe.stat()
    assert made.st_size == storage.READ_BYTES
    storage.make_probe(probe)
    assert probe.stat().st_ino == made.st_ino
    assert [path.name for path in tmp_path.iterdir()] == ["read-rate"]
    with pytest.raises(OSError, match="No such file"):
        storage.make_probe(tmp_path / "nowhere" / "read-rate")


@pytest.mark.parametrize(
    ("disk", "files", "expected"),
    [
        ("mmcblk0", {"device/type": "SD"}, "microSD"),
        ("mmcblk1", {"device/type": "MMC"}, "eMMC"),
        ("nvme0n1", {}, "NVMe"),
        ("vda", {}, "virtio disk"),
        ("sda", {"queue/rotational": "1"}, "hard disk"),
        ("sda", {"queue/rotational": "0"}, "SSD"),
    ],
)
def test_the_medium_is_that_of_the_disk_under_the_folder(
    tmp_path: Path, disk: str, files: dict[str, str], expected: str
) -> None:
    part = f"{disk}p2" if disk[-1].isdigit() else f"{disk}2"
    board = made_disk(tmp_path, disk, part, files)
    mounted(board, tmp_path, f"ext4 /dev/{part}")
    assert storage.medium_of(Root(str(board)), tmp_path) == expected


def test_of_a_mapped_device_the_disk_below_it_counts(tmp_path: Path) -> None:
    board = made_disk(tmp_path, "mmcblk0", "mmcblk0p2", {"device/type": "SD"})
    (board / "sys/block/dm-0/slaves/mmcblk0p2").mkdir(parents=True)
    mounted(board, tmp_path, "ext4 /dev/dm-0")
    assert storage.medium_of(Root(str(board)), tmp_path) == "microSD"


@pytest.mark.parametrize(("kind", "expected"), [("nfs4 server:/home", "network (NFS)"), ("overlay overlay", None)])
def test_a_medium_that_is_no_disk_is_named_or_not_known(tmp_path: Path, kind: str, expected: str | None) -> None:
    board = made_disk(tmp_path, "vda", "vda1", {})
    mounted(board, tmp_path, kind)
    assert storage.medium_of(Root(str(board)), tmp_path) == expected
    assert storage.medium_of(Root(str(board)), tmp_path / "nowhere") is None
    (board / "proc/self/mountinfo").unlink()
    assert storage.medium_of(Root(str(board)), tmp_path) is None


def made_disk(tmp_path: Path, disk: str, part: str, files: dict[str, str]) -> Path:
    """A made-up root with one disk that has one partition."""
    board = tmp_path / "board"
    for name, text in {f"{part}/size": "1", **files}.items():
        path = board / "sys/block" / disk / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return board


def mounted(board: Path, folder: Path, what: str) -> None:
    number = folder.stat().st_dev
    path = board / "proc/self/mountinfo"
    path.parent.mkdir(parents=True)
    path.write_text(f"22 1 {os.major(number)}:{os.minor(number)} / / rw,relatime shared:1 - {what} rw\n")
