"""Data of the user's own: .npz files and folders, and what is said of those that cannot serve."""

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pipeline.made_data import loaded, noise_clip, overlaps, refusal, wav, write_files
from support.warm_builds import run_with_tensorflow

from harness.pipeline.model.data.preprocessing import speech_features

RNG = np.random.default_rng(3)
TRAIN = RNG.random((60, 5)).astype(np.float32)
TEST = RNG.random((20, 5)).astype(np.float32)
TRAIN_Y, TEST_Y = np.arange(60) % 3, np.arange(20) % 3
PICTURES = RNG.integers(0, 256, (60, 6, 4, 3), np.uint8)


def npz(folder: Path, **arrays: Any) -> Path:
    """A good file, but for what is given; None leaves an array out."""
    good = {"train_x": TRAIN, "train_y": TRAIN_Y, "test_x": TEST, "test_y": TEST_Y}
    path = folder / "own.npz"
    np.savez(path, **{name: array for name, array in (good | arrays).items() if array is not None})
    return path


def saved(array: Any) -> bytes:
    held = io.BytesIO()
    np.save(held, array)
    return held.getvalue()


def test_an_npz_gives_its_parts_and_calibration_is_cut_from_training(tmp_path: Path) -> None:
    own = loaded(npz(tmp_path))
    assert own.name == "own.npz" and own.score == "top1" and own.accuracy_reason is None
    assert own.train_inputs is not None and own.train_labels is not None
    assert own.train_inputs.shape == (54, 5) and own.train_labels.shape == (54,)
    assert own.calibration_inputs.shape == (6, 5)
    assert np.array_equal(own.test_inputs, TEST) and np.array_equal(own.test_labels, TEST_Y)
    assert own.preprocessing is None and own.raw_test is None
    assert not overlaps(own)
    for sample, label in zip(own.train_inputs, own.train_labels, strict=True):
        at = int((sample == TRAIN).all(axis=1).argmax())
        assert TRAIN_Y[at] == label, "labels stay with their samples"


def test_the_names_of_keras_files_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "keras.npz"
    np.savez(path, x_train=TRAIN, y_train=TRAIN_Y, x_test=TEST, y_test=TEST_Y[:, np.newaxis])
    assert np.array_equal(loaded(path).test_labels, TEST_Y)


def test_calibration_samples_may_be_given(tmp_path: Path) -> None:
    own = loaded(npz(tmp_path, calibration_x=TEST + 1))
    assert np.array_equal(own.calibration_inputs, TEST + 1)
    assert own.train_inputs is not None and len(own.train_inputs) == 60


def test_a_trained_model_needs_no_train_part(tmp_path: Path) -> None:
    own = loaded(npz(tmp_path, train_x=None, train_y=None, calibration_x=TRAIN))
    assert own.train_inputs is None and own.train_labels is None
    assert len(own.calibration_inputs) == 60


def test_other_arrays_in_the_file_are_left_alone(tmp_path: Path) -> None:
    assert len(loaded(npz(tmp_path, names=np.array(["a", "b"], dtype=object))).test_inputs) == 20


def test_pictures_of_bytes_are_scaled_and_keep_their_raw_samples(tmp_path: Path) -> None:
    own = loaded(npz(tmp_path, train_x=PICTURES[:40], train_y=TRAIN_Y[:40], test_x=PICTURES[40:]))
    assert own.test_inputs.dtype == np.float32 and np.array_equal(own.test_inputs, PICTURES[40:] / np.float32(255))
    assert own.preprocessing is not None and own.preprocessing.name == "scale_pixels.py"
    assert own.raw_test is not None and np.array_equal(np.stack(own.raw_test), PICTURES[40:])


def test_grey_pictures_get_a_channel(tmp_path: Path) -> None:
    grey = PICTURES[..., 0]
    given = {"train_x": grey[:40], "train_y": TRAIN_Y[:40], "test_x": grey[40:]}
    assert loaded(npz(tmp_path, **given)).test_inputs.shape == (20, 6, 4, 1)
    floats = {**given, "train_x": grey[:40] / 255, "test_x": grey[40:] / 255}
    assert loaded(npz(tmp_path, **floats)).test_inputs.shape == (20, 6, 4), "as they come"
    assert loaded(npz(tmp_path, **floats), shape=(32, 32, 3)).test_inputs.shape == (20, 6, 4, 1)


def test_bytes_that_are_no_pictures_stay_as_they_are(tmp_path: Path) -> None:
    flat = PICTURES.reshape(60, -1)
    own = loaded(npz(tmp_path, train_x=flat[:40], train_y=TRAIN_Y[:40], test_x=flat[40:]))
    assert own.preprocessing is None and np.array_equal(own.test_inputs, flat[40:].astype(np.float32))


def test_anomalies_need_normal_samples_to_train_on(tmp_path: Path) -> None:
    own = loaded(npz(tmp_path, train_y=None, test_y=np.arange(20) % 2), score="auc")
    assert own.score == "auc" and own.train_labels is None and own.train_inputs is not None
    assert own.test_labels.tolist() == [0, 1] * 10
    assert loaded(npz(tmp_path, train_y=np.zeros(60), test_y=np.arange(20) % 2), score="auc").train_labels is None


def test_samples_that_are_many_times_in_training_calibrate_or_train(tmp_path: Path) -> None:
    own = loaded(npz(tmp_path, train_x=np.repeat(TRAIN[:10], 6, axis=0), train_y=np.repeat(TRAIN_Y[:10], 6)))
    assert not overlaps(own) and own.train_inputs is not None and len(own.train_inputs)


def test_calibration_is_cut_by_a_seed_of_its_own(tmp_path: Path) -> None:
    cuts = [loaded(npz(tmp_path), seed=seed).calibration_inputs for seed in (0, 0, 1)]
    assert np.array_equal(cuts[0], cuts[1]) and not np.array_equal(cuts[0], cuts[2])


BROKEN = TRAIN.copy()
BROKEN[7, 2] = np.nan


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"test_x": None}, "holds test_y, train_x, train_y, where test_x and test_y, with train_x and train_y or"),
        ({"test_y": None}, "holds test_x, train_x, train_y, where test_x and test_y"),
        ({"train_x": None}, "has no calibration data: integer recipes need train_x or calibration_x"),
        ({"train_y": None}, "has train_x without train_y: give each training sample's class"),
        ({"train_x": TRAIN[:0], "train_y": TRAIN_Y[:0]}, "its train part is empty: its shape is (0, 5)"),
        ({"train_x": TRAIN[0]}, "its train part has shape (5,), where samples on the first axis were expected"),
        ({"test_x": np.array(3.0)}, "its test part has shape ()"),
        ({"train_x": TRAIN[:, :4]}, "its train part has float32 samples of shape (4,), its test part float32 of (5,)"),
        (
            {"train_x": TRAIN.astype(np.float64)},
            "its train part has float64 samples of shape (5,), its test part float32",
        ),
        ({"calibration_x": TRAIN[:, :2]}, "its calibration part has float32 samples of shape (2,)"),
        ({"train_x": BROKEN}, "its train part holds NaN, or numbers beyond float32, in sample 7"),
        ({"test_x": TEST.astype(complex), "train_x": TRAIN.astype(complex)}, "is complex128, where plain numbers"),
        ({"test_x": np.full((20, 5), 1e300), "train_x": TRAIN.astype(float)}, "beyond float32, in sample 0"),
        ({"test_x": np.array(["a"] * 20).reshape(20, 1)}, "where plain numbers were expected"),
        ({"test_y": TEST_Y[:19]}, "test_y has shape (19,), where (20,) was expected"),
        ({"test_y": np.eye(3)[TEST_Y]}, "test_y has shape (20, 3), where (20,) was expected: give each sample's class"),
        ({"test_y": TEST_Y + 0.5}, "test_y is float64, where whole numbers were expected"),
        ({"test_y": np.array(["cat"] * 20)}, "test_y is <U3, where whole numbers were expected"),
        ({"train_y": TRAIN_Y - 1}, "train_y holds -1, where classes from 0 were expected"),
        ({"test_y": TEST_Y + 3}, "test_y holds 3, 4, 5, which no training sample has"),
        (
            {"train_y": TRAIN_Y * 9, "test_y": TEST_Y * 9},
            "goes up to 18 and never holds 1: number its 3 classes 0 to 2",
        ),
        ({"train_y": TRAIN_Y * 0, "test_y": TEST_Y * 0}, "train_y has one class only"),
        ({"test_x": np.concatenate([TEST[:18], TRAIN[4:6]])}, "train sample 4 is test sample 18 too, one of 2 in both"),
        (
            {"calibration_x": TRAIN[9:12]},
            "train sample 9 is calibration sample 0 too, one of 3 in both parts: take them",
        ),
        ({"calibration_x": TEST[3:4]}, "calibration sample 0 is test sample 3 too, one of 1 in both parts"),
        ({"train_x": TRAIN[:1], "train_y": TRAIN_Y[:1], "test_y": TEST_Y * 0}, "one class only"),
        ({"train_x": np.ones((60, 5), np.float32)}, "its 60 training samples cannot be cut in two: give more"),
        ({"test_x": np.array([{}] * 20, dtype=object)}, "cannot be read as a .npz of plain numbers: Object arrays"),
    ],
)
def test_a_bad_npz_is_one_line_with_its_path(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    path = npz(tmp_path, **arrays)
    told = refusal(path)
    assert told.startswith(str(path)) and said in told


def test_gaps_in_the_classes_are_for_a_model_that_has_so_many(tmp_path: Path) -> None:
    path = npz(tmp_path, train_y=TRAIN_Y + 1, test_y=TEST_Y + 1)
    assert "goes up to 3 and never holds 0" in refusal(path)
    assert loaded(path, classes=10).test_labels.max() == 3


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"test_y": TEST_Y}, "test_y holds 0, 1, 2, where 0 (normal) and 1 (anomalous), some of each, were expected"),
        ({"test_y": TEST_Y * 0}, "test_y holds 0, where 0 (normal) and 1"),
        (
            {"test_y": TEST_Y % 2, "train_y": TRAIN_Y % 2},
            "train_y is not all 0: a model that finds anomalies is trained",
        ),
    ],
)
def test_labels_that_say_nothing_of_anomalies(tmp_path: Path, labels: dict[str, Any], said: str) -> None:
    assert said in refusal(npz(tmp_path, **{"train_y": None, **labels}), score="auc")


@pytest.mark.parametrize(
    "content", [b"", b"no zip", b"PK\x03\x04" + bytes(40), saved(np.zeros(4)), saved(np.array([{}], dtype=object))]
)
def test_a_file_that_is_no_npz_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "own.npz"
    path.write_bytes(content)
    assert refusal(path).startswith(str(path))


def test_an_npz_with_a_damaged_array_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "packed.npz"
    np.savez_compressed(path, train_x=TRAIN, train_y=TRAIN_Y, test_x=TEST, test_y=TEST_Y)
    content = bytearray(path.read_bytes())
    content[200:240] = bytes(40)
    path.write_bytes(bytes(content))
    assert refusal(path).startswith(f"{path} cannot be read as a .npz of plain numbers: ")


def folder_of_arrays(
    root: Path, *, count: int = 10, classes: tuple[str, ...] = ("wave", "circle"), start: int = 0
) -> Path:
    """A folder with so many arrays a class, each of numbers of its own."""
    for number, name in enumerate(classes):
        for at in range(count):
            value = 1000 * number + start + at
            write_files(root / name, {f"{at:03}.npy": saved(np.full((4, 2), value, np.float32))})
    return root


def test_a_folder_has_a_subfolder_for_each_class(tmp_path: Path) -> None:
    own = loaded(folder_of_arrays(tmp_path / "gestures"))
    assert own.name == "gestures" and own.train_inputs is not None and own.train_labels is not None
    assert own.train_inputs.shape == (15, 4, 2) and own.calibration_inputs.shape == (1, 4, 2)
    assert own.test_inputs.shape == (4, 4, 2) and own.test_labels.tolist() == [0, 0, 1, 1]
    assert not overlaps(own)
    assert ((own.test_inputs[:, 0, 0] < 1000) == own.test_labels).all(), "circle is 0, wave is 1, by name"


def test_a_folder_may_be_dealt_already(tmp_path: Path) -> None:
    folder_of_arrays(tmp_path / "train")
    folder_of_arrays(tmp_path / "test", count=3, start=500)
    own = loaded(tmp_path)
    assert own.test_inputs[:, 0, 0].tolist() == [1500, 1501, 1502, 500, 501, 502]
    assert own.train_inputs is not None and len(own.train_inputs) == 18


def test_hidden_files_and_other_kinds_are_passed_over(tmp_path: Path) -> None:
    folder_of_arrays(tmp_path / "own")
    write_files(tmp_path / "own", {"wave/notes.txt": b"", "wave/.hidden.npy": b"", ".git/x.npy": b"", "README": b""})
    assert len(loaded(tmp_path / "own").test_inputs) == 4


def test_clips_of_sound_become_features(tmp_path: Path) -> None:
    clips = {f"{name}/{at}.wav": wav(noise_clip(7 * at + len(name))) for name in ("go", "stop") for at in range(5)}
    write_files(tmp_path, clips)
    own = loaded(tmp_path)
    assert own.test_inputs.shape == (2, 49, 10, 1) and own.preprocessing is not None and own.raw_test is not None
    assert own.preprocessing.name == "speech_features.py"
    assert own.raw_test[0].dtype == np.int16 and own.raw_test[0].shape == (16_000,)
    assert np.array_equal(speech_features.preprocess(own.raw_test[0]), own.test_inputs[0])


def bad_folder(root: Path, kind: str) -> Path:
    files = {
        "empty": {"README": b""},
        "one class": {"a/1.npy": saved(np.zeros(3))},
        "no sample": {"a/1.npy": saved(np.zeros(3)), "b/notes.txt": b""},
        "one sample": {"a/1.npy": saved(np.zeros(3)), "a/2.npy": saved(np.ones(3)), "b/1.npy": saved(np.arange(3))},
        "mixed": {"a/1.npy": saved(np.zeros(3)), "b/1.wav": wav(noise_clip(1))},
        "shapes": {f"{name}/{at}.npy": saved(np.full(3 + (name == "b"), at)) for name in "ab" for at in (1, 2)},
        "classes": {"train/a/1.npy": saved(np.zeros(3)), "train/b/1.npy": saved(np.ones(3)), "test/a/1.npy": b""},
        "damaged": {f"{name}/{at}.npy": b"x" for name in "ab" for at in (1, 2)},
        "objects": {f"{name}/{at}.npy": saved(np.array([{}], dtype=object)) for name in "ab" for at in (1, 2)},
        "twins": {f"{part}/{name}/1.npy": saved(np.full(3, ord(name))) for part in ("train", "test") for name in "ab"},
        "rate": {f"{name}/{at}.wav": wav(noise_clip(at), rate=8000) for name in "ab" for at in (1, 2)},
        "no sound": {f"{name}/{at}.wav": b"RIFF" for name in "ab" for at in (1, 2)},
    }[kind]
    write_files(root, files)
    return root


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("empty", "has 0 classes: make a subfolder for each, with its samples in it"),
        ("one class", "has 1 classes"),
        ("no sample", "/b has no sample: .npy, .wav, .png, .jpg and .bmp files are read"),
        ("one sample", "/b has one sample: give two or more, for training and for testing"),
        ("mixed", "mixes .npy, .wav files: give samples of one kind"),
        ("shapes", ".npy is int64 of shape (4,), a/2.npy int64 of shape (3,): bring them to one"),
        ("classes", "/test has the classes a, where a, b were expected"),
        ("damaged", ".npy cannot be read as an array of plain numbers"),
        ("objects", ".npy cannot be read as an array of plain numbers: Object arrays"),
        ("twins", "train sample 0 is test sample 0 too, one of 2 in both parts: take them out of one"),
        ("rate", "has 1 channels of 16 bits at 8000 Hz: make it 1 of 16 at 16000"),
        ("no sound", "cannot be read as a .wav"),
    ],
)
def test_a_bad_folder_is_one_line_with_its_path(tmp_path: Path, kind: str, said: str) -> None:
    told = refusal(bad_folder(tmp_path / "own", kind))
    assert told.startswith(str(tmp_path / "own")) and said in told


def test_a_folder_of_classes_has_no_anomalies(tmp_path: Path) -> None:
    assert "is a folder of classes, and this model finds anomalies" in refusal(folder_of_arrays(tmp_path), score="auc")


READS_PICTURES = """
import json, sys
from harness.pipeline.model.data import load_dataset
from harness.records.errors import BuildError
given = {"shape": None, "classes": None}
own = load_dataset(sys.argv[1], **given)
try:
    load_dataset(sys.argv[2], **given)
except BuildError as error:
    said = str(error)
print(json.dumps([list(own.test_inputs.shape), own.preprocessing.name, own.raw_test[0].tolist(), said]))
"""


def png(pixels: Any) -> bytes:
    """A picture of bytes (height, width, 3)."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.tensorflow
def test_pictures_are_read_by_tensorflow_in_the_process_that_has_it(tmp_path: Path) -> None:
    names = ["test/a/0.png", "test/b/0.png", "train/a/0.png", "train/a/1.png", "train/b/0.png"]
    good, bad = tmp_path / "good", tmp_path / "bad"
    write_files(good, {name: png(PICTURES[at]) for at, name in enumerate(names)})
    write_files(bad, {f"{name}/{at}.jpg": b"no picture" for name in "ab" for at in range(2)})
    told = json.loads(run_with_tensorflow(READS_PICTURES, good, bad).stdout)
    assert told[:2] == [[2, 6, 4, 3], "scale_pixels.py"]
    assert told[2] == PICTURES[0].tolist()
    assert told[3].startswith(f"{bad}/a/") and "cannot be read as a picture: " in told[3]
