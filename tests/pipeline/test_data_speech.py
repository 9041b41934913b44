"""Spoken words: their features are those of MLPerf Tiny, their parts those of the publisher."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pipeline.made_data import loaded, noise_clip, overlaps, own_cache, refusal, wav, write_files, write_tar
from support.needs import need_shared
from support.warm_builds import run_with_tensorflow

from harness.pipeline.model.data import speech_commands
from harness.pipeline.model.data.preprocessing import speech_features
from harness.pipeline.model.data.published import SPEECH_COMMANDS
from harness.pipeline.model.data.speech_commands import SILENCE, UNKNOWN, WORDS, cut_silence, draw
from harness.pipeline.model.data.wav_files import clip, read_wav, samples_of
from harness.records.errors import BuildError

REFERENCE = """
import json, sys
import numpy as np
import tensorflow as tf
raw = np.load(sys.argv[1])
clips = tf.cast(raw, tf.float32) / tf.cast(tf.reduce_max(raw, axis=1, keepdims=True), tf.float32)
spectra = tf.abs(tf.signal.stft(clips, 480, 320, None, tf.signal.hann_window))
mel = tf.signal.linear_to_mel_weight_matrix(40, spectra.shape[-1], 16000, 20.0, 4000.0)
logs = tf.math.log(tf.tensordot(spectra, mel, 1) + 1e-6)
print(json.dumps(tf.signal.mfccs_from_log_mel_spectrograms(logs)[..., :10].numpy().tolist()))
"""
"""What MLPerf Tiny computes with TensorFlow's own signal functions, in float32."""

CLIPS = {
    f"{word}/{speaker:02x}_nohash_0.wav": wav(noise_clip(100 * at + speaker, 16_000 - 500 * (speaker % 3)))
    for at, word in enumerate([*WORDS, "bed", "cat", "tree"])
    for speaker in range(8)
}
NOISES = {f"_background_noise_/{at}.wav": wav(noise_clip(9000 + at, 16_000 * 25)) for at in range(2)}
VALIDATION = [name for name in CLIPS if "/00_" in name or "/01_" in name]
TESTING = [name for name in CLIPS if "/02_" in name]
LISTS = {
    "validation_list.txt": "\n".join(VALIDATION).encode() + b"\n",
    "testing_list.txt": "\n".join(TESTING).encode() + b"\n",
}
ARCHIVE = "speech_commands_v0.02.tar.gz"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where Speech Commands is put by hand."""
    return own_cache(monkeypatch, tmp_path) / "speech_commands"


def put_archive(folder: Path) -> None:
    write_tar(folder / ARCHIVE, {f"./{name}": content for name, content in (CLIPS | NOISES | LISTS).items()})


def put_unpacked(folder: Path) -> None:
    write_files(folder, CLIPS | NOISES | LISTS)


@pytest.mark.tensorflow
def test_features_are_those_of_tensorflow(tmp_path: Path) -> None:
    raw = np.stack([noise_clip(1), (8000 * np.sin(np.arange(16_000) / 20)).astype(np.int16), clip(noise_clip(2, 9000))])
    np.save(tmp_path / "raw.npy", raw)
    reference = np.array(json.loads(run_with_tensorflow(REFERENCE, tmp_path / "raw.npy").stdout))[..., np.newaxis]
    ours = np.stack([speech_features.preprocess(one) for one in raw])
    assert ours.shape == reference.shape == (3, 49, 10, 1)
    assert np.abs(ours - reference).max() < 2e-5 * np.abs(reference).max(), "float64 against TensorFlow's float32"


def test_features_of_a_real_word() -> None:
    raw = read_wav(need_shared("data/speech/tflm_yes_1000ms.wav"))
    features = speech_features.preprocess(raw)
    assert features.shape == (49, 10, 1) and features.dtype == np.float32
    assert np.array_equal(features, speech_features.preprocess(2 * raw.astype(np.int32))), "loudness does not count"


@pytest.mark.parametrize("raw", [np.zeros(16_000, np.int16), np.full(16_000, -5, np.int16), np.zeros(0, np.int16)])
def test_silence_has_features_too(raw: Any) -> None:
    assert np.isfinite(speech_features.preprocess(raw)).all()


def test_a_clip_is_one_second() -> None:
    short, long = noise_clip(1, 100), noise_clip(2, 40_000)
    assert np.array_equal(clip(short)[:100], short) and not clip(short)[100:].any()
    assert np.array_equal(clip(long), long[:16_000])
    assert np.array_equal(speech_features.preprocess(short), speech_features.preprocess(clip(short)))
    assert np.array_equal(speech_features.preprocess(long), speech_features.preprocess(clip(long)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "x cannot be read as a .wav"),
        (b"RIFF\0\0\0\0WAVEfmt ", "x cannot be read as a .wav"),
        (wav(noise_clip(1), rate=44_100), "x has 1 channels of 16 bits at 44100 Hz: make it 1 of 16 at 16000"),
        (wav(noise_clip(1), channels=2), "x has 2 channels of 16 bits at 16000 Hz"),
    ],
)
def test_a_wav_that_is_none_is_one_line(content: bytes, said: str) -> None:
    with pytest.raises(BuildError, match=said):
        samples_of(content, "x")


def test_a_wav_that_is_cut_off_gives_what_there_is() -> None:
    samples = noise_clip(3, 1000)
    assert np.array_equal(samples_of(wav(samples)[:-3], "x"), samples[:-2])


@pytest.mark.parametrize("put", [put_archive, put_unpacked])
def test_the_parts_are_those_of_the_publisher(folder: Path, put: Callable[[Path], None]) -> None:
    put(folder)
    speech = loaded("speech_commands")
    assert speech.name == "Speech Commands v0.02" and speech.accuracy_reason is None
    assert speech.train_inputs is not None and speech.train_labels is not None
    assert speech.test_inputs.shape[1:] == (49, 10, 1) and speech.test_inputs.dtype == np.float32
    counted = np.bincount(speech.test_labels, minlength=12)
    assert counted[:10].tolist() == [1] * 10 and counted[UNKNOWN] == 1, "as many unknown as one word has"
    assert counted[SILENCE] == 2 * 4, "the last tenth of each recording, every half second"
    trained = np.bincount(speech.train_labels, minlength=12)
    assert trained[:10].tolist() == [5] * 10 and trained[UNKNOWN] == 5 and trained[SILENCE] == 2 * 39
    assert len(speech.calibration_inputs) == 2 * 10 + 2 + 2 * 4
    assert not overlaps(speech)


def test_archive_and_folder_give_the_same_samples(folder: Path) -> None:
    put_archive(folder)
    packed = loaded("speech_commands")
    (folder / ARCHIVE).unlink()
    put_unpacked(folder)
    unpacked = loaded("speech_commands")
    assert np.array_equal(packed.test_inputs, unpacked.test_inputs)
    assert np.array_equal(packed.test_labels, unpacked.test_labels)


def test_raw_clips_are_what_the_features_were_made_of(folder: Path) -> None:
    put_archive(folder)
    speech = loaded("speech_commands")
    assert speech.raw_test is not None and len(speech.raw_test) == len(speech.test_inputs)
    for raw, features in zip(speech.raw_test, speech.test_inputs, strict=True):
        assert raw.dtype == np.int16 and np.array_equal(speech_features.preprocess(raw), features)


def test_features_are_computed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_archive(folder)
    first = loaded("speech_commands")
    monkeypatch.setattr(speech_commands, "read_files", None)
    assert np.array_equal(loaded("speech_commands").test_inputs, first.test_inputs)
    monkeypatch.undo()


def test_features_that_were_kept_badly_are_made_again(folder: Path) -> None:
    put_archive(folder)
    first = loaded("speech_commands")
    (kept,) = folder.glob("features-*.npz")
    kept.write_bytes(kept.read_bytes()[:1000])
    assert np.array_equal(loaded("speech_commands").test_inputs, first.test_inputs)
    assert not list(folder.glob("*.partial"))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (CLIPS, "has no validation_list.txt and no testing_list.txt"),
        (LISTS, f"{ARCHIVE} has no .wav files"),
        (LISTS | {"bed/1.wav": wav(noise_clip(1))}, "no clip of down, go, left"),
        (CLIPS | LISTS | {"yes/04_nohash_0.wav": b"no sound"}, "yes/04_nohash_0.wav cannot be read as a .wav"),
    ],
)
def test_an_archive_that_lacks_something_is_one_line(folder: Path, files: dict[str, bytes], said: str) -> None:
    write_tar(folder / ARCHIVE, files)
    assert said in refusal("speech_commands")
    assert not list(folder.glob("features*.npz"))


def test_an_archive_that_is_cut_off_is_one_line(folder: Path) -> None:
    put_archive(folder)
    (folder / ARCHIVE).write_bytes((folder / ARCHIVE).read_bytes()[:100_000])
    assert refusal("speech_commands").startswith(f"{folder / ARCHIVE} cannot be read: ")


def test_the_archive_is_checked_by_the_hash_of_its_publisher() -> None:
    (file,) = SPEECH_COMMANDS.downloads
    assert file.algorithm == "sha256" and len(file.digest) == 64 and file.url.startswith("https://")


def test_stretches_of_noise_do_not_overlap_between_parts() -> None:
    samples = np.arange(16_000 * 30, dtype=np.int32)
    heard: dict[str, set[int]] = {}
    for _, part, silence in cut_silence("noise.wav", samples):
        assert len(silence) == 16_000
        heard.setdefault(part, set()).update((int(silence[0]), int(silence[-1])))
    assert max(heard["train"]) < min(heard["calibration"]) < max(heard["calibration"]) < min(heard["test"])


def test_drawing_does_not_depend_on_the_order_of_names() -> None:
    names = [f"bed/{at}.wav" for at in range(30)]
    assert draw(names, 5, seed=0) == draw(reversed(names), 5, seed=0)
    assert draw(names, 5, seed=0) != draw(names, 5, seed=1)
    assert len(set(draw(names, 5, seed=0))) == 5
