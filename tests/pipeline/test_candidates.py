import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import candidates
from harness.pipeline import candidates_from_paths
from harness.records.errors import CandidateSpecError


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def refusal(*sources, **options) -> str:
    with pytest.raises(CandidateSpecError) as caught:
        candidates_from_paths(sources, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_zoo_model_is_float32_unless_said_otherwise():
    assert [str(candidate) for candidate in candidates("digits_cnn")] == ["digits_cnn/float32"]


def test_every_recipe_of_every_built_source_in_order():
    made = candidates("digits_cnn", "models:make", recipes=["int8", "float32", "int8"])
    assert [str(candidate) for candidate in made] == [
        "digits_cnn/int8", "digits_cnn/float32", "models:make/int8", "models:make/float32",
    ]  # fmt: skip


def test_a_factory_is_looked_for_beside_the_calling_file():
    assert candidates("models:make")[0].base_dir == str(Path(__file__).parent)


def test_paths_are_relative_to_the_calling_file(tmp_path):
    touch(tmp_path / "bench/models/a.tflite")
    script = tmp_path / "bench/listing.py"
    script.write_text("from harness import candidates\nprint(*[c.source for c in candidates('models')])\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd="/", check=True)
    assert done.stdout.strip() == str(tmp_path / "bench/models/a.tflite")


def test_a_folder_gives_its_tflite_files_by_name(tmp_path):
    for name in ("b.tflite", "a.tflite", "notes.txt"):
        touch(tmp_path / name)
    made = candidates_from_paths([tmp_path])
    assert [(str(c), c.kind, c.recipe) for c in made] == [("a", "tflite", None), ("b", "tflite", None)]


def test_equal_stems_get_their_suffix_and_equal_names_a_number(tmp_path):
    files = [touch(tmp_path / name) for name in ("x/a.tflite", "x/a.bin", "y/a.tflite", "x/b.tflite")]
    assert [c.name for c in candidates_from_paths(files)] == ["a.tflite", "a.bin", "a.tflite#2", "b"]


def test_samples_go_with_the_file(tmp_path):
    touch(tmp_path / "a.tflite")
    samples = touch(tmp_path / "a.npz")
    assert candidates_from_paths(["a.tflite"], samples="a.npz", base_dir=tmp_path)[0].samples == str(samples)


def test_mistyped_zoo_name_gets_the_nearest_and_the_list():
    assert refusal("digit_cnn") == (
        '"digit_cnn" is neither a zoo model nor a file: did you mean "digits_cnn"? '
        "the zoo has digits_cnn, vww_mobilenet_v1"
    )


def test_a_missing_file_is_named_with_where_it_was_looked_for(tmp_path):
    message = refusal("gone.tflite", base_dir=tmp_path)
    assert "does not exist" in message and str(tmp_path / "gone.tflite") in message


@pytest.mark.parametrize("name", [b"new\nline.tflite", b"bad\xff.tflite", b"bell\x07.tflite"])
def test_a_name_that_cannot_be_shown_is_refused(tmp_path, name):
    path = touch(tmp_path / os.fsdecode(name))
    for source in (path, tmp_path):
        message = refusal(source)
        assert "rename it" in message
        assert message.isascii() and message.isprintable()


@pytest.mark.parametrize("name", ["with space", "quo'te\"", "ünï☃", "-x", "$(id);`id`", "<script>"])
def test_any_name_that_can_be_shown_is_taken(tmp_path, name):
    path = touch(tmp_path / f"{name}.tflite")
    assert [(found.name, found.source) for found in candidates_from_paths([path])] == [(name, str(path))]


def test_a_name_longer_than_any_file_has(tmp_path):
    message = refusal("x" * 5000 + ".tflite", base_dir=tmp_path)
    assert "File name too long" in message
    assert len(message) < 400


def test_a_folder_without_models(tmp_path):
    assert f"no .tflite file in the folder {tmp_path}" in refusal(tmp_path)


def test_nothing_named():
    assert "no candidate was named" in refusal()


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_keras_files_are_refused_for_now(tmp_path, name):
    assert "Keras file" in refusal(touch(tmp_path / name))


def test_saved_models_are_refused_for_now(tmp_path):
    touch(tmp_path / "saved_model.pb")
    assert "SavedModel" in refusal(tmp_path)


def test_recipes_for_a_model_file_are_refused_with_the_reason(tmp_path):
    assert "measured as it is" in refusal(touch(tmp_path / "a.tflite"), recipes=["int8"])


def test_empty_recipes_are_refused():
    assert "recipes is empty" in refusal("digits_cnn", recipes=[])


def test_samples_for_what_is_built_are_refused(tmp_path):
    assert "samples go with model files" in refusal("digits_cnn", samples=touch(tmp_path / "a.npz"))


def test_samples_that_are_missing_or_of_another_kind(tmp_path):
    touch(tmp_path / "a.tflite")
    assert "does not exist" in refusal("a.tflite", samples="gone.npz", base_dir=tmp_path)
    assert "no .npz or .npy" in refusal("a.tflite", samples="a.csv", base_dir=tmp_path)


def test_naming_candidates_loads_neither_numpy_nor_tensorflow():
    code = (
        "import sys; from harness import candidates; candidates('digits_cnn', recipes=['int8']);"
        "print([m for m in ('numpy', 'tensorflow', 'keras', 'sklearn', 'filelock') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
