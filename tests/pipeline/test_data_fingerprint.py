"""The hash of a data set changes when the data would, and only then."""

import os
import subprocess
import sys
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from pipeline.made_data import own_cache, write_fashion, write_files

from harness.pipeline.cache import key
from harness.pipeline.model.data import data_fingerprint, fingerprint
from harness.pipeline.model.data.fingerprint import HashedFile, hash_of
from harness.pipeline.model.data.published import FASHION_MNIST
from harness.records.errors import BuildError


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return own_cache(monkeypatch, tmp_path / "home")


def test_words_of_one_meaning_have_one_hash() -> None:
    assert data_fingerprint("synthetic") == data_fingerprint("synthetic( seed=0 )", base_dir="/nowhere")
    assert len({data_fingerprint(word) for word in ("synthetic(0)", "synthetic(1)", "digits", "cifar10")}) == 4


def test_digits_change_with_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    before = data_fingerprint("digits")
    monkeypatch.setattr(fingerprint, "version", lambda _name: "999")
    assert data_fingerprint("digits") != before


def test_the_code_that_reads_and_preprocesses_counts() -> None:
    assert {"harness.pipeline.model.data.digits", "harness.pipeline.model.data.preprocessing.scale_scans"} <= set(
        fingerprint._code("harness.pipeline.model.data.digits")
    )
    assert "harness.pipeline.model.data.preprocessing.scale_pixels" in fingerprint._code(
        "harness.pipeline.model.data.fashion_mnist"
    )
    assert "harness.pipeline.model.data.speech_commands" not in fingerprint._code("harness.pipeline.model.data.digits")


def test_own_data_is_known_by_its_content(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", test_x=np.zeros(3))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes())
    before = data_fingerprint("a.npz", base_dir=str(tmp_path))
    assert before == data_fingerprint(str(tmp_path / "other" / "b.npz")), "wherever it lies"
    np.savez(tmp_path / "a.npz", test_x=np.ones(3))
    assert data_fingerprint("a.npz", base_dir=str(tmp_path)) != before


def test_a_folder_is_known_by_its_samples_and_their_classes(tmp_path: Path) -> None:
    own = tmp_path / "own"
    write_files(own, {"a/1.npy": b"1", "b/1.npy": b"2"})
    hashes = [data_fingerprint(str(own))]
    write_files(own, {"notes.txt": b"", ".git/1.npy": b""})
    assert data_fingerprint(str(own)) == hashes[0], "what is no sample does not count"
    for files in ({"a/2.npy": b"3"}, {"a/1.npy": b"4"}, {"c/1.npy": b"1"}):
        write_files(own, files)
        hashes.append(data_fingerprint(str(own)))
    (own / "c" / "1.npy").unlink()
    (own / "c").rmdir()
    assert data_fingerprint(str(own)) == hashes[2]
    assert len(set(hashes)) == 4


def test_published_files_count_by_content(cache: Path) -> None:
    write_fashion(cache / "fashion_mnist", seed=1)
    first = data_fingerprint("fashion_mnist")
    write_fashion(cache / "fashion_mnist", seed=2)
    assert data_fingerprint("fashion_mnist") != first


def test_files_to_be_downloaded_count_as_what_they_will_be(tmp_path: Path) -> None:
    files = {file.name: file.name.encode() for file in FASHION_MNIST.downloads}
    write_files(tmp_path, files)
    present = hash_of([HashedFile(name, tmp_path / name) for name in files], algorithm="md5")
    digests = {name: md5(content, usedforsecurity=False).hexdigest() for name, content in files.items()}
    assert present == key(sorted([name, digest] for name, digest in digests.items()))


def test_a_word_without_data_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="did you mean digits"):
        data_fingerprint("digit")
    with pytest.raises(BuildError, match="does not exist: looked for"):
        data_fingerprint("gone.npz", base_dir=str(tmp_path))


def large(path: Path, value: int, *, age_s: float = 60) -> Path:
    """A file above what is hashed anew each time, written a while ago."""
    path.write_bytes(bytes([value]) * (2 << 20))
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))
    return path


def test_large_files_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [HashedFile("a", large(tmp_path / "a", 1))]
    first = hash_of(files)
    monkeypatch.setattr(fingerprint, "_digest", None)
    assert hash_of(files) == first


def test_large_files_that_change_are_read_again(tmp_path: Path) -> None:
    files = [HashedFile("a", large(tmp_path / "a", 1))]
    first = hash_of(files)
    large(tmp_path / "a", 2, age_s=30)
    assert hash_of(files) != first


def test_a_file_written_just_now_is_not_taken_for_settled(tmp_path: Path, cache: Path) -> None:
    hash_of([HashedFile("a", large(tmp_path / "a", 1, age_s=0))])
    assert not (cache / "hashes").exists()


def test_a_damaged_note_is_made_again(tmp_path: Path, cache: Path) -> None:
    files = [HashedFile("a", large(tmp_path / "a", 1))]
    first = hash_of(files)
    (note,) = (cache / "hashes").iterdir()
    note.write_bytes(b"\xff\xfe")
    assert hash_of(files) == first and note.read_text() == first


def test_without_a_place_for_notes_files_are_read_each_time(tmp_path: Path, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder would be")
    files = [HashedFile("a", large(tmp_path / "a", 1))]
    assert hash_of(files) == hash_of(files)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=f"{tmp_path}/gone cannot be read: No such file"):
        hash_of([HashedFile("gone", tmp_path / "gone")])


def test_a_hash_is_made_without_numpy() -> None:
    code = (
        "import sys\nfrom harness.pipeline.model.data import data_fingerprint\ndata_fingerprint('digits')\n"
        "print(*{'numpy', 'tensorflow', 'keras', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
