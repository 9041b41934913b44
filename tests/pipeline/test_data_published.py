"""Data sets that are published: found where they lie, read with care, downloaded and checked."""

import gzip
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from pipeline.made_data import (
    cifar_batch,
    loaded,
    overlaps,
    own_cache,
    refusal,
    write_fashion,
    write_files,
    write_idx,
    write_tar,
)
from support.needs import need_shared

from harness.pipeline.model.data import cifar10, download, fashion_mnist
from harness.pipeline.model.data.fashion_mnist import read_idx
from harness.pipeline.model.data.published import CIFAR10, CIFAR10_BATCHES, FASHION_MNIST, PublishedFile, find
from harness.records.errors import BuildError

BATCHES = {name: cifar_batch(20, seed) for seed, name in enumerate(CIFAR10_BATCHES)}
NOWHERE = "http://127.0.0.1:9"
"""The discard port, where nothing listens."""


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of data sets; nothing lies anywhere else, and no server is asked unless a test sets one up."""
    folder = own_cache(monkeypatch, tmp_path)
    offer(monkeypatch, NOWHERE)
    return folder


def offer(monkeypatch: pytest.MonkeyPatch, address: str, digests: dict[str, str] | None = None) -> None:
    """Downloads come from an address, and are held against hashes of ours where they are given."""
    for module, constant in ((fashion_mnist, FASHION_MNIST), (cifar10, CIFAR10)):
        files = tuple(
            PublishedFile(file.name, f"{address}/{file.name}", "md5", (digests or {}).get(file.name, file.digest))
            for file in constant.downloads
        )
        folders = tuple(folder for folder in constant.folders if folder.startswith("$KERAS_HOME"))
        monkeypatch.setattr(module, constant.name.upper(), replace(constant, downloads=files, folders=folders))


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined when the server is closed, so that no socket outlives the test


@contextmanager
def serving(respond: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server on loopback that answers every GET by a function; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            respond(self)

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def serve_folder(folder: Path) -> Callable[[BaseHTTPRequestHandler], None]:
    def respond(request: BaseHTTPRequestHandler) -> None:
        content = (folder / request.path.lstrip("/")).read_bytes()
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return respond


def digests(folder: Path) -> dict[str, str]:
    return {file.name: md5(file.read_bytes(), usedforsecurity=False).hexdigest() for file in folder.iterdir()}


@pytest.mark.parametrize("place", ["cache/edge-harness/datasets/fashion_mnist", "keras/datasets/fashion-mnist"])
def test_fashion_mnist_is_found_where_it_lies(cache: Path, tmp_path: Path, place: str) -> None:
    write_fashion(tmp_path / place)
    fashion = loaded("fashion_mnist")
    assert fashion.train_inputs is not None and fashion.train_labels is not None
    assert fashion.name == "Fashion-MNIST" and fashion.score == "top1" and fashion.accuracy_reason is None
    assert fashion.train_inputs.shape == (36, 28, 28, 1) and fashion.train_labels.shape == (36,)
    assert fashion.calibration_inputs.shape == (4, 28, 28, 1)
    assert fashion.test_inputs.shape == (20, 28, 28, 1) and fashion.test_inputs.dtype == np.float32
    assert fashion.test_labels.tolist() == [*range(10), *range(10)]
    assert not overlaps(fashion)
    assert fashion.preprocessing is not None and fashion.preprocessing.name == "scale_pixels.py"


def test_the_real_test_part_is_read(cache: Path) -> None:
    write_fashion(cache / "fashion_mnist")
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        (cache / "fashion_mnist" / name).write_bytes((need_shared("data/fashion_mnist") / name).read_bytes())
    fashion = loaded("fashion_mnist")
    assert fashion.test_inputs.shape == (10_000, 28, 28, 1)
    assert np.bincount(fashion.test_labels).tolist() == [1000] * 10
    assert fashion.test_labels[:5].tolist() == [9, 2, 1, 1, 6]
    assert fashion.raw_test is not None and len(fashion.raw_test) == 100
    assert fashion.raw_test[0].dtype == np.uint8 and fashion.raw_test[0].shape == (28, 28)
    assert np.array_equal(fashion.test_inputs[0, ..., 0], fashion.raw_test[0] / np.float32(255))


def test_debian_keeps_fashion_mnist_in_a_folder_of_its_own() -> None:
    assert "/usr/share/datasets/fashion-mnist" in FASHION_MNIST.folders


def test_a_file_that_is_missing_makes_a_folder_count_for_nothing(cache: Path) -> None:
    write_fashion(cache / "fashion_mnist")
    (cache / "fashion_mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    assert find(fashion_mnist.FASHION_MNIST) is None


def test_without_data_and_network_one_line_says_what_goes_where(cache: Path) -> None:
    assert refusal("fashion_mnist") == (
        "fashion_mnist is not on this machine and cannot be downloaded (Connection refused): "
        "apt-get install dataset-fashion-mnist, or put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, "
        f"t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz into {cache}/fashion_mnist"
    )
    assert refusal("cifar10") == (
        "cifar10 is not on this machine and cannot be downloaded (Connection refused): "
        f"put cifar-10-binary.tar.gz into {cache}/cifar10"
    )
    assert not list(cache.rglob("*.partial"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no gzip", "Not a gzipped file"),
        (gzip.compress(b"", mtime=0), "requires a buffer"),
        (
            gzip.compress(struct.pack(">HBB3I", 0, 13, 3, 2, 28, 28), mtime=0),
            "its header is not that of bytes in 3 axes",
        ),
        (gzip.compress(struct.pack(">HBBI", 0, 8, 1, 2) + b"ab", mtime=0), "its header is not that of bytes in 3 axes"),
        (gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 2, 9, 9), mtime=0), "shape (9, 9), where (28, 28) was expected"),
        (gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 0, 28, 28), mtime=0), "says that it holds 0 samples"),
        (
            gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 28, 28), mtime=0),
            "says that it holds 4294967295 samples",
        ),
        (gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 1, 28, 28) + bytes(783), mtime=0), "does not hold so many bytes"),
        (gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 1, 28, 28) + bytes(785), mtime=0), "does not hold so many bytes"),
        (
            gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 9, 28, 28) + bytes(7056), mtime=0)[:-9],
            "ended before the end-of-stream",
        ),
    ],
)
def test_a_damaged_idx_file_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(BuildError) as caught:
        read_idx(path, sizes=(28, 28))
    assert said in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("labels", [[0] * 39, [10] * 40])
def test_labels_that_do_not_go_with_the_pictures(cache: Path, labels: list[int]) -> None:
    write_fashion(cache / "fashion_mnist")
    write_idx(cache / "fashion_mnist" / "train-labels-idx1-ubyte.gz", labels)
    assert refusal("fashion_mnist") == f"{cache}/fashion_mnist: the train labels are not 40 classes 0 to 9"


def test_pictures_that_stand_in_two_parts_are_trained_on_no_more(cache: Path) -> None:
    folder = cache / "fashion_mnist"
    write_fashion(folder)
    test = read_idx(folder / "t10k-images-idx3-ubyte.gz", sizes=(28, 28))
    train = read_idx(folder / "train-images-idx3-ubyte.gz", sizes=(28, 28))
    write_idx(folder / "train-images-idx3-ubyte.gz", np.concatenate([test[:5], train[:15], train[:15], train[15:20]]))
    fashion = loaded("fashion_mnist")
    assert not overlaps(fashion)
    assert len(fashion.test_inputs) == 20, "what is published stays the measure"


def put_cifar_archive(folder: Path) -> None:
    write_tar(folder / "cifar-10-binary.tar.gz", {f"cifar-10-batches-bin/{name}": BATCHES[name] for name in BATCHES})


def put_cifar_folder(folder: Path) -> None:
    write_files(folder / "cifar-10-batches-bin", BATCHES)


@pytest.mark.parametrize("put", [put_cifar_archive, put_cifar_folder])
def test_cifar10_is_read_from_its_archive_or_its_batches(cache: Path, put: Callable[[Path], None]) -> None:
    put(cache / "cifar10")
    cifar = loaded("cifar10")
    assert cifar.train_inputs is not None
    assert cifar.train_inputs.shape == (90, 32, 32, 3) and cifar.calibration_inputs.shape == (10, 32, 32, 3)
    assert cifar.test_inputs.shape == (20, 32, 32, 3)
    assert not overlaps(cifar)
    assert cifar.raw_test is not None
    record = np.frombuffer(BATCHES["test_batch.bin"], np.uint8)[:3073]
    assert cifar.test_labels[0] == record[0]
    assert np.array_equal(cifar.raw_test[0][0, :2], [[record[1], record[1025], record[2049]], record[[2, 1026, 2050]]])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has 0 bytes, where up to 10000 records of 3073 were expected"),
        (bytes(3072), "has 3072 bytes"),
        (bytes([10]) + bytes(3072), "holds the label 10, where 0 to 9 were expected"),
        (None, "cannot be read"),
    ],
)
def test_damaged_cifar_batches_are_one_line(cache: Path, content: bytes | None, said: str) -> None:
    batches = {f"cifar-10-batches-bin/{name}": BATCHES[name] for name in BATCHES}
    if content is None:
        del batches["cifar-10-batches-bin/data_batch_3.bin"]
    else:
        batches["cifar-10-batches-bin/data_batch_3.bin"] = content
    write_tar(cache / "cifar10" / "cifar-10-binary.tar.gz", batches)
    assert said in refusal("cifar10") and "data_batch_3.bin" in refusal("cifar10")


@pytest.mark.parametrize("damage", [lambda content: b"no archive", lambda content: content[: len(content) // 2]])
def test_a_damaged_cifar_archive_is_one_line(cache: Path, damage: Callable[[bytes], bytes]) -> None:
    archive = cache / "cifar10" / "cifar-10-binary.tar.gz"
    put_cifar_archive(archive.parent)
    archive.write_bytes(damage(archive.read_bytes()))
    assert refusal("cifar10").startswith(f"{archive} cannot be read: ")


def test_pickles_of_keras_are_not_read(cache: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "keras" / "datasets" / "cifar-10-batches-py-target", {"data_batch_1": b"\x80\x02"})
    assert "cifar10 is not on this machine" in refusal("cifar10")


def test_files_are_downloaded_checked_and_then_named(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fashion(tmp_path / "published")
    with serving(serve_folder(tmp_path / "published")) as address:
        offer(monkeypatch, address, digests(tmp_path / "published"))
        first = loaded("fashion_mnist")
    assert digests(cache / "fashion_mnist") == digests(tmp_path / "published")
    assert np.array_equal(loaded("fashion_mnist").test_inputs, first.test_inputs), "without the server"


def test_a_file_that_is_not_the_published_one_is_not_kept(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fashion(tmp_path / "published")
    with serving(serve_folder(tmp_path / "published")) as address:
        offer(monkeypatch, address)
        said = refusal("fashion_mnist")
    assert "(what came for train-images-idx3-ubyte.gz has another md5 than the published file)" in said
    assert list((cache / "fashion_mnist").iterdir()) == []


def not_found(request: BaseHTTPRequestHandler) -> None:
    request.send_error(404)


def cut_off(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"some")


def no_http(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"\0\1\2\n\n")


@pytest.mark.parametrize(
    ("respond", "why"),
    [(not_found, "(Not Found)"), (cut_off, "(what came for cifar-10-binary.tar.gz has another md5"), (no_http, "(")],
)
def test_a_server_that_does_not_give_the_file_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch, respond: Callable[[BaseHTTPRequestHandler], None], why: str
) -> None:
    with serving(respond) as address:
        offer(monkeypatch, address)
        said = refusal("cifar10")
    assert "cifar10 is not on this machine and cannot be downloaded " + why in said
    assert said.endswith(f"put cifar-10-binary.tar.gz into {cache}/cifar10")
    assert list((cache / "cifar10").iterdir()) == []


def test_a_server_that_falls_silent_is_given_up(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()

    def silent(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        done.wait(60)

    monkeypatch.setattr(download, "_PATIENCE_S", 0.2)
    with serving(silent) as address:
        offer(monkeypatch, address)
        said = refusal("cifar10")
        done.set()
    assert "cannot be downloaded (timed out)" in said


def test_a_server_that_drips_is_given_up(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(bytes(3 << 20))

    monkeypatch.setattr(download, "_DEADLINE_S", -1.0)
    with serving(drip) as address:
        offer(monkeypatch, address)
        assert "cannot be downloaded (the download took longer than" in refusal("cifar10")
    assert list((cache / "cifar10").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_one_line(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder would be")
    assert "cifar10 is not on this machine and cannot be downloaded (" in refusal("cifar10")
