"""What every data set keeps to; digits and made-up samples in particular."""

import ast
from pathlib import Path

import numpy as np
import pytest
from pipeline.made_data import loaded, overlaps, refusal

from harness.pipeline.check.stages.stages_rules import check_stages
from harness.pipeline.model.data import check_data_word
from harness.pipeline.model.data.raw_samples import preprocess_all
from harness.pipeline.model.data.splitting import calibration_size, differ_from, split_indices, split_without_overlap
from harness.records.errors import BuildError

ANOMALIES = {"shape": (40,), "score": "auc"}
PREPROCESSING = sorted(
    (Path(__file__).resolve().parents[2] / "harness" / "pipeline" / "model" / "data" / "preprocessing").glob("s*.py")
)


def test_digits_have_the_parts_they_always_had() -> None:
    digits = loaded("digits")
    assert digits.train_inputs is not None and digits.train_labels is not None
    assert digits.train_inputs.shape == (1097, 8, 8, 1)
    assert digits.calibration_inputs.shape == (200, 8, 8, 1)
    assert digits.test_inputs.shape == (500, 8, 8, 1)
    assert len(digits.train_labels) == 1097 and len(digits.test_labels) == 500
    assert set(digits.test_labels.tolist()) == set(range(10))
    assert digits.accuracy_reason is None and digits.score == "top1"
    assert digits.test_inputs.min() == 0 and digits.test_inputs.max() == 1


def test_digits_come_as_they_are_whatever_a_model_would_like() -> None:
    assert loaded("digits", shape=(32, 32, 3), classes=2).test_inputs.shape == (500, 8, 8, 1)


def test_digits_are_dealt_by_a_seed_of_their_own() -> None:
    first, same, other = (loaded("digits", seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.test_inputs, same.test_inputs)
    assert not np.array_equal(first.test_inputs, other.test_inputs)
    assert not overlaps(other)


@pytest.mark.parametrize(
    ("word", "given"),
    [
        ("digits", {}),
        ("synthetic(0)", {"shape": (6, 6, 2), "classes": 3}),
        ("synthetic(1)", {"shape": (20,), "classes": 2}),
        ("synthetic(2)", ANOMALIES),
    ],
)
def test_parts_do_not_overlap_and_are_floats_with_whole_labels(word: str, given: dict[str, object]) -> None:
    dataset = loaded(word, **given)
    assert not overlaps(dataset)
    for part in (dataset.train_inputs, dataset.calibration_inputs, dataset.test_inputs):
        assert part is not None and part.dtype == np.float32 and np.isfinite(part).all()
        assert part.shape[1:] == dataset.test_inputs.shape[1:]
    assert dataset.test_labels.dtype == np.int64
    assert len(dataset.test_inputs) >= 100, "what boards' outputs are checked with"


@pytest.mark.parametrize("shape", [(20,), (7, 5), (9, 9, 1), (3, 50, 2), (1, 1, 1)])
def test_synthetic_samples_have_the_shape_of_the_model(shape: tuple[int, ...]) -> None:
    made = loaded("synthetic(3)", shape=shape, classes=4)
    assert made.test_inputs.shape == (200, *shape)
    assert made.train_labels is not None and set(made.train_labels.tolist()) == {0, 1, 2, 3}
    assert made.test_inputs.min() >= 0 and made.test_inputs.max() <= 1


def test_synthetic_samples_claim_no_accuracy() -> None:
    for given in ({"shape": (8, 8, 1), "classes": 2}, ANOMALIES):
        assert loaded("synthetic", **given).accuracy_reason == "synthetic: accuracy not claimed"
        assert loaded("synthetic", **given).name == "synthetic(0)"


def test_synthetic_samples_are_few_where_they_are_large() -> None:
    made = loaded("synthetic", shape=(160, 160, 3), classes=10)
    assert made.train_inputs is not None and len(made.train_inputs) == 96
    assert len(made.test_inputs) == 100


def test_the_seed_decides_synthetic_samples_and_nothing_else_does() -> None:
    first, same, other = (loaded(f"synthetic({seed})", shape=(8, 8, 1), classes=3) for seed in (4, 4, 5))
    assert np.array_equal(first.test_inputs, same.test_inputs)
    assert not np.array_equal(first.test_inputs, other.test_inputs)


def test_the_classes_of_synthetic_samples_can_be_told_apart() -> None:
    made = loaded("synthetic", shape=(12, 12, 1), classes=5)
    assert made.train_inputs is not None and made.train_labels is not None
    means = np.stack([made.train_inputs[made.train_labels == label].mean(axis=0) for label in range(5)])
    far = ((made.test_inputs[:, np.newaxis] - means) ** 2).reshape(len(made.test_inputs), 5, -1).sum(axis=2)
    assert (far.argmin(axis=1) == made.test_labels).mean() > 0.95


def test_synthetic_anomalies_lie_off_the_normal_samples() -> None:
    made = loaded("synthetic", shape=(60,), score="auc")
    assert made.score == "auc" and made.train_labels is None and made.train_inputs is not None
    assert sorted(set(made.test_labels.tolist())) == [0, 1]
    centre = made.train_inputs.mean(axis=0)
    axes = np.linalg.svd(made.train_inputs - centre, full_matrices=False)[2][:12]
    around = made.test_inputs - centre
    missed = ((around - around @ axes.T @ axes) ** 2).mean(axis=1)
    normal, anomalous = (missed[made.test_labels == label] for label in (0, 1))
    assert np.median(anomalous) > 10 * np.median(normal)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"shape": None, "classes": 3}, "synthetic data is made in a model's shape, and this one has none"),
        ({"shape": (0, 4), "classes": 3}, "synthetic data is made in a model's shape"),
        ({"shape": (4,), "classes": None}, "made for two classes or more, and this model has None"),
        ({"shape": (4,), "classes": 1}, "made for two classes or more, and this model has 1"),
    ],
)
def test_a_model_that_synthetic_samples_cannot_follow(given: dict[str, object], said: str) -> None:
    assert said in refusal("synthetic", **given)


def test_a_word_that_stands_for_nothing_is_an_error_of_the_build_too() -> None:
    assert "did you mean digits?" in refusal("digitz")


def test_a_checked_word_loads_what_the_written_one_does(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", test_x=np.eye(8), test_y=np.arange(8) % 2, calibration_x=np.eye(8) + 2)
    word = check_data_word("own.npz", str(tmp_path))
    assert np.array_equal(loaded(word).test_inputs, loaded("own.npz", base_dir=str(tmp_path)).test_inputs)


@pytest.mark.parametrize("file", PREPROCESSING, ids=lambda file: file.stem)
def test_preprocessing_files_may_be_sent_to_boards(file: Path) -> None:
    check_stages(file)
    names = {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}
    assert {"preprocess", "postprocess"} <= names


def test_there_are_three_preprocessing_files() -> None:
    assert [file.stem for file in PREPROCESSING] == ["scale_pixels", "scale_scans", "speech_features"]


def run_as_on_a_board(file: Path) -> dict[str, object]:
    space: dict[str, object] = {}
    exec(compile(file.read_bytes(), "<stages>", "exec"), space)  # noqa: S102 - as the agent does
    return space


def test_the_file_that_goes_to_boards_makes_the_very_inputs() -> None:
    digits = loaded("digits")
    assert digits.preprocessing is not None and digits.raw_test is not None
    preprocess = run_as_on_a_board(digits.preprocessing)["preprocess"]
    assert callable(preprocess) and len(digits.raw_test) == 100
    for raw, wanted in zip(digits.raw_test, digits.test_inputs, strict=False):
        raw.setflags(write=False)
        given = preprocess(raw)
        assert given.dtype == np.float32 and np.array_equal(given, wanted)


@pytest.mark.parametrize(("file", "answer"), [(0, "class"), (1, "digit"), (2, "class")])
def test_an_answer_names_the_best_class_and_its_score(file: int, answer: str) -> None:
    postprocess = run_as_on_a_board(PREPROCESSING[file])["postprocess"]
    assert callable(postprocess)
    assert postprocess([np.array([[0.1, 0.7, 0.2]], np.float32)]) == {answer: 1, "score": 0.7}


def test_pixels_get_a_channel_where_they_have_none() -> None:
    preprocess = run_as_on_a_board(PREPROCESSING[0])["preprocess"]
    assert callable(preprocess)
    grey, colour = preprocess(np.full((4, 5), 51, np.uint8)), preprocess(np.full((4, 5, 3), 255, np.uint8))
    assert grey.shape == (4, 5, 1) and np.allclose(grey, 0.2)
    assert colour.shape == (4, 5, 3) and (colour == 1).all()


def test_samples_are_preprocessed_one_by_one() -> None:
    raw = [np.arange(3), np.arange(3, 6)]
    assert preprocess_all(raw, lambda one: one * 2).tolist() == [[0, 2, 4], [6, 8, 10]]


def test_dealing_draws_without_repeating_and_keeps_order() -> None:
    some, rest = split_indices(10, 4, seed=1)
    assert len(some) == 4 and sorted([*some, *rest]) == list(range(10))
    assert list(some) == sorted(some) and list(rest) == sorted(rest)
    assert not np.array_equal(some, split_indices(10, 4, seed=2)[0])


@pytest.mark.parametrize(("count", "size"), [(1, 1), (9, 1), (100, 10), (2000, 200), (60_000, 200)])
def test_a_tenth_calibrates_and_at_most_a_few_hundred(count: int, size: int) -> None:
    assert calibration_size(count) == size


def test_samples_are_alike_when_all_their_bytes_are() -> None:
    samples = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.5]])
    assert differ_from(samples, samples[:1], samples[2:]).tolist() == [False, True, False]
    assert differ_from(samples[:, ::-1], samples).tolist() == [True, True, True]


def test_training_and_calibration_keep_apart_from_test_samples_and_each_other() -> None:
    rng = np.random.default_rng(0)
    test = rng.integers(0, 256, (20, 3), np.uint8)
    fresh = rng.integers(0, 256, (60, 3), np.uint8)
    train = np.concatenate([fresh, fresh, test])
    kept, calibration = split_without_overlap(train, test, seed=0)
    parts = [{row.tobytes() for row in part} for part in (train[kept], train[calibration], test)]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert len(kept) + 2 * len(calibration) == 120


def test_a_train_part_that_is_all_in_the_test_part_leaves_nothing() -> None:
    samples = np.arange(12).reshape(4, 3)
    with pytest.raises(BuildError, match="of 4 training samples none is left"):
        split_without_overlap(samples, samples, seed=0)
